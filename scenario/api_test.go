package scenario_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/wire"
)

// caller signs requests to one HTTP API.
type caller struct {
	t      *testing.T
	base   string
	region string
	key    aws.CredentialsProvider
}

func provider(k wire.Key) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
}

// call sends in, JSON unless it is text, and reads the answer into out. It returns the status and the
// body.
func (c caller) call(method, path string, in, out any) (int, string) {
	c.t.Helper()
	return c.with("", method, path, in, out)
}

// with is call with an idempotency key.
func (c caller) with(key, method, path string, in, out any) (int, string) {
	c.t.Helper()
	var body []byte
	switch v := in.(type) {
	case nil:
	case string:
		body = []byte(v)
	default:
		var err error
		if body, err = json.Marshal(v); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	k, err := c.key.Retrieve(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), k, r, hex.EncodeToString(sum[:]), "execute-api", c.region, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return exchange(c.t, r, out)
}

// must is call for what has to succeed.
func (c caller) must(method, path string, in, out any) {
	c.t.Helper()
	if status, body := c.call(method, path, in, out); status >= 300 {
		c.t.Fatalf("%s %s = %d %s", method, path, status, body)
	}
}

func exchange(t *testing.T, r *http.Request, out any) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil && answer.StatusCode < 500 {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("%s %s = %d %s: %v", r.Method, r.URL.Path, answer.StatusCode, text, err)
		}
	}
	return answer.StatusCode, string(text)
}

// control calls the place's own API, as its token holder.
func control(t *testing.T, s *local.Server, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, s.URL()+local.ControlPrefix+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(local.TokenHeader, s.Token())
	if status, text := exchange(t, r, out); status >= 300 {
		t.Fatalf("%s %s = %d %s", method, path, status, text)
	}
}
