package doctor

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func agents(f Facts) Line {
	switch {
	case f.Machines.Err != "":
		return unknown(f.Machines.Err)
	case f.Online.Err != "":
		return unknown(f.Online.Err)
	case len(f.Machines.Value) == 0:
		return warning("scripts/machine-onboard, or keyward machine enrol", "no machine is enrolled: nothing is guarded")
	}
	var offline []string
	there := 0
	for _, m := range f.Machines.Value {
		if !m.State.GoneAt.IsZero() {
			continue
		}
		there++
		if !f.Online.Value[m.ID] {
			offline = append(offline, m.ID)
		}
	}
	const do = "start them, or see to the SSM agent, its network and its rights (AmazonSSMManagedInstanceCore)"
	switch {
	case there > 0 && len(offline) == there:
		return problem(do, "no agent answers: %s", some(offline))
	case len(offline) > 0:
		return warning(do, "%d of %d agents do not answer: %s", len(offline), there, some(offline))
	}
	return ok("all %d answer", there)
}

func keys(f Facts) Line {
	if f.Machines.Err != "" {
		return unknown(f.Machines.Err)
	}
	var unguarded, off []string
	for _, k := range f.Keys {
		switch seen := k.Read.Value; {
		case k.Read.Err != "":
			return unknown(k.Read.Err)
		case !seen.Guarded:
			unguarded = append(unguarded, k.ARN)
		case !seen.Enabled && !k.Revoked:
			off = append(off, k.ARN+" is "+seen.State)
		}
	}
	switch {
	case len(unguarded) > 0:
		return problem("keyward key guard", "without the tag keyward:guarded = true Keyward neither releases nor revokes: %s", some(unguarded))
	case len(off) > 0:
		return problem("aws kms enable-key, unless somebody wanted this", "not by Keyward: %s", some(off))
	}
	return ok("%d, guarded", len(f.Keys))
}

func ways(f Facts) Line {
	if f.Machines.Err != "" {
		return unknown(f.Machines.Err)
	}
	var open []string
	for _, k := range f.Keys {
		if k.Read.Err != "" {
			return unknown(k.Read.Err)
		}
		for _, w := range k.Read.Value.Ways {
			open = append(open, k.ARN+": "+w)
		}
	}
	if len(open) > 0 {
		return warning("keyward key guard KEY --machine ID names each and how to close it", "a revocation is empty while they are open: %s", some(open))
	}
	return ok("none")
}

// slow is how long a revocation of everything may take before it is worth a word.
const slow = 15 * time.Minute

// maxGrants is how many grants a key may have (KMS, "Resource quotas"); a share of it is left for those that change.
const maxGrants = 50_000 * 9 / 10

func quotas(f Facts) Line {
	switch {
	case f.Quotas.Err != "":
		return unknown(f.Quotas.Err)
	case f.Status.Err != "":
		return unknown(f.Status.Err)
	case f.Machines.Err != "":
		return unknown(f.Machines.Err)
	}
	s := f.Status.Value
	for _, of := range []struct {
		parameter string
		set       int
		names     []string
	}{
		{"KeyCallsPerSecond", s.KeyCalls, []string{"DisableKey request rate", "EnableKey request rate"}},
		{"GrantCallsPerSecond", s.GrantCalls, []string{"CreateGrant request rate", "RevokeGrant request rate"}},
	} {
		for _, name := range of.names {
			quota, there := f.Quotas.Value[name]
			switch {
			case !there:
				return unknown("Service Quotas does not list " + name)
			case float64(of.set) > quota:
				return problem(fmt.Sprintf("deploy with %s=%.0f, or have the quota raised", of.parameter, quota), "%s is %d, and KMS lets this account call %.0f (%s)", of.parameter, of.set, quota, name)
			}
		}
	}
	one, grants := 0, map[string]int{}
	for _, m := range f.Machines.Value {
		if m.Key.Mode == policy.DisableKey {
			one++
		} else {
			grants[m.Key.ARN]++
		}
	}
	for key, n := range grants {
		if n > maxGrants {
			return warning("give some of its machines another key", "%s has %d machines, and KMS allows 50000 grants a key", key, n)
		}
	}
	if takes := time.Duration(one) * pace.Half(pace.DisableKey, s.KeyCalls).Every; takes > slow {
		return warning("have the quotas of EnableKey and DisableKey raised, then deploy with KeyCallsPerSecond", "revoking all %d keys of the mode disable-key takes %s", one, takes.Round(time.Minute))
	}
	return ok("KMS allows what the stack's parameters say")
}

func drills(f Facts) Line {
	switch {
	case f.Stack.Err != "":
		return unknown(f.Stack.Err)
	case f.Drills.Err != "":
		return unknown(f.Drills.Err)
	case f.Status.Err != "":
		return unknown(f.Status.Err)
	case f.Stack.Value.Parameters["Drill"] == "off":
		return warning("deploy with Drill=on", "switched off: nothing proves that revoking works")
	}
	var last record.Drill
	for _, d := range f.Drills.Value {
		if !d.Runs() {
			last = d
			break
		}
	}
	age := f.Status.Value.Time.Sub(last.EndedAt)
	switch {
	case last.ID == "":
		return warning("keyward drill run", "none has ended yet")
	case last.Outcome == record.DrillFailed:
		return problem("keyward drill show", "the last one failed: %s", last.Why)
	case age > drillLate:
		return problem("see the schedule DrillFunctionDaily and the function's log", "the last one ended %s ago", age.Round(time.Hour))
	case last.Outcome != record.DrillGood:
		return warning("keyward drill show", "the last one was %s: %s", last.Outcome, last.Why)
	}
	return ok("the last one was good, %s ago", age.Round(time.Minute))
}

func holds(f Facts) Line {
	if f.Holds.Err != "" {
		return unknown(f.Holds.Err)
	}
	for _, h := range f.Holds.Value {
		if h.Scope == "global" {
			return warning("keyward hold lift global --reason TEXT", "everything is held since %s by %s: nothing is revoked (%s)", h.SetAt.UTC().Format(time.RFC3339), h.By, h.Reason)
		}
	}
	if n := len(f.Holds.Value); n > 0 {
		return warning("keyward hold list", "%d machines or policies are held", n)
	}
	return ok("none")
}
