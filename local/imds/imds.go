// Package imds is the instance metadata service of keyward local, in version 2: a session first, then the credentials of
// the instance's role and its signed identity document. What is not asked of it here is not found.
//
// At AWS an instance reaches its own service on a link-local address, and only its own. Here package local says whose
// service is asked, by a secret of the start.
package imds

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Instance is what the service says of one instance.
type Instance struct {
	ID       string
	Account  string
	Region   string
	Zone     string
	Image    string
	Type     string
	Address  string
	Launched time.Time // when it was started last
	Role     string    // of its profile
	Off      bool      // it has no metadata service
}

// Keys are temporary credentials of an instance's role.
type Keys struct{ ID, Secret, Token string }

// Config is what the service needs from its surroundings; all of it is required.
type Config struct {
	Authority *Authority
	Now       func() time.Time // virtual
	Instance  func(id string) (Instance, bool)
	Keys      func(id string) (Keys, error)
}

// Service is the metadata service of all instances.
type Service struct {
	config Config

	mu       sync.Mutex
	sessions map[string]session // by their token
}

type session struct {
	instance string
	until    time.Time
}

// New returns a service.
func New(c Config) *Service { return &Service{config: c, sessions: map[string]session{}} }

// The headers of version 2.
const (
	headerTTL   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	headerToken = "X-Aws-Ec2-Metadata-Token"
)

// mostTTL is in seconds, six hours (EC2 user guide, "Use IMDSv2").
const mostTTL = 21600

// Serve answers a request of an instance for a path such as latest/api/token.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, id, path string) {
	i, ok := s.config.Instance(id)
	switch {
	case !ok:
		http.Error(w, "404 - Not Found", http.StatusNotFound)
	case i.Off, r.Header.Get("X-Forwarded-For") != "": // as the service does, against proxies
		http.Error(w, "403 - Forbidden", http.StatusForbidden)
	case path == "latest/api/token":
		s.open(w, r, id)
	case !s.opened(r, id):
		http.Error(w, "401 - Unauthorized", http.StatusUnauthorized)
	case r.Method != http.MethodGet:
		http.Error(w, "405 - Method Not Allowed", http.StatusMethodNotAllowed)
	default:
		s.answer(w, i, path)
	}
}

func (s *Service) open(w http.ResponseWriter, r *http.Request, id string) {
	if r.Method != http.MethodPut {
		http.Error(w, "405 - Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(headerTTL))
	if err != nil || ttl < 1 || ttl > mostTTL {
		http.Error(w, "400 - Bad Request", http.StatusBadRequest)
		return
	}
	token, now := rand.Text(), s.config.Now()
	s.mu.Lock()
	for t, old := range s.sessions {
		if old.until.Before(now) {
			delete(s.sessions, t)
		}
	}
	s.sessions[token] = session{id, now.Add(time.Duration(ttl) * time.Second)}
	s.mu.Unlock()
	w.Header().Set(headerTTL, strconv.Itoa(ttl))
	_, _ = w.Write([]byte(token)) // a caller that went away has nobody to tell
}

func (s *Service) opened(r *http.Request, id string) bool {
	given, now := []byte(r.Header.Get(headerToken)), s.config.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, of := range s.sessions {
		if subtle.ConstantTimeCompare([]byte(token), given) == 1 {
			return of.instance == id && !of.until.Before(now)
		}
	}
	return false
}

const credentials = "latest/meta-data/iam/security-credentials/"

func (s *Service) answer(w http.ResponseWriter, i Instance, path string) {
	text, err, found := "", error(nil), true
	switch {
	case path == "latest/meta-data/instance-id":
		text = i.ID
	case path == "latest/dynamic/instance-identity/document":
		text = i.document()
	case path == "latest/dynamic/instance-identity/rsa2048":
		text, err = s.config.Authority.Sign([]byte(i.document()), i.Launched)
	case i.Role != "" && path == credentials:
		text = i.Role
	case i.Role != "" && path == credentials+i.Role:
		text, err = s.credentials(i.ID)
	default:
		found = false
	}
	switch {
	case err != nil:
		http.Error(w, "500 - Internal Server Error", http.StatusInternalServerError)
	case !found:
		http.Error(w, "404 - Not Found", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(text)) // a caller that went away has nobody to tell
	}
}

// credentials are good for six hours of virtual time, and asked for anew before.
func (s *Service) credentials(id string) (string, error) {
	k, err := s.config.Keys(id)
	if err != nil {
		return "", err
	}
	now := s.config.Now().UTC()
	return indented(struct {
		Code, LastUpdated, Type, AccessKeyId, SecretAccessKey, Token, Expiration string
	}{"Success", now.Format(time.RFC3339), "AWS-HMAC", k.ID, k.Secret, k.Token, now.Add(6 * time.Hour).Format(time.RFC3339)}), nil
}

// document is the instance identity document (EC2 user guide, "Instance identity documents").
func (i Instance) document() string {
	return indented(struct {
		Account      string   `json:"accountId"`
		Architecture string   `json:"architecture"`
		Zone         string   `json:"availabilityZone"`
		Billing      []string `json:"billingProducts"`
		Devpay       []string `json:"devpayProductCodes"`
		Marketplace  []string `json:"marketplaceProductCodes"`
		Image        string   `json:"imageId"`
		ID           string   `json:"instanceId"`
		Type         string   `json:"instanceType"`
		Kernel       *string  `json:"kernelId"`
		Pending      string   `json:"pendingTime"`
		Address      string   `json:"privateIp"`
		Ramdisk      *string  `json:"ramdiskId"`
		Region       string   `json:"region"`
		Version      string   `json:"version"`
	}{
		Account: i.Account, Architecture: "x86_64", Zone: i.Zone, Image: i.Image, ID: i.ID, Type: i.Type,
		Pending: i.Launched.UTC().Format("2006-01-02T15:04:05Z"), Address: i.Address, Region: i.Region, Version: "2017-09-30",
	})
}

func indented(v any) string {
	b, _ := json.MarshalIndent(v, "", "  ") // texts always encode
	return strings.ReplaceAll(string(b), `": `, `" : `)
}
