package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/replay"
)

var start = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

// wide is a breaker that never opens.
var wide = replay.Breaker{Limit: 1000, Window: time.Hour, Rules: guard.RuleLimits{Percent: 100}}

// at is a time of the tables: "1d4h", "30m" after the start.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	d, ok := policy.ParseDuration(text)
	if !ok {
		t.Fatalf("%q is no duration", text)
	}
	return start.Add(d)
}

// looks reads "0s Pass, 1d Fail": when an inspection was sent and what it says, judged at once. Stopped, blind and gone
// are machines without evidence.
func looks(t *testing.T, text string) []replay.Look {
	t.Helper()
	var all []replay.Look
	for part := range strings.SplitSeq(text, ", ") {
		when, what, _ := strings.Cut(part, " ")
		l := replay.Look{Sent: at(t, when), Judged: at(t, when), Presence: integrity.Running, Why: "because"}
		switch what {
		case "Pass":
			l.Verdict, l.Why = policy.Pass, ""
		case "Fail":
			l.Verdict = policy.Fail
		case "Unknown":
		case "stopped":
			l.Presence = integrity.Stopped
		case "blind":
			l.Presence = integrity.PresenceUnknown
		case "gone":
			l.Presence = integrity.Gone
		default:
			t.Fatalf("%q is no inspection", part)
		}
		all = append(all, l)
	}
	return all
}

func when(t time.Time) string { return t.Sub(start).String() }

