package replay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

// failing are looks of a machine that fails these rules, where it fails at all.
func failing(t *testing.T, text string, rules ...string) []replay.Look {
	t.Helper()
	all := looks(t, text)
	for i := range all {
		all[i].Seen = true
		for _, rule := range rules {
			if all[i].Verdict == policy.Fail {
				all[i].Findings = append(all[i].Findings, policy.Finding{Rule: rule, Verdict: policy.Fail})
			}
		}
	}
	return all
}

func TestARuleThatTooManyNewlyFailOnlyNotifies(t *testing.T) {
	t.Parallel()
	const good = "0s Pass, 1d Pass, 2d Pass"
	tests := []struct {
		name  string
		looks [][]replay.Look
		want  []string
		trips []record.Trip
	}{
		{"the third trips it: what was warned is held, who comes after is told",
			[][]replay.Look{
				failing(t, "0s Pass, 1d Fail, 2d Fail", "r"), failing(t, "0s Pass, 1d1m Fail, 2d Fail", "r"), failing(t, "0s Pass, 1d2m Fail, 2d Pass", "r"),
				failing(t, "0s Pass, 1d3m Fail, 2d Fail", "r"), failing(t, good)},
			[]string{
				"24h0m0s warned due 28h0m0s, 28h0m0s held rule-breaker supposed", "24h1m0s warned due 28h1m0s, 28h1m0s held rule-breaker supposed",
				"24h2m0s warned due 28h2m0s, 48h0m0s stoodDown in doubt", "24h3m0s told", ""},
			[]record.Trip{{PolicyVersion: 1, Rule: "r", Failed: 3, Passed: 5, At: at(t, "1d2m")}}},
		{"two are not enough",
			[][]replay.Look{failing(t, "0s Pass, 1d Fail, 2d Fail", "r"), failing(t, "0s Pass, 1d Fail, 2d Fail", "r"), failing(t, good), failing(t, good)},
			[]string{"24h0m0s warned due 28h0m0s, 28h0m0s revoked supposed", "24h0m0s warned due 28h0m0s, 28h0m0s revoked supposed", "", ""}, nil},
		{"who failed from the first inspection on did not newly fail",
			[][]replay.Look{failing(t, "0s Fail, 2d Fail", "r"), failing(t, "0s Fail, 2d Fail", "r"), failing(t, "0s Fail, 2d Fail", "r")},
			[]string{"0s warned due 4h0m0s, 4h0m0s revoked supposed", "0s warned due 4h0m0s, 4h0m0s revoked supposed", "0s warned due 4h0m0s, 4h0m0s revoked supposed"}, nil},
		{"another rule as well is no excuse, from the start or later",
			[][]replay.Look{
				failing(t, "0s Pass, 1d Fail, 2d Fail", "r"), failing(t, "0s Pass, 1d Fail, 2d Fail", "r"), failing(t, "0s Pass, 1d Fail, 2d Fail", "r"),
				failing(t, "0s Pass, 1d1m Fail, 2d Fail", "r", "s"),
				append(failing(t, "0s Pass, 1d2m Fail", "r"), failing(t, "1d12h Fail, 2d Fail", "s")...)},
			[]string{
				"24h0m0s warned due 28h0m0s, 28h0m0s held rule-breaker supposed", "24h0m0s warned due 28h0m0s, 28h0m0s held rule-breaker supposed",
				"24h0m0s warned due 28h0m0s, 28h0m0s held rule-breaker supposed",
				"24h1m0s warned due 28h1m0s, 28h1m0s revoked supposed", "24h2m0s told, 36h0m0s warned due 40h0m0s, 40h0m0s revoked supposed"},
			[]record.Trip{{PolicyVersion: 1, Rule: "r", Failed: 3, Passed: 5, At: at(t, "1d")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var histories []replay.History
			for i, l := range tt.looks {
				histories = append(histories, replay.History{Machine: fmt.Sprintf("i-%d", i), Looks: l})
			}
			limit := replay.Breaker{Limit: 1000, Window: time.Hour, Rules: guard.RuleLimits{Percent: 10, Machines: 3}}
			result := replay.Run(histories, terms(), limit)
			var got []string
			for _, o := range result.Machines {
				got = append(got, lines(o.Events))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.trips, result.Trips); diff != "" {
				t.Errorf("trips (-want +got):\n%s", diff)
			}
		})
	}
}
