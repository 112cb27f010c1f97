package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// states are where a request has been.
func states(r record.Request) string {
	var all []string
	for _, m := range r.Moves {
		all = append(all, m.To)
	}
	return strings.Join(all, " ")
}

// An approved machine whose key KMS does not give is told so, each time it asks; it is written once, and the key is
// given as soon as KMS does.
func TestKeysThatKMSDoesNotGive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks, mends func(w *fake.World)
		why           string
		asked         bool // KMS was asked for a grant
	}{
		"disabled by somebody": {set("Disabled", false), set("Enabled", true), "the key is Disabled", false},
		"to be deleted":        {set("PendingDeletion", false), set("Enabled", true), "the key is PendingDeletion", false},
		"not guarded":          {guarded(false), guarded(true), "the key is not tagged keyward:guarded = true", false},
		"gone":                 {always("kms.Key", fault.NotFound, "describing key: NotFoundException"), nil, "KMS does not show the key: describing key: NotFoundException", false},
		"not shown":            {always("kms.Key", fault.Denied, "describing key: AccessDeniedException"), nil, "KMS does not show the key: describing key: AccessDeniedException", false},
		"disabled meanwhile":   {always("kms.Grant", fault.Conflict, "creating grant: DisabledException"), nil, "KMS made no grant: creating grant: DisabledException", true},
		"no permission":        {always("kms.Grant", fault.Denied, "creating grant: AccessDeniedException"), nil, "KMS made no grant: creating grant: AccessDeniedException", true},
		"no such grantee":      {always("kms.Grant", fault.Invalid, "creating grant: InvalidArnException"), nil, "KMS made no grant: creating grant: InvalidArnException", true},
	} {
		for by, first := range map[string]*fake.World{"policy": seen(policy.Pass), "a person": ruledOn(policy.Pass, policy.Pass, true, time.Hour)} {
			w := first
			tt.breaks(w)
			for range 3 {
				status, got, body := ask(t, w)
				if status != http.StatusConflict || got.State != "Failure" || got.Reason != tt.why || got.GrantToken != "" || strings.Contains(body, "arn:aws:kms") {
					t.Errorf("%s, approved by %s: %d %s, want 409 because %s, and no ARN", name, by, status, body, tt.why)
				}
			}
			if asked := len(w.Made("kms.Grant")) > 0; asked != tt.asked {
				t.Errorf("%s: KMS was asked for a grant: %t", name, asked)
			}
			r, m := w.Store.Asked[asked], w.Store.ByID[fake.ID]
			if states(r) != "Approved Failure" || r.Reason != tt.why || m.Grant != "" || m.State.Key == integrity.KeyReleased {
				t.Errorf("%s: request %+v, machine %+v", name, r, m)
			}
			told := 0
			for _, e := range w.Store.Entries {
				if e.Kind == record.EntryRequest && strings.HasPrefix(e.Text, "key request failed: ") {
					told++
				}
			}
			for _, l := range w.Store.Leases {
				if l.Until.After(fake.Start) {
					t.Errorf("%s: the lease %+v was not given back", name, l)
				}
			}
			if told != 1 || strings.Count(w.Logged(), "key not released") != 1 {
				t.Errorf("%s: %d entries, log %s", name, told, w.Logged())
			}
			if tt.mends == nil {
				w = resumed(w)
			} else {
				tt.mends(w)
			}
			if status, got, body := ask(t, w); status != http.StatusOK || got.State != "Approved" || got.GrantToken == "" {
				t.Errorf("%s, mended: %d %s", name, status, body)
			}
			if r := w.Store.Asked[asked]; states(r) != "Approved Failure Pending Approved" {
				t.Errorf("%s, mended: it was %s", name, states(r))
			}
			if status, _, body := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusOK {
				t.Errorf("%s, mended and delivered: %d %s", name, status, body)
			}
		}
	}
}

func set(state string, enabled bool) func(*fake.World) {
	return func(w *fake.World) {
		w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.State, k.Enabled = state, enabled })
	}
}

func guarded(yes bool) func(*fake.World) {
	return func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = yes }) }
}

func always(call string, kind fault.Kind, text string) func(*fake.World) {
	return func(w *fake.World) { w.Always(call, fault.New(kind, "%s", text)) }
}

// resumed is a world with what this one has stored, in which no call fails.
func resumed(w *fake.World) *fake.World {
	next := seen(policy.Pass)
	next.Store.ByID, next.Store.Asked = w.Store.ByID, w.Store.Asked
	return next
}

// Another failure is another move; a machine that stopped complying since is denied.
func TestAfterAFailure(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass)
	set("Disabled", false)(w)
	ask(t, w)
	set("PendingDeletion", false)(w)
	if status, got, _ := ask(t, w); status != http.StatusConflict || got.Reason != "the key is PendingDeletion" {
		t.Errorf("another failure: %d %+v", status, got)
	}
	if r := w.Store.Asked[asked]; states(r) != "Approved Failure Pending Approved Failure" {
		t.Errorf("it was %s", states(r))
	}
	w.Store.Kept[0].Result.Verdict = policy.Fail
	if status, got, body := ask(t, w); status != http.StatusForbidden || got.State != "Denied" {
		t.Errorf("failing since: %d %s", status, body)
	}
	// What did not fail for KMS's word is no failure: the machine comes again.
	for _, call := range []string{"kms.Key", "kms.Grant"} {
		w := seen(policy.Pass)
		w.Fail(call, fake.Down, fault.New(fault.Internal, "a bug"))
		for _, want := range []int{http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusOK} {
			if status, _, body := ask(t, w); status != want || strings.Contains(body, "Failure") {
				t.Errorf("%s: %d %s, want %d", call, status, body, want)
			}
		}
	}
	// Its record could not be written: nothing is said to have failed, and it is tried anew.
	w = seen(policy.Pass)
	w.Fail("kms.Grant", fault.New(fault.Denied, "creating grant: AccessDeniedException"))
	w.Fail("store.Apply", nil, fake.Down)
	if status, _, body := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("not written: %d %s", status, body)
	}
	if status, _, body := ask(t, w); status != http.StatusOK {
		t.Errorf("tried anew: %d %s", status, body)
	}
}
