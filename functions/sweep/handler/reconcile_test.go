package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// later is when KMS has to show what fake.Revoked did.
var later = fake.Start.Add(time.Hour)

// took is a world whose machine's key is revoked, as KMS shows too.
func took(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Revoked}, edits...)...))
	w.Keys.Policies[fake.KeyARN] = fake.AloneWith()
	if w.Store.ByID[fake.ID].Key.Mode == "disable-key" {
		w.Keys.State(fake.KeyARN, "Disabled")
	}
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.LastNews = later }) // no look is due
	w.Forget()
	return w
}

// starts are the executions that were started, without those that look.
func starts(w *fake.World) []string {
	var names []string
	for _, call := range w.Made("states.Start") {
		names = append(names, strings.TrimPrefix(call, "states.Start "))
	}
	return names
}

func decodeInput(t *testing.T, text json.RawMessage) enforcement.Input {
	t.Helper()
	var in enforcement.Input
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func alarms(w *fake.World) []string {
	var texts []string
	for _, e := range w.Store.Entries {
		if e.Kind == record.EntryAlarm {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

func TestWhatWasTakenIsGone(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*fake.World{"grant": took(), "key": took(fake.Disable)} {
		sweepAt(t, w, later)
		if got := w.Store.ByID[fake.ID]; len(got.NotEffective) > 0 || len(w.Store.Changes) > 0 {
			t.Errorf("%s: machine %+v, changes %v, want nothing to tell", name, got, w.Store.Changes)
		}
	}
}

// The key was enabled by hand: an alarm, and a new look that may revoke again; never KMS from here.
func TestAKeyThatWasEnabledByHand(t *testing.T) {
	t.Parallel()
	w := took(fake.Disable)
	w.Keys.State(fake.KeyARN, "Enabled")
	sweepAt(t, w, later)
	m := w.Store.ByID[fake.ID]
	if m.State.Key != integrity.KeyRevoking || m.State.Generation != 3 || !slices.Equal(m.NotEffective, []string{"the key was enabled, not by Keyward"}) {
		t.Errorf("machine = %+v, want it about to be revoked again", m)
	}
	got := starts(w)
	if len(got) != 2 || !strings.Contains(got[0], "-3-tell-notEffective-") || got[1] != "i-1234567890abcdef0-3-look-1" {
		t.Errorf("started %v, want the alarm and a look", got)
	}
	if !strings.Contains(w.Logged(), "revocation is not effective") {
		t.Errorf("logged %s, want what the alarm of CloudWatch waits for", w.Logged())
	}
	if len(alarms(w)) != 2 {
		t.Errorf("ledger %v", alarms(w))
	}
	w.Forget()
	sweepAt(t, w, later.Add(5*time.Minute))
	if got := starts(w); len(got) > 0 {
		t.Errorf("the next sweep started %v", got)
	}
	w.Never(t, "kms.DisableKey", "kms.EnableKey")
}

func TestNotTakenAgain(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*fake.World){
		"the policy only notifies": func(w *fake.World) {
			w.Store.PutPolicyText(fake.Policy("onFail: revoke\n  grace: 4h", "onFail: notify"))
		},
		"the policy is not read": func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: no list\n") },
		"as often as it may":     func(w *fake.World) { flap(w) },
		"held for a person": func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.State.HeldFor = integrity.HeldFlapping })
		},
	} {
		w := took(fake.Disable)
		w.Keys.State(fake.KeyARN, "Enabled")
		edit(w)
		sweepAt(t, w, later)
		m := w.Store.ByID[fake.ID]
		if m.State.Key != integrity.KeyRevoked || len(m.NotEffective) != 1 || len(starts(w)) != 1 {
			t.Errorf("%s: key %s, ways %v, started %v, want the alarm alone", name, m.State.Key, m.NotEffective, starts(w))
		}
		w.Forget()
		sweepAt(t, w, later.Add(5*time.Minute))
		if got := starts(w); len(got) > 0 {
			t.Errorf("%s: told again: %v", name, got)
		}
	}
}

// flap notes as many changes of the key as the policy allows a day.
func flap(w *fake.World) {
	w.Store.Change(fake.ID, func(m *record.Machine) {
		var all []string
		for n := range 4 {
			all = append(all, fake.Start.Add(time.Duration(n)*time.Minute).Format(time.RFC3339))
		}
		m.State.Changes = integrity.Moments(strings.Join(all, " "))
	})
}

