package people_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
)

// What has not changed is not sent again, and reads as it did; what has is.
func TestRemembering(t *testing.T) {
	t.Parallel()
	reason, sent, unchanged := "first", 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf("%q", reason)
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			unchanged++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		fmt.Fprintf(w, `{"holds":[{"scope":"global","reason":%q}]}`, reason)
	}))
	defer server.Close()
	plain := people.New(server.URL, "us-east-1", credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""))
	c := plain.Remembering()
	for i, tt := range []struct {
		reason          string
		sent, unchanged int
	}{{"first", 1, 0}, {"first", 1, 1}, {"second", 2, 1}, {"second", 2, 2}, {"first", 3, 2}} {
		reason = tt.reason
		holds, err := c.Holds(t.Context())
		if err != nil || len(holds) != 1 || holds[0].Reason != tt.reason || sent != tt.sent || unchanged != tt.unchanged {
			t.Errorf("look %d: %v %v, %d sent and %d not, want %+v", i, holds, err, sent, unchanged, tt)
		}
	}
	if holds, err := plain.Holds(t.Context()); err != nil || len(holds) != 1 || sent != 4 {
		t.Errorf("who does not remember got %v, %v", holds, err)
	}
}

// A refusal says how long to wait; credentials that cannot be had are no refusal.
func TestWaits(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "40")
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	given := credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")
	_, err := people.New(server.URL, "us-east-1", given).Status(t.Context())
	var refused *people.Refusal
	if !errors.As(err, &refused) || refused.Wait != 40*time.Second {
		t.Errorf("refused with %v, want one that says to wait 40 s", err)
	}
	var none *people.NoCredentials
	if _, err := people.New(server.URL, "us-east-1", aws.AnonymousCredentials{}).Status(t.Context()); !errors.As(err, &none) {
		t.Errorf("without credentials it is %v", err)
	}
}
