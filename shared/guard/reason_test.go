package guard_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
)

func TestEveryReasonHasText(t *testing.T) {
	t.Parallel()
	seen := map[string]guard.Reason{}
	for _, tt := range slices.Concat(calendarRows, deliveryRows, weighed) {
		text := tt.reason.Text()
		if text == string(tt.reason) || strings.Contains(text, "\n") || strings.HasSuffix(text, ".") {
			t.Errorf("%s.Text() = %q, want one plain line without a full stop", tt.reason, text)
		}
		if other, ok := seen[text]; ok && other != tt.reason {
			t.Errorf("%s and %s have the same text", other, tt.reason)
		}
		seen[text] = tt.reason
	}
	if got := guard.Reason("no-such-code").Text(); got != "no-such-code" {
		t.Errorf("Text of an unknown code = %q, want the code", got)
	}
}

func TestLifted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		reason string
		change func(*guard.Facts)
		want   bool
	}{
		{"not held", "", nil, false},
		{"hold lifted", string(guard.ReasonHeldGlobal), nil, true},
		{"hold still there", string(guard.ReasonHeldGlobal), func(f *guard.Facts) { f.Holds.Global.Set = true }, false},
		{"another hold came", string(guard.ReasonHeldGlobal), func(f *guard.Facts) { f.Holds.Machine.Set = true }, false},
		{"holds readable again", string(guard.ReasonHoldsUnread), nil, true},
		{"holds still unread", string(guard.ReasonHoldsUnread), func(f *guard.Facts) { f.Holds = guard.Holds{} }, false},
		{"policy revokes again", string(guard.ReasonPolicyChanged), nil, true},
		{"policy still unread", string(guard.ReasonPolicyUnread), func(f *guard.Facts) { f.Policy.Read = false }, false},
		{"calendar opened", string(guard.ReasonCalendarClosed), closing("month-end", guard.Calendar{Read: true, Open: true}), true},
		{"calendar still closed", string(guard.ReasonCalendarClosed), closing("month-end", guard.Calendar{Read: true}), false},
		{"calendar readable, and closed", string(guard.ReasonCalendarUnread), closing("month-end", guard.Calendar{Read: true}), false},
		{"calendar no longer named", string(guard.ReasonCalendarUnread), nil, true},
		{"waivers readable again", string(guard.ReasonWaiversUnread), nil, true},
		{"waivers still unread", string(guard.ReasonWaiversUnread), func(f *guard.Facts) { f.Waivers = guard.Waivers{} }, false},
		{"not waived any more", string(guard.ReasonWaived), nil, true},
		{"still waived", string(guard.ReasonWaived), func(f *guard.Facts) { f.Waivers.Covered = true }, false},
		{"key tagged", string(guard.ReasonNotGuarded), nil, true},
		{"key still without tag", string(guard.ReasonNotGuarded), func(f *guard.Facts) { f.Key.Guarded = false }, false},
		{"runs again", string(guard.ReasonStopped), nil, true},
		{"still stopped", string(guard.ReasonStopped), func(f *guard.Facts) { f.State.FrozenSince = now }, false},
		{"room in the breaker", string(guard.ReasonBreakerOpen), nil, true},
		{"still no room", string(guard.ReasonBreakerOpen), func(f *guard.Facts) { f.Breaker.Used = 5 }, false},
		{"breaker readable again", string(guard.ReasonBreakerUnread), nil, true},
		{"breaker still unread", string(guard.ReasonBreakerUnread), func(f *guard.Facts) { f.Breaker.Read = false }, false},
		{"rules reset", string(guard.ReasonRuleTripped), nil, true},
		{"rules still tripped", string(guard.ReasonRuleTripped), func(f *guard.Facts) { f.Rule.Tripped = true }, false},
		{"rules still unread", string(guard.ReasonRuleUnread), func(f *guard.Facts) { f.Rule = guard.Rule{} }, false},
		{"others may be reached by now", string(guard.ReasonWarningBounced), reached(owner, owner), true},
		{"mail tried again", string(guard.ReasonNotWarned), nil, true},
		{"mail not yet tried again", string(guard.ReasonNotWarned), func(f *guard.Facts) {
			f.State.HeldSince = now.Add(-guard.RetryAfter + time.Second)
		}, false},
		{"a step tried again", string(guard.ReasonTaskFailed), nil, true},
		{"tags as they were", string(guard.ReasonTagDrift), nil, true},
		{"tags still changed", string(guard.ReasonTagDrift), func(f *guard.Facts) { f.Drift = []string{"owner"} }, false},
		{"dependants looked at again", string(guard.ReasonKeyShared), nil, true},
		{"dependants not yet", string(guard.ReasonDependantsUnread), func(f *guard.Facts) { f.State.HeldSince = now }, false},
		{"silence is ended by evidence", integrity.HeldSilence, nil, false},
		{"no answer is ended by evidence", integrity.HeldNoAnswer, nil, false},
		{"swept again", string(guard.ReasonController), nil, true},
		{"not swept yet", string(guard.ReasonController), func(f *guard.Facts) { f.Watch.SweptAt = time.Time{} }, false},
		{"they answer again", string(guard.ReasonManySilent), nil, true},
		{"they are still silent", string(guard.ReasonManySilent), func(f *guard.Facts) { f.Fleet.Doubtful = true }, false},
		{"a person decides on what was frozen", integrity.HeldFrozen, nil, false},
		{"a person decides on too many changes", integrity.HeldFlapping, nil, false},
		{"a person decides", integrity.HeldManual, nil, false},
		{"a person decides by policy", integrity.HeldPolicy, nil, false},
		{"changed by somebody", string(guard.ReasonKeyChanged), nil, false},
		{"code of a newer version", "no-such-code", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := due(func(f *guard.Facts) {
				f.State.HeldFor, f.State.HeldSince = tt.reason, now.Add(-guard.RetryAfter)
			})
			if tt.change != nil {
				tt.change(&f)
			}
			if got := guard.Lifted(f, now); got != tt.want {
				t.Errorf("Lifted(%q) = %v, want %v", tt.reason, got, tt.want)
			}
		})
	}
}