// lines are the events as the tables write them.
func lines(events []replay.Event) string {
	var all []string
	for _, e := range events {
		text := fmt.Sprintf("%s %s", when(e.At), e.Kind)
		switch {
		case !e.Due.IsZero():
			text += " due " + when(e.Due)
		case e.Kind == replay.Held:
			text += " " + e.Why
		}
		if e.Supposed {
			text += " supposed"
		}
		if e.Doubt != "" {
			text += " in doubt"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func terms(edits ...func(*policy.Integrity)) policy.Integrity {
	t := policy.Integrity{
		OnFail: policy.ActRevoke, Grace: 4 * time.Hour, Confirm: 1, SilenceAfter: 24 * time.Hour, SilenceThen: policy.ActHold,
		RetryEvery: 30 * time.Minute, RetryUpTo: 50,
	}
	for _, e := range edits {
		e(&t)
	}
	return t
}

func TestRun(t *testing.T) {
	t.Parallel()
	notify := func(i *policy.Integrity) { i.OnFail = policy.ActNotify }
	hold := func(i *policy.Integrity) { i.OnFail = policy.ActHold }
	confirm := func(n int) func(*policy.Integrity) { return func(i *policy.Integrity) { i.Confirm = n } }
	silence := func(i *policy.Integrity) { i.SilenceThen = policy.ActRevoke }
	manual := func(i *policy.Integrity) { i.RestoreManual = true }
	settle := func(i *policy.Integrity) { i.Settle = time.Hour }
	tests := []struct {
		name  string
		edits []func(*policy.Integrity)
		looks string
		want  string
		end   string // standing, key and deadline
	}{
		{"in order", nil, "0s Pass, 1d Pass, 2d Pass", "", "Good Released"},
		{"a look at the deadline", nil, "0s Pass, 1d Fail, 1d4h Fail, 2d Fail", "24h0m0s warned due 28h0m0s, 28h0m0s revoked", "Bad Revoked"},
		{"a look soon after the deadline", nil, "0s Fail, 4h10m Fail", "0s warned due 4h0m0s, 4h10m0s revoked", "Bad Revoked"},
		{"nobody looked at the deadline", nil, "0s Fail, 1d Fail", "0s warned due 4h0m0s, 4h0m0s revoked supposed", "Bad Revoked"},
		{"put right in time", nil, "0s Fail, 3h Pass", "0s warned due 4h0m0s, 3h0m0s stoodDown", "Good Released"},
		{"put right in time or late", nil, "0s Fail, 1d Pass", "0s warned due 4h0m0s, 24h0m0s stoodDown in doubt", "Good Released"},
		{"put right at the deadline", nil, "0s Fail, 4h Pass", "0s warned due 4h0m0s, 4h0m0s stoodDown", "Good Released"},
		{"the deadline is to come", nil, "0s Fail, 2h Fail", "0s warned due 4h0m0s", "Bad Released due 4h0m0s"},
		{"no verdict at the deadline", nil, "0s Fail, 5h Unknown, 6h Fail", "0s warned due 4h0m0s, 5h0m0s held silence, 6h0m0s revoked", "Bad Revoked"},
		{"stopped over the deadline", nil, "0s Fail, 2h stopped, 10h Fail, 12h Fail, 14h Fail", "0s warned due 4h0m0s, 12h0m0s revoked", "Bad Revoked"},
		{"we could not look over the deadline", nil, "0s Fail, 1h blind, 5h Fail, 9h Fail", "0s warned due 4h0m0s, 8h0m0s revoked supposed", "Bad Revoked"},
		{"restored", nil, "0s Fail, 4h Fail, 5h Pass, 1d Pass", "0s warned due 4h0m0s, 4h0m0s revoked, 5h0m0s restored", "Good Released"},
		{"a relapse resumes the deadline", nil, "0s Fail, 1h Pass, 2h Fail, 4h Fail", "0s warned due 4h0m0s, 1h0m0s stoodDown, 2h0m0s warned due 4h0m0s, 4h0m0s revoked", "Bad Revoked"},
		{"left to a person to restore", []func(*policy.Integrity){manual}, "0s Fail, 4h Fail, 5h Pass", "0s warned due 4h0m0s, 4h0m0s revoked, 5h0m0s held restore-manual", "Bad Revoked"},
		{"only told", []func(*policy.Integrity){notify}, "0s Fail, 1d Fail, 2d Pass", "0s told, 48h0m0s stoodDown", "Good Released"},
		{"left to a person", []func(*policy.Integrity){hold}, "0s Fail, 1d Fail", "0s held policy-hold", "Bad Released"},
		{"two failures, a day apart: the second look was asked for", []func(*policy.Integrity){confirm(2)}, "0s Fail, 1d Fail", "10m0s warned due 4h10m0s supposed, 4h10m0s revoked supposed", "Bad Revoked"},
		{"one failure of two", []func(*policy.Integrity){confirm(2)}, "0s Fail, 1d Pass", "", "Good Released"},
		{"three failures of three", []func(*policy.Integrity){confirm(3)}, "0s Fail, 11m Fail, 25m Fail", "25m0s warned due 4h25m0s", "Bad Released due 4h25m0s"},
		{"silent", nil, "0s Pass, 1h Unknown, 2d Unknown", "1h0m0s silent, 25h0m0s held silence supposed", "Unknown Released"},
		{"silence that revokes", []func(*policy.Integrity){silence}, "0s Pass, 1h Unknown, 2d Unknown", "1h0m0s silent, 25h0m0s warned due 29h0m0s supposed, 29h0m0s revoked supposed in doubt", "Bad Revoked"},
		{"silence that ended", []func(*policy.Integrity){silence}, "0s Pass, 1h Unknown, 23h Pass, 3d Pass", "1h0m0s silent", "Good Released"},
		{"settling after a restore", []func(*policy.Integrity){settle}, "0s Fail, 4h Fail, 5h Pass, 5h30m Fail, 1d Fail", "0s warned due 4h0m0s, 4h0m0s revoked, 5h0m0s restored, 6h0m0s warned due 6h30m0s supposed, 6h30m0s revoked supposed", "Bad Revoked"},
		{"gone", nil, "0s Pass, 1h gone, 2h gone", "2h0m0s withdrawn", "Unknown Withdrawn"},
		{"nothing is kept", nil, "", "", "Unknown Released"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := replay.History{Machine: "i-1"}
			if tt.looks != "" {
				h.Looks = looks(t, tt.looks)
			}
			got := replay.Run([]replay.History{h}, terms(tt.edits...), wide).Machines[0]
			if diff := cmp.Diff(tt.want, lines(got.Events)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			end := string(got.Standing) + " " + string(got.Key)
			if got.Standing == integrity.Unknown {
				end = "Unknown " + string(got.Key)
			}
			if !got.Due.IsZero() {
				end += " due " + when(got.Due)
			}
			if end != tt.end {
				t.Errorf("ends %s, want %s", end, tt.end)
			}
		})
	}
}

// What is counted: inspections that moved nothing at the time do not, and the order they are given in does not matter.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	all := looks(t, "1d Pass, 0s Fail, 2d Unknown")
	late := all[1]
	late.Sent, late.Judged = start.Add(time.Hour), start.Add(time.Hour+16*time.Minute)
	got := replay.Run([]replay.History{{Machine: "i-1", Looks: append(all, late, all[0])}}, terms(), wide).Machines[0]
	want := map[string]int{"Pass": 1, "Fail": 1, "Unknown": 1}
	if diff := cmp.Diff(want, got.Verdicts); diff != "" || got.Looks != 3 || !got.First.Equal(start) || !got.Last.Equal(at(t, "2d")) {
		t.Errorf("%d from %s to %s (-want +got):\n%s", got.Looks, got.First, got.Last, diff)
	}
	// One that was sent earlier and judged later than another changes nothing, as at the time.
	two := looks(t, "0s Fail, 5m Pass")
	two[0].Judged = start.Add(10 * time.Minute)
	if got := replay.Run([]replay.History{{Looks: two}}, terms(), wide).Machines[0]; len(got.Events) != 0 || got.Standing != integrity.Good {
		t.Errorf("an older inspection that was judged last: %s, %s", got.Standing, lines(got.Events))
	}
}
