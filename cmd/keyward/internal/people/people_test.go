package people_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
)

// Who is refused for a moment asks again, but does nothing twice that may have been done.
func TestRefusedForAMoment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status   int
		get, put int // calls that each makes
	}{{http.StatusTooManyRequests, 3, 3}, {http.StatusServiceUnavailable, 3, 1}, {http.StatusInternalServerError, 1, 1}, {http.StatusConflict, 1, 1}} {
		calls := map[string]int{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls[r.Method]++
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(tt.status)
			fmt.Fprintf(w, `{"kind":"K","detail":"no %d"}`, calls[r.Method])
		}))
		c := people.New(server.URL, "us-east-1", credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""))
		_, get := c.Status(t.Context())
		_, put := c.PutPolicy(t.Context(), "web", nil, 0)
		server.Close()
		var refused *people.Refusal
		if !errors.As(get, &refused) || refused.Status != tt.status || get.Error() != fmt.Sprintf("no %d", tt.get) || put.Error() != fmt.Sprintf("no %d", tt.put) {
			t.Errorf("%d: asked until %v, put until %v, want %d and %d calls", tt.status, get, put, tt.get, tt.put)
		}
	}
}

// A POST is sent again by one key, by which it is carried out once, and each has one of its own; a machine's request needs none.
func TestPostsAreSentAgain(t *testing.T) {
	t.Parallel()
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	c := people.New(server.URL, "us-east-1", credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""))
	for range 2 {
		if _, err := c.Resume(t.Context(), "i-1234567890abcdef0", "x"); err == nil {
			t.Error("resumed, though nobody answers")
		}
	}
	if len(keys) != 6 || keys[0] == "" || keys[1] != keys[0] || keys[2] != keys[0] || keys[3] == keys[0] || keys[5] != keys[3] {
		t.Errorf("keys %q, want three by one and three by another", keys)
	}
	keys = nil
	if _, _, err := c.AskKey(t.Context(), "boot", ""); err == nil || len(keys) != 1 {
		t.Errorf("a machine's request: %v, sent %d times, want once", err, len(keys))
	}
}

// Both Keyward and API Gateway are understood, and whatever else answers.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"kind":"Invalid","detail":"reason has 0 characters"}`: "reason has 0 characters",
		`{"message":"Forbidden"}`:                               "HTTP 403: Forbidden",
		"<html>":                                                "HTTP 403: <html>",
		`{"status":200}`:                                        `HTTP 403: {"status":200}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, body)
		}))
		c := people.New(server.URL, "us-east-1", credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""))
		if _, err := c.Status(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s = %v, want %s", body, err, want)
		}
		server.Close()
	}
}

// What is wrong with fields is there for those who show it where they were typed.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, r := range []people.Refusal{
		{Status: 400, Kind: "Invalid", Detail: "rules", Body: []byte(`{"kind":"Invalid","detail":"rules","requestId":"8f6e","errors":[{"field":"rules[0]","detail":"unknown","line":4,"column":5}]}`)},
		{Status: 403, Message: "Forbidden", Body: []byte(`{"message":"Forbidden"}`)},
		{Status: 502, Message: "<html>", Body: []byte(`<html>`)},
	} {
		p := r.Problem()
		if r.HTTPStatus() != r.Status || p.Detail != r.Said() || p.Kind != r.Kind {
			t.Errorf("%d: %+v", r.Status, p)
		}
		if r.Kind != "" && (p.RequestID != "8f6e" || len(p.Errors) != 1 || p.Errors[0].Line != 4 || p.Errors[0].Column != 5) {
			t.Errorf("%+v", p)
		}
	}
}
