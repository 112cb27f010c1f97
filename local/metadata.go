package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/imds"
)

// metadataPrefix is where instances reach their metadata service. Clients keep no path of the endpoint that they are
// given, but its user and password, which say whose service is meant.
const metadataPrefix = "/latest/"

// documentCertificate is the template parameter that takes the certificate of identity documents.
const documentCertificate = "IdentityCertificate"

// authority signs the identity documents of all places of this process. Its certificate outlives every virtual time.
var authority = sync.OnceValues(func() (*imds.Authority, error) {
	return imds.NewAuthority(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
})

func (s *Server) composeMetadata() error {
	a, err := authority()
	if err != nil {
		return err
	}
	s.services.imds = imds.New(imds.Config{
		Authority: a, Now: s.clock.Now,
		Instance: func(id string) (imds.Instance, bool) {
			m, ok := s.services.ec2.Machine(id)
			return imds.Instance{
				ID: id, Account: s.stack.Account, Region: s.stack.Region, Zone: m.Zone, Image: m.Image, Type: m.Type, Address: m.Address,
				Launched: m.Launched, Role: s.machine(id).Role, Off: m.Metadata.Endpoint == "disabled",
			}, ok && m.State == "running"
		},
		Keys: func(id string) (imds.Keys, error) {
			k, err := s.MachineCredentials(id)
			return imds.Keys{ID: k.AccessKeyID, Secret: k.SecretAccessKey, Token: k.SessionToken}, err
		},
	})
	return nil
}

// MetadataURL is where an instance reaches its metadata service, for AWS_EC2_METADATA_SERVICE_ENDPOINT. Whoever has it
// is that machine.
func (s *Server) MetadataURL(id string) (string, error) {
	if _, ok := s.services.ec2.Machine(id); !ok {
		return "", fmt.Errorf("looking for the metadata service of %s: it is no instance of the inventory", id)
	}
	return strings.Replace(s.url, "://", "://"+id+":"+s.metadataSecret(id)+"@", 1), nil
}

// metadataSecret keeps a machine from being another: at AWS the network does.
func (s *Server) metadataSecret(id string) string {
	h := hmac.New(sha256.New, []byte(s.token))
	h.Write([]byte("imds " + id))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth() // none is no machine's
	if !hmac.Equal([]byte(secret), []byte(s.metadataSecret(id))) {
		answerControl(w, nil, refuse(http.StatusUnauthorized, "this is not the metadata service of %.64q: its URL is in the credentials of the machine", id))
		return
	}
	s.services.imds.Serve(w, r, id, strings.TrimPrefix(r.URL.Path, "/"))
}
