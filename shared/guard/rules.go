package guard

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Newly is how long a machine that complied and fails since counts as newly failed.
const Newly = 24 * time.Hour

// mostTrips are kept with a policy; the oldest go first.
const mostTrips = 50

// RuleLimits are when the breaker on a rule trips: more than Percent of the machines that complied
// before, and at least Machines of them.
type RuleLimits struct {
	Percent  int
	Machines int
}

func (l RuleLimits) over(failed, passed int) bool {
	return failed >= max(1, l.Machines) && failed*100 > l.Percent*passed
}

// Rule is the breaker on the rules, as one machine meets it.
type Rule struct {
	Read    bool
	Tripped bool // every rule that the machine fails only notifies any more
}

func notTripped(f Facts, _ time.Time) Reason {
	switch {
	case !f.Rule.Read:
		return ReasonRuleUnread
	case f.Rule.Tripped:
		return ReasonRuleTripped
	}
	return ""
}

// FailedRules are the names of the rules that failed and are not waived.
func FailedRules(findings []policy.Finding) []string {
	var rules []string
	for _, f := range findings {
		if f.Counts() == policy.Fail && !f.Info {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// OnlyNotifies is whether a failure of these rules under a version of the policy starts no revocation: each
// of them tripped, or the whole version did. Without a failed rule it is false: silence is no rule.
func OnlyNotifies(b record.RuleBreaker, version int, rules []string) bool {
	tripped := func(rule string) bool {
		return slices.ContainsFunc(b.Trips, func(t record.Trip) bool {
			return t.PolicyVersion == version && (t.Rule == rule || t.Rule == "")
		})
	}
	return len(rules) > 0 && !slices.ContainsFunc(rules, func(rule string) bool { return !tripped(rule) })
}

// Stopped is whether the machine's violation, as it was judged last, starts no revocation. One that was
// judged by a version that tripped stays stopped until a newer one judged it.
func Stopped(m record.Machine, b record.RuleBreaker) bool {
	return !m.State.Silence && OnlyNotifies(b, m.PolicyUsed, FailedRules(m.Findings))
}

// RuleFor is the breaker on the rules of the machine's policy, of which version is the current one. While
// enough of what an earlier version stopped was not looked at under the current one yet, that still
// stands: a new version must not have taken keys before it is known what it finds.
func RuleFor(m record.Machine, version int, all []record.Machine, b record.RuleBreaker, l RuleLimits, now time.Time) Rule {
	r := Rule{Read: true, Tripped: Stopped(m, b)}
	if r.Tripped || m.State.Silence || !newly(&m, b, now) {
		return r
	}
	c := count(version, all, b, now)
	r.Tripped = c.pending > 0 && l.over(c.pending+len(c.failed), c.passed)
	return r
}

// counted is what the machines of one policy say about one of its versions.
type counted struct {
	passed  int              // complied before: those that do, and those that newly fail
	failed  []record.Machine // newly fail under the version
	pending int              // stopped under an earlier version and not looked at since
}

func count(version int, all []record.Machine, b record.RuleBreaker, now time.Time) counted {
	var c counted
	for i := range all {
		m := &all[i]
		switch {
		case m.Policy != b.Policy || !m.State.GoneAt.IsZero():
		case m.State.Standing == integrity.Good:
			c.passed++
		case newly(m, b, now):
			c.passed++
			if m.PolicyUsed == version && len(FailedRules(m.Findings)) > 0 {
				c.failed = append(c.failed, *m)
			} else if m.PolicyUsed != version && Stopped(*m, b) {
				c.pending++
			}
		}
	}
	return c
}

// BrokeAt is until when the machine complied, while it fails: what the breaker on the rules counts. It is the zero time for
// one that never complied, as far as is known. One that fell silent in between complied when it was heard of last. Before
// is what it was until now, in the state was.
func BrokeAt(before time.Time, was, is integrity.State, now time.Time) time.Time {
	switch {
	case is.Standing != integrity.Bad:
		return time.Time{}
	case was.Standing == integrity.Good, was.Silence && !is.Silence:
		return now.UTC()
	}
	return before
}

// newly is whether the machine complied not long ago: within Newly, or within it before something tripped
// that still stands, so that waiting does not make what was stopped look old.
func newly(m *record.Machine, b record.RuleBreaker, now time.Time) bool {
	since := now
	for _, t := range b.Trips {
		if t.At.Before(since) {
			since = t.At
		}
	}
	return m.State.Standing == integrity.Bad && !m.State.Silence && m.BrokeAt.After(b.ResetAt) && m.BrokeAt.After(since.Add(-Newly))
}

// Settled drops the trips of earlier versions once every machine that they stopped was looked at under the
// current one.
func Settled(version int, all []record.Machine, b record.RuleBreaker) (record.RuleBreaker, bool) {
	for i := range all {
		if m := &all[i]; m.Policy == b.Policy && m.PolicyUsed != version && m.State.Standing == integrity.Bad && Stopped(*m, b) {
			return b, false
		}
	}
	kept := slices.DeleteFunc(slices.Clone(b.Trips), func(t record.Trip) bool { return t.PolicyVersion != version })
	dropped := len(kept) < len(b.Trips)
	b.Trips = kept
	return b, dropped
}

// Trips are the rules of a policy's version that trip now and did not before, by name; the whole version,
// last, when what is left without them is still too much. All are the enrolled machines: those of other
// policies do not count. b.Policy has to be the policy's name.
func Trips(version int, all []record.Machine, b record.RuleBreaker, l RuleLimits, now time.Time) []record.Trip {
	c := count(version, all, b, now)
	by := map[string]int{}
	for _, m := range c.failed {
		for _, rule := range slices.Compact(slices.Sorted(slices.Values(FailedRules(m.Findings)))) {
			by[rule]++
		}
	}
	var rules []string
	for rule := range by {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	var trips []record.Trip
	trip := func(rule string, failed int) {
		t := record.Trip{PolicyVersion: version, Rule: rule, Failed: failed, Passed: c.passed, At: now.UTC()}
		trips, b = append(trips, t), Tripped(b, t)
	}
	for _, rule := range rules {
		if l.over(by[rule], c.passed) && !OnlyNotifies(b, version, []string{rule}) {
			trip(rule, by[rule])
		}
	}
	left := 0
	for _, m := range c.failed {
		if !Stopped(m, b) {
			left++
		}
	}
	if l.over(left, c.passed) {
		trip("", left)
	}
	return trips
}

// Tripped adds trips.
func Tripped(b record.RuleBreaker, trips ...record.Trip) record.RuleBreaker {
	b.Trips = slices.Concat(b.Trips, trips)
	b.Trips = b.Trips[max(0, len(b.Trips)-mostTrips):]
	return b
}

// Terms are the terms of a policy for a failure of these rules: a tripped rule only notifies.
func Terms(p *policy.Policy, b record.RuleBreaker, version int, rules []string) policy.Integrity {
	t := p.Integrity
	if t.OnFail == policy.ActRevoke && OnlyNotifies(b, version, rules) {
		t.OnFail = policy.ActNotify
	}
	return t
}
