package imds_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/imds"
)

var (
	noon      = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	web, db   = "i-1234567890abcdef0", "i-0fedcba0987654321"
	inventory = map[string]imds.Instance{
		web:                   {ID: web, Account: "123456789012", Region: "us-east-1", Zone: "us-east-1a", Image: "ami-5fb8c835", Type: "t3.micro", Address: "10.0.0.10", Launched: noon.Add(-1500 * time.Millisecond), Role: "web"},
		db:                    {ID: db, Type: "t3.micro", Launched: noon},
		"i-00000000000000off": {ID: "i-00000000000000off", Off: true},
	}
)

type place struct {
	t       *testing.T
	service *imds.Service
	now     time.Time
	broken  bool
}

func begin(t *testing.T) (*place, *imds.Authority) {
	t.Helper()
	a, err := imds.NewAuthority(noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, now: noon}
	p.service = imds.New(imds.Config{
		Authority: a, Now: func() time.Time { return p.now },
		Instance: func(id string) (imds.Instance, bool) { i, ok := inventory[id]; return i, ok },
		Keys: func(string) (imds.Keys, error) {
			if p.broken {
				return imds.Keys{}, errors.New("no")
			}
			return imds.Keys{ID: "ASIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Token: "token"}, nil
		},
	})
	return p, a
}

func (p *place) call(method, id, path string, headers ...string) (int, string) {
	p.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.service.Serve(w, r, id, path)
	return w.Code, w.Body.String()
}

const ttl, session = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"

func (p *place) token(id string) string {
	p.t.Helper()
	code, token := p.call("PUT", id, "latest/api/token", ttl, "60")
	if code != http.StatusOK {
		p.t.Fatalf("a session is answered %d %s", code, token)
	}
	return token
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	token := p.token(web)
	for path, want := range map[string]string{
		"latest/meta-data/instance-id":                      web,
		"latest/meta-data/iam/security-credentials/":        "web",
		"latest/meta-data/iam/security-credentials/web":     `"AccessKeyId" : "ASIAIOSFODNN7EXAMPLE"`,
		"latest/dynamic/instance-identity/document":         `"pendingTime" : "2026-03-10T11:59:58Z"`,
		"latest/dynamic/instance-identity/rsa2048":          "MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwGggCSABIIB",
		"latest/meta-data/iam/security-credentials/another": "404",
		"latest/meta-data/":                                 "404",
		"latest/dynamic/instance-identity/pkcs7":            "404",
	} {
		code, body := p.call("GET", web, path, session, token)
		if !strings.Contains(body, want) || (code == http.StatusOK) != (want != "404") {
			t.Errorf("%s: %d %s, want %s", path, code, body, want)
		}
	}
	var document map[string]any
	_, body := p.call("GET", web, "latest/dynamic/instance-identity/document", session, token)
	if err := json.Unmarshal([]byte(body), &document); err != nil || document["instanceId"] != web || document["accountId"] != "123456789012" || document["kernelId"] != nil || len(document) != 15 {
		t.Errorf("the document is %s: %v", body, err)
	}
	if code, _ := p.call("GET", db, "latest/meta-data/iam/security-credentials/", session, p.token(db)); code != http.StatusNotFound {
		t.Errorf("an instance without a profile has credentials: %d", code)
	}
	p.broken = true
	if code, body := p.call("GET", web, "latest/meta-data/iam/security-credentials/web", session, token); code != http.StatusInternalServerError {
		t.Errorf("without credentials it is answered %d %s", code, body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	token := p.token(web)
	const id = "latest/meta-data/instance-id"
	for name, tt := range map[string]struct {
		method, id, path string
		headers          []string
		want             int
	}{
		"version 1":              {"GET", web, id, nil, 401},
		"another's session":      {"GET", db, id, []string{session, token}, 401},
		"a session of nobody":    {"GET", web, id, []string{session, "x"}, 401},
		"not GET":                {"POST", web, id, []string{session, token}, 405},
		"a proxy":                {"GET", web, id, []string{session, token, "X-Forwarded-For", "10.0.0.1"}, 403},
		"no such instance":       {"GET", "i-00000000000000000", id, []string{session, token}, 404},
		"switched off":           {"PUT", "i-00000000000000off", "latest/api/token", []string{ttl, "60"}, 403},
		"no time of life":        {"PUT", web, "latest/api/token", nil, 400},
		"a life of nothing":      {"PUT", web, "latest/api/token", []string{ttl, "0"}, 400},
		"a life that is longer":  {"PUT", web, "latest/api/token", []string{ttl, "21601"}, 400},
		"a session is asked for": {"GET", web, "latest/api/token", []string{ttl, "60"}, 405},
	} {
		if code, body := p.call(tt.method, tt.id, tt.path, tt.headers...); code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, code, body, tt.want)
		}
	}
	p.now = noon.Add(61 * time.Second)
	if code, _ := p.call("GET", web, id, session, token); code != http.StatusUnauthorized {
		t.Errorf("a session that has ended: %d", code)
	}
	p.token(web) // which forgets it
	if code, _ := p.call("GET", web, id, session, token); code != http.StatusUnauthorized {
		t.Errorf("a session that is forgotten: %d", code)
	}
}

// OpenSSL takes the signature for what AWS's guide has people check, and no other content under it.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	_, a := begin(t)
	other, err := imds.NewAuthority(noon, noon.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("x", 300) // lengths of two bytes
	signature, err := a.Sign([]byte(content), noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		certificate string
		want        bool
	}{"the certificate": {a.Certificate(), true}, "another": {other.Certificate(), false}} {
		folder := t.TempDir()
		for file, text := range map[string]string{"rsa2048": "-----BEGIN PKCS7-----\n" + signature + "\n-----END PKCS7-----\n", "certificate": tt.certificate} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.CommandContext(t.Context(), openssl, "smime", "-verify", "-in", "rsa2048", "-inform", "PEM", "-certfile", "certificate", "-noverify")
		c.Dir = folder
		out, err := c.Output()
		if (err == nil) != tt.want || tt.want && string(out) != content {
			t.Errorf("with %s openssl says %v and %q", name, err, out)
		}
	}
	if _, err := a.Sign([]byte(content), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("a time that ASN.1 does not have is signed")
	}
}