// Other ways to the key are told once for each set of them, and their end is noted.
func TestAnotherWayToTheKey(t *testing.T) {
	t.Parallel()
	w := took()
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "x", Name: "backup", Grantee: "arn:aws:iam::123456789012:role/backup", Operations: []string{"Decrypt"}}}
	w.Keys.Policies[fake.KeyARN] = fake.AloneWith("arn:aws:iam::123456789012:role/web")
	sweepAt(t, w, later)
	want := []string{
		"grant backup to arn:aws:iam::123456789012:role/backup for Decrypt",
		"key policy: statement 2 admits arn:aws:iam::123456789012:role/web",
	}
	m := w.Store.ByID[fake.ID]
	if diff := cmp.Diff(want, m.NotEffective); diff != "" || m.State.Key != integrity.KeyRevoked || m.State.Generation != 2 {
		t.Errorf("key %s, ways (-want +got):\n%s", m.State.Key, diff)
	}
	var in enforcement.Input
	for name, text := range w.Flow.Inputs {
		in = decodeInput(t, text)
		if in.Kind != enforcement.Tell || in.Why != strings.Join(want, "; ") {
			t.Errorf("%s was started with %+v", name, in)
		}
	}
	w.Keys.Listed[fake.KeyARN], w.Keys.Policies[fake.KeyARN] = nil, fake.AloneWith()
	sweepAt(t, w, later.Add(5*time.Minute))
	if m := w.Store.ByID[fake.ID]; len(m.NotEffective) > 0 || len(starts(w)) != 1 {
		t.Errorf("closed: ways %v, started %v", m.NotEffective, starts(w))
	}
	if got := alarms(w); len(got) != 2 || !strings.HasPrefix(got[1], "the revocation is effective") {
		t.Errorf("ledger %v", got)
	}
}

// What is under way or has just been done is not compared: KMS takes five minutes to show it.
func TestNotCompared(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"just revoked":     func(m *record.Machine) { m.State.KeySince = later.Add(-time.Minute) },
		"to be given back": func(m *record.Machine) { m.State.CorrectedAt = later.Add(-time.Minute) },
		"gone":             func(m *record.Machine) { m.State.GoneAt = fake.Start },
		"being revoked":    func(m *record.Machine) { m.State.Key = integrity.KeyRevoking },
	} {
		w := took(fake.Disable, edit)
		w.Keys.State(fake.KeyARN, "Enabled")
		sweepAt(t, w, later)
		if got := alarms(w); len(got) > 0 {
			t.Errorf("%s: ledger %v", name, got)
		}
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"kms.Key", "kms.Grants", "kms.KeyPolicy"} {
		w := took(func(m *record.Machine) { m.NotEffective = []string{"known"} })
		w.Fail(call, fake.Down)
		sweepAt(t, w, later)
		if m := w.Store.ByID[fake.ID]; len(m.NotEffective) != 1 || len(alarms(w)) > 0 {
			t.Errorf("%s fails: ways %v, ledger %v, want what was known", call, m.NotEffective, alarms(w))
		}
	}
	w := took()
	delete(w.Keys.ByARN, fake.KeyARN)
	sweepAt(t, w, later)
	if got := alarms(w); len(got) > 0 {
		t.Errorf("a key that is deleted: %v", got)
	}
}

// Another changes the machine between the listing and the writing: he has it in hand.
func TestRacesWithTheComparison(t *testing.T) {
	t.Parallel()
	w := took(fake.Disable)
	w.Keys.State(fake.KeyARN, "Enabled")
	w.Before("kms.Key", func() {
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.CorrectedAt = later })
	})
	sweepAt(t, w, later)
	if got := alarms(w); len(got) > 0 {
		t.Errorf("ledger %v, want nothing of a machine whose restore began", got)
	}
	w = took(fake.Disable)
	w.Keys.State(fake.KeyARN, "Enabled")
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	sweepAt(t, w, later)
	if m := w.Store.ByID[fake.ID]; m.Name != "renamed" || len(m.NotEffective) > 0 {
		t.Errorf("machine %+v, want the other's change alone", m)
	}
}

// A healthy machine's key that somebody else disabled is told, once for all that share it, and left as it is.
func TestAKeyThatSomebodyElseDisabled(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.LastNews = later })
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.State.LastNews = fake.Other, later }))
	w.Keys.State(fake.KeyARN, "Disabled")
	h := turnOf(fake.KeyARN)
	w.Forget()
	sweepAt(t, w, h)
	for _, id := range []string{fake.ID, fake.Other} {
		if m := w.Store.ByID[id]; !strings.Contains(m.KeyLost, "Disabled") || m.State.Key != integrity.KeyReleased || m.State.Standing != integrity.Good {
			t.Errorf("%s = %+v, want it noted and untouched", id, m)
		}
	}
	if got := starts(w); len(got) != 1 || !strings.Contains(got[0], "-tell-keyLost-") {
		t.Errorf("started %v, want one mail", got)
	}
	for _, text := range w.Flow.Inputs {
		if in := decodeInput(t, text); !strings.HasSuffix(in.Why, "Other machines with the same key: 1") {
			t.Errorf("told %q", in.Why)
		}
	}
	w.Never(t, "kms.EnableKey", "kms.Grant keyward", "kms.Grants", "kms.KeyPolicy")
	w.Keys.State(fake.KeyARN, "Enabled")
	sweepAt(t, w, h.Add(time.Minute))
	if m := w.Store.ByID[fake.ID]; m.KeyLost != "" || len(starts(w)) != 1 {
		t.Errorf("enabled again: %q, started %v", m.KeyLost, starts(w))
	}
}

