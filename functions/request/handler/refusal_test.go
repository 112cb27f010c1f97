package handler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func TestCallers(t *testing.T) {
	t.Parallel()
	for name, caller := range map[string]string{
		"not enrolled":              "arn:aws:sts::123456789012:assumed-role/web/i-0ffffffffffffffff",
		"another role":              "arn:aws:sts::123456789012:assumed-role/other/" + fake.ID,
		"another account":           "arn:aws:sts::111122223333:assumed-role/web/" + fake.ID,
		"another partition":         "arn:aws-cn:sts::123456789012:assumed-role/web/" + fake.ID,
		"another machine's session": "arn:aws:sts::123456789012:assumed-role/web/" + fake.Other,
		"a person":                  "arn:aws:iam::123456789012:user/alice",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"ask.json", "delivered.json"} {
				w := seen(policy.Pass)
				// A machine that is enrolled with another session may not ask for this one.
				w.Store.Put(fake.Machine(func(m *record.Machine) {
					m.ID, m.SessionARN = fake.Other, "arn:aws:sts::123456789012:assumed-role/db/"+fake.Other
				}))
				in := request(t, file)
				in.RequestContext.Authorizer.IAM.UserARN = caller
				if status, _, body := serve(t, w, fake.Start, in); status != http.StatusForbidden {
					t.Errorf("%s: answer = %d %s, want 403", file, status, body)
				}
				w.Never(t, "kms.", "store.Apply", "store.PutRequest", "store.Request", "inspect.")
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no boot id":      `{}`,
		"upper case":      `{"bootId":"ABC"}`,
		"a path":          `{"bootId":"../../x"}`,
		"too long":        fmt.Sprintf(`{"bootId":%q}`, strings.Repeat("a", 65)),
		"a newline":       `{"bootId":"abc\n"}`,
		"another field":   `{"bootId":"abc","machine":"i-0ffffffffffffffff"}`,
		"no JSON":         `bootId=abc`,
		"nothing":         ``,
		"more than one":   `{"bootId":"abc"}{"bootId":"abd"}`,
		"another's shape": `["abc"]`,
	} {
		w := seen(policy.Pass)
		in := request(t, "ask.json")
		in.Body = body
		if status, _, answer := serve(t, w, fake.Start, in); status != http.StatusBadRequest {
			t.Errorf("%s: answer = %d %s, want 400", name, status, answer)
		}
		w.Never(t, "kms.", "store.Apply", "store.PutRequest")
	}
}

func TestRaces(t *testing.T) {
	t.Parallel()
	// The machine is revoked while it asks: no grant.
	w := seen(policy.Pass)
	name := record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)
	w.Store.Leases[name] = record.Lease{Name: name, Holder: "revoke", Until: fake.Start.Add(time.Minute)}
	if status, _, _ := ask(t, w); status != http.StatusConflict {
		t.Errorf("under a revocation = %d, want 409", status)
	}
	w.Never(t, "kms.Grant")

	// It is judged between the decision and its record: no grant on an old verdict.
	w = seen(policy.Pass)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, fake.Bad) })
	if status, _, _ := ask(t, w); status != http.StatusConflict {
		t.Errorf("judged meanwhile = %d, want 409", status)
	}
	w.Never(t, "kms.Grant")

	// It is judged while KMS makes the grant: the grant is noted on top.
	w = seen(policy.Pass)
	w.Before("kms.Grant", func() { w.Store.Change(fake.ID, fake.Bad) })
	status, _, _ := ask(t, w)
	if m := w.Store.ByID[fake.ID]; status != http.StatusOK || m.Grant != "grant-1" || m.GrantedFor != 1 || m.State.Standing != integrity.Bad {
		t.Errorf("judged while granted = %d, machine %+v, want the grant known", status, m)
	}
	w = seen(policy.Pass)
	w.Before("store.Apply", func() {})
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("changed again and again = %d, want 503", status)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"store.Machine", "store.Request", "store.Policy", "ec2.Instances", "store.Evidence", "kms.Key", "store.Apply", "kms.Grant",
	} {
		w := seen(policy.Pass)
		w.Fail(call, fake.Down)
		status, _, body := ask(t, w)
		if status != http.StatusServiceUnavailable || strings.Contains(body, "token") {
			t.Errorf("%s fails: answer = %d %s, want 503", call, status, body)
		}
		// The machine asks again and gets one grant.
		if status, _, _ = ask(t, w); status != http.StatusOK || len(w.Keys.Listed[fake.KeyARN]) != 1 {
			t.Errorf("after %s: answer = %d, grants %v", call, status, w.Keys.Listed[fake.KeyARN])
		}
	}
	w := seen(policy.Pass)
	w.Fail("store.Machine", nil, fake.Down)
	w.Before("kms.Grant", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("reading again fails: %d, want 503", status)
	}
	w = seen(policy.Pass)
	w.Store.Kept = nil
	w.Fail("inspect.Invoke", fake.Down)
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("no inspection could be asked for: %d, want 503", status)
	}
	w = seen(policy.Pass)
	ask(t, w)
	for _, call := range []string{"store.Request", "store.PutRequest", "store.Machine"} {
		w.Fail(call, fake.Down)
		if status, _, _ := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusServiceUnavailable {
			t.Errorf("delivered while %s fails: %d, want 503", call, status)
		}
	}
}
