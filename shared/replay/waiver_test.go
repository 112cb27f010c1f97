package replay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

// Waivers count as they did at the time: from when they were set until they ended or were lifted.
func TestWaivers(t *testing.T) {
	t.Parallel()
	p := candidate(t)
	m := record.Machine{ID: "i-1234567890abcdef0", Policy: "web"}
	old := kept("5.1.0")
	fresh := func() record.Evidence { // its definitions are an hour old at the start, and in order all the time
		e := kept("5.1.0")
		e.Evidence.Products[0].Definition.Date.Value = start.Add(-time.Hour)
		return e
	}
	values := policy.Evaluate(p, old.Evidence, start).Findings[0].Values
	if len(values) == 0 {
		t.Fatal("the finding has no values that a waiver could be pinned to")
	}
	allow := func(from, until string, edits ...func(*record.Waiver)) []record.Waiver {
		w := record.Waiver{ID: "w-1", Scope: "machine:i-1234567890abcdef0", Rule: "kernel", Values: values, Reason: "in April", By: "alice", SetAt: at(t, from), Expires: at(t, until)}
		for _, e := range edits {
			e(&w)
		}
		return []record.Waiver{w}
	}
	lifted := func(when string) func(*record.Waiver) {
		return func(w *record.Waiver) { w.Lifted = &record.Lift{At: at(t, when)} }
	}
	tests := []struct {
		name    string
		waivers []record.Waiver
		want    string
	}{
		{"none", nil, "0s warned due 4h0m0s, 4h0m0s revoked supposed"},
		{"all the time", allow("0s", "9d"), ""},
		{"until it ends: a warning and the full grace", allow("0s", "30h"), "36h0m0s warned due 40h0m0s, 40h0m0s revoked supposed"},
		{"until it is lifted", allow("0s", "9d", lifted("30h")), "36h0m0s warned due 40h0m0s, 40h0m0s revoked supposed"},
		{"set in the grace", allow("2h", "9d"), "0s warned due 4h0m0s, 3h0m0s stoodDown"},
		{"of another value", allow("0s", "9d", func(w *record.Waiver) { w.Values = []string{"another"} }), "0s warned due 4h0m0s, 4h0m0s revoked supposed"},
		{"of another machine", allow("0s", "9d", func(w *record.Waiver) { w.Scope = "machine:i-0" }), "0s warned due 4h0m0s, 4h0m0s revoked supposed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := replay.History{Machine: m.ID}
			for _, when := range []string{"0s", "3h", "12h", "24h", "36h", "48h"} {
				e := fresh()
				e.Sent, e.JudgedAt = at(t, when), at(t, when)
				h.Looks = append(h.Looks, replay.Judge(p, e, m, tt.waivers))
			}
			got := replay.Run([]replay.History{h}, terms(), wide).Machines[0]
			if diff := cmp.Diff(tt.want, lines(got.Events)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
