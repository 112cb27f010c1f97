package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func old(edits ...func(*record.Machine)) *fake.World {
	return asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel), edits...)
}

func TestAWaivedFailureIsInOrder(t *testing.T) {
	t.Parallel()
	w := old()
	w.Store.Waive(fake.Waiver())
	s, a := judge(t, w, fake.Start)
	m := w.Store.ByID[fake.ID]
	if a.Verdict != policy.Pass || s.Started != 0 || m.State.Standing != integrity.Good || len(m.Findings) != 0 {
		t.Fatalf("answer %+v, standing %s, findings %v, want it to pass", a, m.State.Standing, m.Findings)
	}
	want := []policy.Permission{{Waiver: "w-0123456789ab", Reason: "until the maintenance window", By: fake.Waiver().By, Expires: fake.Waiver().Expires}}
	if len(m.Waived) != 1 || m.Waived[0].Verdict != policy.Fail || !cmp.Equal(m.Waived[0].Waived, want) {
		t.Errorf("waived = %+v, want the failed finding with %+v", m.Waived, want)
	}
	if diff := cmp.Diff(map[string][]string{"kernel is supported": {fake.OldKernelValue}}, m.Allowed); diff != "" {
		t.Errorf("allowed (-want +got):\n%s", diff)
	}
	const why = "waived until 2026-03-03T04:30:00Z by w-0123456789ab: kernel is supported: kernel " + fake.OldKernel
	if m.State.Why != why || a.Why != why {
		t.Errorf("why = %q and %q, want %q", m.State.Why, a.Why, why)
	}
	if kept := w.Store.Kept[0].Result; kept.Verdict != policy.Pass || len(kept.Waived()) != 1 {
		t.Errorf("the evidence says %+v, want it waived", kept)
	}
}

func TestAWaiverStandsAMachineDown(t *testing.T) {
	t.Parallel()
	w := old(fake.Bad)
	w.Store.Waive(fake.Waiver())
	judge(t, w, fake.Start)
	w.Times(t, "states.Start i-1234567890abcdef0-3-tell-stoodDown-3", 1)
	m := w.Store.ByID[fake.ID]
	if m.State.Standing != integrity.Good || !m.State.OldDueAt.IsZero() || m.State.Generation != 3 {
		t.Errorf("state = %+v, want it Good without an old deadline", m.State)
	}
	if e := w.Store.Entries; len(e) != 1 || !strings.Contains(e[0].Text, "Pass: waived until") || !strings.Contains(e[0].Text, "w-0123456789ab") {
		t.Errorf("ledger = %+v, want it to name the waiver", e)
	}
}

// The machine failed by its kernel, and by something else that was corrected: a relapse resumes the deadline.
func TestAWaiverBesideACorrection(t *testing.T) {
	t.Parallel()
	w := old(fake.Bad, func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "no plain web", Verdict: policy.Fail, Values: []string{"tcp/80, /usr/bin/nc"}})
	})
	w.Store.Waive(fake.Waiver())
	due := w.Store.ByID[fake.ID].State.DueAt
	judge(t, w, fake.Start)
	if m := w.Store.ByID[fake.ID]; m.State.Standing != integrity.Good || !m.State.OldDueAt.Equal(due) {
		t.Errorf("state = %+v, want it Good with the old deadline", m.State)
	}
}

func TestAWaiverEnds(t *testing.T) {
	t.Parallel()
	allowed := func(m *record.Machine) {
		m.Allowed = map[string][]string{"kernel is supported": {fake.OldKernelValue}}
		m.State.CorrectedAt, m.State.OldDueAt = fake.Start.Add(-time.Hour), fake.Start.Add(-time.Minute)
	}
	for name, tt := range map[string]struct {
		edit func(*record.Waiver)
		old  bool // the old deadline is resumed
	}{
		"expired":       {func(w *record.Waiver) { w.Expires = fake.Start }, false},
		"lifted":        {func(w *record.Waiver) { w.Lifted = &record.Lift{At: fake.Start} }, false},
		"another value": {func(w *record.Waiver) { w.Values = []string{"system kernel 4.18.0"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := old(allowed, func(m *record.Machine) {
				if tt.old {
					m.Allowed = map[string][]string{"kernel is supported": {"system kernel 4.18.0"}}
				}
			})
			w.Store.Waive(fake.Waiver(tt.edit))
			_, a := judge(t, w, fake.Start)
			m := w.Store.ByID[fake.ID]
			if a.Verdict != policy.Fail || m.State.Standing != integrity.Bad || len(m.Waived) != 0 || len(m.Findings) != 1 {
				t.Fatalf("answer %+v, machine %+v, want it to fail", a, m)
			}
			if m.State.OldDueAt.IsZero() == tt.old || m.State.Unwaived == tt.old {
				t.Errorf("old deadline %s, begun by a waiver's end %t", m.State.OldDueAt, m.State.Unwaived)
			}
			w.Times(t, "states.Start i-1234567890abcdef0-2-enforce-1", 1)
		})
	}
}

// What is there and cannot be read leaves a failure a failure, on the record as one that no waiver was applied to.
func TestWaiversThatCannotBeRead(t *testing.T) {
	t.Parallel()
	denied := fault.New(fault.Denied, "reading waivers: AccessDeniedException")
	for name, make := range map[string]func(*fake.World){
		"a row": func(w *fake.World) { w.Store.Garbled["global"] = 1 },
		"all":   func(w *fake.World) { w.Always("store.WaiversOn", denied) },
	} {
		w := old()
		make(w)
		_, a := judge(t, w, fake.Start)
		if m := w.Store.ByID[fake.ID]; a.Verdict != policy.Fail || !a.Unwaived || m.State.Standing != integrity.Bad {
			t.Errorf("%s: answer %+v, standing %s, want a failure without waivers", name, a, m.State.Standing)
		}
	}
	w := old() // what can be read covers it
	w.Store.Waive(fake.Waiver())
	w.Store.Garbled["global"] = 1
	if _, a := judge(t, w, fake.Start); a.Verdict != policy.Pass || a.Unwaived {
		t.Errorf("answer = %+v, want it to pass by the waiver that was read", a)
	}
}

// DynamoDB does not answer for a moment: nobody is warned for that, the machine is judged later.
func TestWaiversThatCannotBeReadForAMoment(t *testing.T) {
	t.Parallel()
	w := old()
	w.Fail("store.WaiversOn", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, success)
	fake.Kind(t, err, fault.Transient)
	w.Never(t, "store.Apply", "states.Start", "store.Settled")
	if _, a := judge(t, w, fake.Start); a.Verdict != policy.Fail || a.Unwaived {
		t.Errorf("answer = %+v, want it judged", a)
	}
}

func TestWaiversAreReadWhereSomethingFailed(t *testing.T) {
	t.Parallel()
	for _, line := range []string{fake.Answer(fake.Nonce, fake.NewKernel), "no answer of ours"} {
		w := asked(record.Scheduled, line)
		w.Store.Waive(fake.Waiver())
		judge(t, w, fake.Start)
		w.Never(t, "store.WaiversOn")
	}
}
