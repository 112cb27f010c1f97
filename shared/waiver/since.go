package waiver

import (
	"slices"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Permitted is whether a machine passes now and nothing of it was corrected: whatever it failed by at the
// judgement before is still there, and waived. before is the machine as that judgement left it.
func Permitted(before record.Machine, r policy.Result) bool {
	if r.Verdict != policy.Pass {
		return false
	}
	now, failed := values(r.Waived()), 0
	for _, f := range before.Findings {
		if f.Verdict != policy.Fail || f.Info {
			continue
		}
		failed++
		if !within(f.Values, now[f.Rule]) {
			return false
		}
	}
	return failed > 0
}

// Ended is whether a machine fails by nothing but what was waived until lately: permission ended, and
// nothing new was found.
func Ended(before record.Machine, r policy.Result) bool {
	failed := 0
	for _, f := range r.Findings {
		if f.Info || f.Counts() != policy.Fail {
			continue
		}
		failed++
		if !within(f.Values, before.Allowed[f.Rule]) {
			return false
		}
	}
	return failed > 0
}

// Allowed is what was or is waived on a machine and is still there, by rule: what is waived now, and what
// was before as long as its rule still finds it or cannot be judged. before is the machine as the judgement
// before left it.
func Allowed(before record.Machine, r policy.Result) map[string][]string {
	allowed := values(r.Waived())
	for _, f := range r.Findings {
		for _, v := range before.Allowed[f.Rule] {
			there := f.Verdict == policy.Unknown || f.Verdict == policy.Fail && slices.Contains(f.Values, v)
			if there && !slices.Contains(allowed[f.Rule], v) {
				allowed[f.Rule] = append(allowed[f.Rule], v)
			}
		}
	}
	for rule := range allowed {
		slices.Sort(allowed[rule])
	}
	if len(allowed) == 0 {
		return nil
	}
	return allowed
}

func values(findings []policy.Finding) map[string][]string {
	all := map[string][]string{}
	for _, f := range findings {
		all[f.Rule] = slices.Clone(f.Values)
	}
	return all
}

// within is whether there are values and all of them are among others.
func within(values, others []string) bool {
	for _, v := range values {
		if !slices.Contains(others, v) {
			return false
		}
	}
	return len(values) > 0
}