// A healthy machine whose own grant somebody else removed is told, one mail for all that a sweep finds of a key, and
// nothing is given back by it. One that is found later is told too.
func TestAGrantThatSomebodyElseRemoved(t *testing.T) {
	t.Parallel()
	w := fake.New()
	another := "i-00000000000000003"
	for _, id := range []string{fake.ID, fake.Other, another} {
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			m.ID, m.State.LastNews = id, later
			m.SessionARN = "arn:aws:sts::123456789012:assumed-role/web/" + id
		}))
	}
	grant := func(id string) kmskey.Grant {
		return kmskey.Grant{ID: "grant-0", Name: kmskey.GrantName(id, 0), Grantee: "arn:aws:sts::123456789012:assumed-role/web/" + id}
	}
	h := turnOf(fake.KeyARN)
	lost := func(at time.Time, grants ...kmskey.Grant) string {
		w.Keys.Listed[fake.KeyARN] = grants
		w.Forget()
		sweepAt(t, w, at)
		w.Never(t, "kms.Grant keyward", "kms.EnableKey", "kms.KeyPolicy")
		var ids []string
		for _, id := range []string{fake.ID, fake.Other, another} {
			if m := w.Store.ByID[id]; m.KeyLost != "" {
				ids = append(ids, id)
			}
		}
		return fmt.Sprint(len(ids), " lost, ", len(starts(w)), " told")
	}
	if got := lost(h, grant(fake.ID), grant(fake.Other), grant(another)); got != "0 lost, 0 told" {
		t.Errorf("all there: %s", got)
	}
	if got := lost(h.Add(time.Minute), grant(another)); got != "2 lost, 1 told" {
		t.Errorf("two gone: %s", got)
	}
	if m := w.Store.ByID[fake.ID]; m.State.Key != integrity.KeyReleased || !strings.Contains(m.KeyLost, "grant") {
		t.Errorf("machine = %+v, want it untouched", m)
	}
	if got := lost(h.Add(2*time.Minute), kmskey.Grant{ID: "x", Name: grant(another).Name, Grantee: "arn:aws:iam::123456789012:user/mallory"}); got != "3 lost, 1 told" {
		t.Errorf("one more, whose name another has: %s", got)
	}
	if got := lost(h.Add(3*time.Minute), grant(fake.ID), grant(fake.Other), grant(another)); got != "0 lost, 0 told" {
		t.Errorf("there again: %s", got)
	}
	w.Fail("kms.Grants", fake.Down)
	if got := lost(h.Add(4 * time.Minute)); got != "0 lost, 0 told" {
		t.Errorf("not to be read: %s", got)
	}
	if n := strings.Count(w.Logged(), "key was taken by somebody else"); n != 3 {
		t.Errorf("%d lines for the alarm, want 3", n)
	}
}

// turnOf is a time at which it is a key's turn.
func turnOf(arn string) time.Time {
	at := later
	for !(&sweep{now: at}).turn(arn) {
		at = at.Add(longestRate / 3)
	}
	return at
}

// Each key has its turn within an hour whatever the rate of the sweep; revoked ones always; never more than
// one sweep can read, and all of them in turn.
func TestTurns(t *testing.T) {
	t.Parallel()
	for _, rate := range []time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute} {
		for n := range 200 {
			arn, seen := fmt.Sprintf("arn:%d", n), 0
			for at := later; at.Before(later.Add(everyKey)); at = at.Add(rate) {
				if (&sweep{now: at}).turn(arn) {
					seen++
				}
			}
			if seen == 0 {
				t.Fatalf("key %d has no turn within an hour at a rate of %s", n, rate)
			}
		}
	}
	hasRevoked := map[string]bool{}
	for n := range 2*mostKeys + 1 {
		hasRevoked[fmt.Sprintf("arn:%05d", n)] = true
	}
	seen := map[string]bool{}
	for n := range 8 {
		turns := (&sweep{now: later.Add(time.Duration(n) * longestRate / 3)}).turns(hasRevoked)
		if len(turns) != mostKeys {
			t.Fatalf("%d keys in one sweep, want %d", len(turns), mostKeys)
		}
		for _, arn := range turns {
			seen[arn] = true
		}
	}
	if len(seen) != len(hasRevoked) {
		t.Errorf("%d of %d keys were read", len(seen), len(hasRevoked))
	}
}
