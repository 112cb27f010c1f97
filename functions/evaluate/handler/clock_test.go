package handler

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// One clock a machine: many failing rules share the deadline of the first, curing some of them cancels
// nothing, curing all cancels once.
func TestManyFailingRulesShareOneClock(t *testing.T) {
	t.Parallel()
	// By kernel 3 three rules fail, by 4 two, by 5 one, by 6 none.
	text := fake.Policy("  - rule: kernel is supported\n    os: {kernel: \">= 5.10\"}\n", `  - {rule: four, os: {kernel: ">= 4"}}
  - {rule: five, os: {kernel: ">= 5"}}
  - {rule: six, os: {kernel: ">= 6"}}
`, "    fix: Start the machine with a kernel of 5.10 or later\n", "")
	rapid.Check(t, func(r *rapid.T) {
		w := fake.New()
		w.Store.PutPolicyText(text)
		now, n := fake.Start, 0
		look := func(kernel int) []integrity.Effect {
			now, n = now.Add(time.Duration(rapid.IntRange(1, 20).Draw(r, "minutes"))*time.Minute), n+1
			c := fake.Sent(record.Scheduled, now, fake.ID)
			c.ID = fmt.Sprintf("command-%d", n)
			w.Store.Sends[c.ID] = c
			line := fake.Answer(fake.Nonce, fmt.Sprintf("%d.1.0", kernel))
			w.SSM.Answers = []inspection.Invocation{{Machine: fake.ID, Status: "Success", Ended: true, Success: true, Output: line}}
			if _, err := newHandler(w).Handle(t.Context(), now, Event{Commands: []string{c.ID}}); err != nil {
				r.Fatal(err)
			}
			return w.Store.Said[c.ID+" "+fake.ID].Effects
		}
		if got := look(rapid.IntRange(3, 5).Draw(r, "first")); !slices.Equal(got, []integrity.Effect{integrity.Warn}) {
			r.Fatalf("the first failure leads to %v", got)
		}
		w.Store.Change(fake.ID, func(m *record.Machine) {
			p, err := w.Store.ByName["web-tier"].Compile()
			if err != nil {
				r.Fatal(err)
			}
			m.State = integrity.Warned(m.State, now, p.Integrity)
		})
		before := w.Store.ByID[fake.ID].State
		for range rapid.IntRange(0, 8).Draw(r, "looks") {
			kernel := rapid.IntRange(3, 5).Draw(r, "kernel")
			if got := look(kernel); len(got) > 0 {
				r.Fatalf("another failure leads to %v", got)
			}
			m := w.Store.ByID[fake.ID]
			if m.State.DueAt != before.DueAt || m.State.Generation != before.Generation || m.State.Standing != integrity.Bad {
				r.Fatalf("with %d rules failing the deadline is %v, generation %d; it was %v, %d", 6-kernel, m.State.DueAt, m.State.Generation, before.DueAt, before.Generation)
			}
			if len(m.Findings) != 6-kernel {
				r.Fatalf("by kernel %d there are %d findings", kernel, len(m.Findings))
			}
		}
		if got := look(6); !slices.Equal(got, []integrity.Effect{integrity.StandDown}) {
			r.Fatalf("all cured leads to %v", got)
		}
		if got := look(6); len(got) > 0 {
			r.Fatalf("still cured leads to %v", got)
		}
	})
}
