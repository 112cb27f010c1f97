package stackreply_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/aws/stackreply"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/removal"
)

var answer = removal.Response{Status: removal.Failed, Reason: "a <reason>", PhysicalResourceID: "p", StackID: "s", RequestID: "r", LogicalResourceID: "l"}

// serve is S3: it answers with these statuses in turn, the last one for good.
func serve(t *testing.T, statuses ...int) (url string, bodies *[]string) {
	t.Helper()
	bodies = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" || r.URL.Query().Get("X-Amz-Signature") != "secret" {
			t.Errorf("%s %s with the type %q, want a PUT of the signed URL without a type", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		*bodies = append(*bodies, string(body))
		w.WriteHeader(statuses[min(len(*bodies), len(statuses))-1])
	}))
	t.Cleanup(server.Close)
	return server.URL + "/answer?X-Amz-Signature=secret", bodies
}

func TestReply(t *testing.T) {
	t.Parallel()
	url, bodies := serve(t, http.StatusServiceUnavailable, http.StatusOK)
	if err := stackreply.New().Reply(t.Context(), url, answer); err != nil || len(*bodies) != 2 {
		t.Fatalf("Reply: %v after %d tries, want the second to do", err, len(*bodies))
	}
	var got removal.Response
	if err := json.Unmarshal([]byte((*bodies)[1]), &got); err != nil || got != answer {
		t.Errorf("sent %s, want %+v", (*bodies)[1], answer)
	}
}

// No error shows the URL: it is signed.
func TestReplyFails(t *testing.T) {
	t.Parallel()
	forbidden, bodies := serve(t, http.StatusForbidden)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		url  string
		kind fault.Kind
		says string
	}{
		"expired":     {t.Context(), forbidden, fault.Transient, "answered 403"},
		"nobody":      {t.Context(), "http://127.0.0.1:1/answer?X-Amz-Signature=secret", fault.Transient, "cannot be reached"},
		"no URL":      {t.Context(), "http://[secret", fault.Invalid, "is none"},
		"out of time": {cancelled, forbidden, fault.Transient, "cannot be reached"},
	} {
		err := stackreply.New().Reply(tt.ctx, tt.url, answer)
		if !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want kind %v, %q, and no secret", name, err, tt.kind, tt.says)
		}
	}
	if len(*bodies) != 3 {
		t.Errorf("sent %d times, want three tries", len(*bodies))
	}
}
