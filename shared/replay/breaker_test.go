package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/replay"
)

func TestTheBreakerHolds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit int
		looks []string
		want  []string
	}{
		{"three due at once, room for two an hour", 2, []string{"0s Fail, 1d Fail", "0s Fail, 1d Fail", "0s Fail, 1d Fail"}, []string{
			"0s warned due 4h0m0s, 4h0m0s revoked supposed", "0s warned due 4h0m0s, 4h0m0s revoked supposed",
			"0s warned due 4h0m0s, 4h0m0s held breaker-open supposed, 5h0m0s revoked supposed"}},
		{"one an hour", 1, []string{"0s Fail, 1d Fail", "0s Fail, 1d Fail", "0s Fail, 1d Fail"}, []string{
			"0s warned due 4h0m0s, 4h0m0s revoked supposed", "0s warned due 4h0m0s, 4h0m0s held breaker-open supposed, 5h0m0s revoked supposed",
			"0s warned due 4h0m0s, 4h0m0s held breaker-open supposed, 6h0m0s revoked supposed"}},
		{"put right while it waits", 1, []string{"0s Fail, 4h Fail", "0s Fail, 4h1m Fail, 4h30m Pass"}, []string{
			"0s warned due 4h0m0s, 4h0m0s revoked", "0s warned due 4h0m0s, 4h1m0s held breaker-open, 4h30m0s stoodDown"}},
		{"nobody looked since there was room", 1, []string{"0s Fail, 4h Fail", "0s Fail, 4h1m Fail, 8h Unknown, 9h Fail"}, []string{
			"0s warned due 4h0m0s, 4h0m0s revoked", "0s warned due 4h0m0s, 4h1m0s held breaker-open, 8h0m0s held silence, 9h0m0s revoked"}},
		{"a limit of 0 means none", 0, []string{"0s Fail, 1d Fail, 2d Fail"}, []string{"0s warned due 4h0m0s, 4h0m0s held breaker-open supposed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var histories []replay.History
			for i, text := range tt.looks {
				histories = append(histories, replay.History{Machine: fmt.Sprintf("i-%d", i), Looks: looks(t, text)})
			}
			var got []string
			for _, o := range replay.Run(histories, terms(), replay.Breaker{Limit: tt.limit, Window: time.Hour}).Machines {
				got = append(got, lines(o.Events))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// However many fail, and whatever of their evidence is kept: never more machines in a window than the limit.
func TestNeverAboveTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := replay.Breaker{Limit: rapid.IntRange(0, 4).Draw(t, "limit"), Window: time.Duration(rapid.IntRange(10, 180).Draw(t, "window")) * time.Minute}
		var histories []replay.History
		var p *past
		for i := range rapid.IntRange(1, 6).Draw(t, "machines") {
			p = newPast(t)
			p.live(time.Duration(rapid.IntRange(6, 24).Draw(t, "every")) * time.Hour)
			histories = append(histories, replay.History{Machine: fmt.Sprintf("i-%02d", i), Looks: p.looks})
		}
		p.terms.OnFail = policy.ActRevoke
		type revocation struct {
			machine string
			at      time.Time
		}
		var revoked []revocation
		for _, o := range replay.Run(histories, p.terms, limit).Machines {
			for i, e := range o.Events {
				if e.Kind == replay.Revoked {
					revoked = append(revoked, revocation{o.Machine, e.At})
				}
				if i > 0 && e.At.Before(o.Events[i-1].At) {
					t.Fatalf("events are not in order: %s", lines(o.Events))
				}
			}
			if limit.Limit == 0 && strings.Contains(lines(o.Events), "revoked") {
				t.Fatalf("revoked without any room: %s", lines(o.Events))
			}
		}
		for _, from := range revoked { // a machine that loses its key twice counts once
			within := map[string]bool{}
			for _, r := range revoked {
				if !r.at.Before(from.at) && r.at.Before(from.at.Add(limit.Window)) {
					within[r.machine] = true
				}
			}
			if len(within) > limit.Limit {
				t.Fatalf("%d machines within %s from %s on, want at most %d", len(within), limit.Window, when(from.at), limit.Limit)
			}
		}
	})
}
