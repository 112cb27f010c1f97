package scenario_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// The key cannot be given: somebody disabled it, or changed its policy. The machine is told, people see it, and the next
// request after it is mended gets the key.
func TestAKeyThatKMSDoesNotGive(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	put := func(w *world, text string) {
		if _, err := w.keys.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &w.keyARN, Policy: &text}); err != nil {
			t.Error(err)
		}
	}
	usual := fmt.Sprintf(keyPolicy, "")
	for name, tt := range map[string]struct {
		mode          policy.Mode
		breaks, mends func(w *world)
		why           string
	}{
		"disabled":                              {policy.RevokeGrant, disable, enable, "the key is Disabled"},
		"disabled, and it is the machine's own": {policy.DisableKey, disable, enable, "the key is Disabled"},
		"no grants may be made":                 {policy.RevokeGrant, func(w *world) { put(w, strings.Replace(usual, `"kms:CreateGrant",`, "", 1)) }, func(w *world) { put(w, usual) }, "KMS made no grant: creating grant: AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := empty(t, setup{mode: tt.mode})
			w.createKey()
			w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
			w.enrol(machineID)
			w.check()
			tt.breaks(w)
			for range 2 {
				if status, r := w.ask(); status != http.StatusConflict || r.State != "Failure" || r.Reason != tt.why || r.GrantToken != "" {
					t.Errorf("it is answered %d %+v, want 409 because %s", status, r, tt.why)
				}
			}
			var shown record.Request
			w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &shown)
			if shown.State != "Failure" || shown.Reason != tt.why || len(shown.Moves) != 2 {
				t.Errorf("people are shown %+v", shown)
			}
			if n := len(w.entries(record.EntryRequest)); n != 1 {
				t.Errorf("the ledger has it %d times", n)
			}
			tt.mends(w)
			w.release()
			w.machine.must("POST", "/v1/key-requests/"+bootID+"/delivered", nil, nil)
			w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &shown)
			if shown.State != "Delivered" || len(shown.Moves) != 5 {
				t.Errorf("mended, people are shown %+v", shown)
			}
		})
	}
}

func disable(w *world) { must(w, w.keys.DisableKey, &kms.DisableKeyInput{KeyId: &w.keyARN}) }
func enable(w *world)  { must(w, w.keys.EnableKey, &kms.EnableKeyInput{KeyId: &w.keyARN}) }

func must[In, Out any](w *world, call func(context.Context, *In, ...func(*kms.Options)) (*Out, error), in *In) {
	w.t.Helper()
	if _, err := call(context.Background(), in); err != nil {
		w.t.Fatal(err)
	}
}

// What a machine can send that is no request for its own key.
func TestHostileKeyRequests(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	large := func(bytes int) string { return `{"bootId":"` + strings.Repeat("0", bytes) + `"}` }
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"more than is read":          {large(200 << 10), http.StatusRequestEntityTooLarge},
		"10 MB":                      {large(10 << 20), http.StatusRequestEntityTooLarge},
		"a list":                     {`[]`, http.StatusBadRequest},
		"a text":                     {`"` + bootID + `"`, http.StatusBadRequest},
		"two documents":              {`{"bootId":"a1"}{"bootId":"a2"}`, http.StatusBadRequest},
		"deeply nested":              {strings.Repeat(`{"bootId":`, 10_000), http.StatusBadRequest},
		"an id that is no text":      {`{"bootId":1}`, http.StatusBadRequest},
		"another machine's id in it": {`{"bootId":"a1","machine":"` + otherID + `"}`, http.StatusBadRequest},
	} {
		if status, answer := w.machine.call("POST", "/v1/key-requests", tt.body, nil); status != tt.want {
			t.Errorf("%s: %d %.200s, want %d", name, status, answer, tt.want)
		}
	}
	for _, id := range []string{"..", "%2e%2e", "..%2f..%2f" + otherID + "%2frequest%23" + bootID, bootID + "%00", "%23", "*", strings.Repeat("a", 3000), bootID + "%2fdelivered"} {
		for _, path := range []string{"/v1/key-requests/" + id, "/v1/key-requests/" + id + "/delivered"} {
			method := http.MethodGet
			if strings.HasSuffix(path, "/delivered") {
				method = http.MethodPost
			}
			if status, answer := w.machine.call(method, path, nil, nil); status < 400 || status >= 500 {
				t.Errorf("%s %.100s = %d %.200s", method, path, status, answer)
			}
		}
	}
	var all struct{ Requests []record.Request }
	w.operator.must("GET", "/v1/requests", nil, &all)
	if len(all.Requests) != 1 || all.Requests[0].ID != bootID {
		t.Errorf("these requests came of it: %+v", all.Requests)
	}
}

// A clock that is wrong signs nothing that AWS takes; a machine whose clock is right again gets its key.
func TestASignatureOfAnotherTime(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	k, err := w.machine.key.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"bootId":"` + bootID + `"}`)
	ask := func(k aws.Credentials, skew time.Duration) int {
		r, err := http.NewRequest("POST", w.machine.base+"/v1/key-requests", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(context.Background(), k, r, hex.EncodeToString(sum[:]), "execute-api", w.Region(), time.Now().Add(skew)); err != nil {
			t.Fatal(err)
		}
		status, _ := exchange(t, r, nil)
		return status
	}
	for _, skew := range []time.Duration{-time.Hour, -16 * time.Minute, 16 * time.Minute, time.Hour} {
		if status := ask(k, skew); status != http.StatusForbidden {
			t.Errorf("signed %s away it is answered %d, want 403", skew, status)
		}
	}
	if status := ask(k, time.Minute); status != http.StatusOK {
		t.Errorf("signed a minute ahead it is answered %d", status)
	}
	k.SessionToken = "" // a session's keys without what makes them a session's
	if status := ask(k, 0); status != http.StatusForbidden {
		t.Errorf("signed without its session it is answered %d, want 403", status)
	}
}
