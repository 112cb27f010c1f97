package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// drilling is a world with the drill's machine, which answers as the drill says.
func drilling(ill bool) (*fake.World, record.Command) {
	w := fake.New()
	w.Store.PutPolicyText(drill.Policy())
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.Policy = drill.Machine, drill.PolicyName }))
	w.Store.Drilled = record.Drill{ID: "x", Ill: ill, Version: 1}
	c := drill.Command(record.Check, "", fake.Start)
	w.Store.Sends[c.ID] = c
	return w, c
}

func TestTheDrillIsJudged(t *testing.T) {
	t.Parallel()
	for ill, want := range map[bool]integrity.Standing{true: integrity.Bad, false: integrity.Good} {
		w, c := drilling(ill)
		w.Store.EvaluatedAt = time.Time{}
		s, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}})
		if err != nil || s.Judged != 1 || s.Waiting != 0 {
			t.Fatalf("ill %t: %+v, %v", ill, s, err)
		}
		if got := w.Store.ByID[drill.Machine].State; got.Standing != want || len(w.Flow.Executions) != map[bool]int{true: 1}[ill] {
			t.Errorf("ill %t: state %+v, executions %v", ill, got, w.Flow.Executions)
		}
		w.Never(t, "ssm.", "ec2.")
		if !w.Store.EvaluatedAt.IsZero() {
			t.Error("a drill counts as a machine that was judged: the dead man would never be missed")
		}
		if again, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}}); err != nil || again.Judged != 0 {
			t.Errorf("judged twice: %+v, %v", again, err)
		}
	}
}

// What the drill says of its machine is evidence of no other, and what a machine says none of the drill's.
func TestTheDrillIsEvidenceOfItsMachineAlone(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(c record.Command) record.Command{
		"the drill's command to a machine": func(c record.Command) record.Command { c.Machines = []string{fake.ID}; return c },
		"to both":                          func(c record.Command) record.Command { c.Machines = []string{fake.ID, drill.Machine}; return c },
		"SSM's to the drill's machine":     func(c record.Command) record.Command { c.ID = fake.Command; return c },
	} {
		w, c := drilling(true)
		delete(w.Store.Sends, c.ID)
		c = forge(c)
		w.Store.Sends[c.ID] = c
		w.SSM.Say(drill.Machine, fake.Answer(c.Nonce, fake.NewKernel))
		before := w.Store.ByID[drill.Machine].State
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}}); err != nil {
			t.Fatal(err)
		}
		if got := w.Store.ByID[drill.Machine].State; got != before {
			t.Errorf("%s: the drill's machine is %+v", name, got)
		}
		for _, a := range w.Store.Said {
			if a.Verdict != policy.Unknown {
				t.Errorf("%s: answer %+v, want nobody judged by it", name, a)
			}
		}
	}
}

func TestTheDrillCannotBeRead(t *testing.T) {
	t.Parallel()
	w, c := drilling(true)
	w.Fail("store.Drill", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{c.ID}})
	fake.Kind(t, err, fault.Transient)
	if !w.Store.Sends[c.ID].Open {
		t.Error("the command is settled without an answer")
	}
}
