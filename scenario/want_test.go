package scenario_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func (w *world) wantStanding(want integrity.Standing) {
	w.t.Helper()
	if s := w.view().Machine.State; s.Standing != want {
		w.t.Fatalf("standing is %q since %s: %s; want %q", s.Standing, s.Since, s.Why, want)
	}
}

// wantKept is a machine that has its key, says the store and says KMS.
func (w *world) wantKept() {
	w.t.Helper()
	if s := w.view().Machine.State; s.Key != integrity.KeyReleased {
		w.t.Errorf("the key is %q, held for %q; want it released", s.Key, s.HeldFor)
	}
	if code := w.decrypt(w.own); code != "" {
		w.t.Errorf("decrypting fails with %s; want the machine to have its key", code)
	}
	if slices.Contains(w.kinds(), "revoked") {
		w.t.Errorf("a mail says that the key was revoked: %v", w.kinds())
	}
}

// wantRevoked is a machine whose key was revoked once in this generation, not before due, says the
// store, says the ledger and says KMS.
func (w *world) wantRevoked(due time.Time) record.Machine {
	w.t.Helper()
	m := w.view().Machine
	if m.State.Key != integrity.KeyRevoked || m.Taken == nil {
		for _, e := range w.ledger() {
			w.t.Logf("%s %s: %s %s", e.At.Format(time.StampMilli), e.Kind, e.Text, e.Detail)
		}
		w.t.Fatalf("the key is %q, held for %q at %s; want it revoked", m.State.Key, m.State.HeldFor, w.Clock().Now())
	}
	want := map[policy.Mode]string{policy.RevokeGrant: "AccessDeniedException", policy.DisableKey: "DisabledException"}[m.Key.Mode]
	if code := w.decrypt(w.own); code != want {
		w.t.Errorf("decrypting gives %q, want %s", code, want)
	}
	if early := m.Taken.IntentAt.Before(due); early {
		w.t.Errorf("the intent is of %s, before the deadline %s", m.Taken.IntentAt, due)
	}
	if m.Taken.ConfirmedAt.Sub(m.Taken.FirstRead) < 10*time.Second {
		w.t.Errorf("read back at %s and %s, want 10 s apart", m.Taken.FirstRead, m.Taken.ConfirmedAt)
	}
	w.wantSane()
	return m
}

// wantSane holds the ledger, the mails and KMS against each other: whatever happened, one generation
// was intended, ordered and confirmed at most once, and in this order; nobody was told of a revocation
// that the ledger does not confirm.
func (w *world) wantSane() {
	w.t.Helper()
	order := []record.EntryKind{record.EntryIntent, record.EntryOrdered, record.EntryConfirmed}
	seen := map[int64][]record.EntryKind{}
	confirmed, at := 0, time.Time{}
	for _, e := range w.ledger() {
		if e.At.Before(at) {
			w.t.Errorf("the ledger goes back from %s to %s", at, e.At)
		}
		at = e.At
		if e.Kind == record.EntryFailed || e.Kind == record.EntryHeld {
			delete(seen, e.Generation)
		}
		if !slices.Contains(order, e.Kind) {
			continue
		}
		seen[e.Generation] = append(seen[e.Generation], e.Kind)
		if e.Kind == record.EntryConfirmed {
			confirmed++
		}
	}
	for generation, kinds := range seen {
		last := -1
		for _, k := range kinds {
			if n := slices.Index(order, k); n <= last {
				w.t.Errorf("generation %d: the ledger says %v", generation, kinds)
				break
			} else {
				last = n
			}
		}
	}
	told := map[string]bool{}
	for _, m := range w.mails() {
		if m.kind() == "revoked" {
			told[m.reference()] = true
		}
	}
	if len(told) > confirmed {
		w.t.Errorf("%d revocations were told, %d are confirmed in the ledger", len(told), confirmed)
	}
}

// wantHeld is an enforcement that stands still for one of the reasons, shown to people as such.
func (w *world) wantHeld(reasons ...string) {
	w.t.Helper()
	s := w.view().Machine.State
	if !slices.Contains(reasons, s.HeldFor) {
		w.t.Errorf("held for %q, standing %q, key %q; want it held for %v", s.HeldFor, s.Standing, s.Key, reasons)
	}
	if s.Key == integrity.KeyRevoked || s.Key == integrity.KeyRevoking {
		w.t.Errorf("the key is %s while the enforcement is held", s.Key)
	}
}

// wantMails compares the kinds of all mails so far.
func (w *world) wantMails(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.kinds()); diff != "" {
		w.t.Errorf("mails (-want +got):\n%s", diff)
	}
}

// wantText is a mail of a kind that says something, however its lines are broken.
func (w *world) wantText(kind, text string) {
	w.t.Helper()
	for _, m := range w.mails() {
		if m.kind() == kind && strings.Contains(strings.Join(strings.Fields(m.Subject+" "+m.Text), " "), text) {
			return
		}
	}
	w.t.Errorf("no mail of kind %s says %q; there are %v", kind, text, w.kinds())
}

// grants are those that KMS lists for the machine's session.
func (w *world) grants() []string {
	w.t.Helper()
	out, err := w.keys.ListGrants(context.Background(), &kms.ListGrantsInput{KeyId: &w.keyARN})
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, g := range out.Grants {
		if strings.HasSuffix(aws.ToString(g.GranteePrincipal), "/"+machineID) {
			ids = append(ids, aws.ToString(g.GrantId))
		}
	}
	return ids
}
