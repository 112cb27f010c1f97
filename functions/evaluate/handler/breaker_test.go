package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

func tripped(version int) record.RuleBreaker {
	return record.RuleBreaker{Policy: "web-tier", Trips: []record.Trip{{PolicyVersion: version, Rule: "kernel is supported"}}}
}

// A rule that tripped starts no revocation: people are told, as under onFail: notify.
func TestATrippedRuleOnlyNotifies(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Store.Rules["web-tier"] = tripped(1)
	s, a := judge(t, w, fake.Start)
	if s.Started != 1 || len(a.Effects) != 1 || a.Effects[0] != integrity.NotifyBad {
		t.Errorf("%+v, effects %v, want one notice", s, a.Effects)
	}
	w.Times(t, "states.Start i-1234567890abcdef0-2-tell-notifyBad-", 1)
	// Under another version it revokes.
	w = asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Store.Rules["web-tier"] = tripped(2)
	judge(t, w, fake.Start)
	w.Times(t, "states.Start i-1234567890abcdef0-2-enforce-1", 1)
}

func TestABreakerThatCannotBeReadJudgesNothing(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Fail("store.RuleBreaker", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, success)
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "store.Apply", "states.")
}

// What newly fails is dated once, when it stops complying.
func TestSinceWhenItFails(t *testing.T) {
	t.Parallel()
	broke := fake.Start.Add(-time.Hour)
	since := func(at time.Time) func(*record.Machine) { return func(m *record.Machine) { m.BrokeAt = at } }
	unknown := func(m *record.Machine) { m.State = integrity.State{} }
	silent := func(m *record.Machine) {
		fake.Bad(m)
		m.State.Silence, m.State.LastVerdict = true, "Unknown"
	}
	for name, c := range map[string]struct {
		kernel string
		edits  []func(*record.Machine)
		want   time.Time
	}{
		"it complied":                  {fake.OldKernel, nil, fake.Start},
		"it still fails":               {fake.OldKernel, []func(*record.Machine){fake.Bad, since(broke)}, broke},
		"it complies again":            {fake.NewKernel, []func(*record.Machine){fake.Bad, since(broke)}, time.Time{}},
		"it never complied":            {fake.OldKernel, []func(*record.Machine){unknown}, time.Time{}},
		"it was silent, and fails now": {fake.OldKernel, []func(*record.Machine){silent, since(broke)}, fake.Start},
	} {
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, c.kernel), c.edits...)
		judge(t, w, fake.Start)
		if got := w.Store.ByID[fake.ID].BrokeAt; !got.Equal(c.want) {
			t.Errorf("%s: since %s, want %s", name, got, c.want)
		}
	}
}
