package notice

import "regexp"

// OfStack says whether a kind is about the whole stack and names no machine.
func (k Kind) OfStack() bool {
	return k == BreakerOpen || k == RulesTripped || k == Outage || k == PolicyChanged
}

var policyName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func leadBreakerOpen(n Notice, _ clock) []string {
	return []string{
		"The limit on revocations is reached" + because(n.Why),
		"Every revocation beyond it waits; warnings, inspections and restores go on. As the window moves, the machines that wait are looked at again, the most severe first, and those that still do not comply lose their keys, as many in each window as the limit allows.",
		"So many at once are more often a mistake of a policy or a common failure than as many bad machines. This is the one mail about it, and another follows if it stays open for a day.",
	}
}

func leadRulesTripped(n Notice, _ clock) []string {
	return []string{
		"Too many machines that complied with " + byPolicy(n) + " fail it at once" + because(n.Why),
		"So what failed only notifies from now on: what it started is held when it falls due, and a machine that newly fails starts no revocation. Machines that fail another rule as well are not held by this.",
		"It stays so until a person resets it or a new version of the policy is put. This is the one mail about it.",
	}
}

func decideBreaker(Notice, clock) section {
	return section{"What to do", []item{
		says("See which machines lost their keys, and which wait:"),
		runs("keyward breaker show"),
		says("If it may be a mistake, stop everything, and put the policy or the machines right:"),
		runs(`keyward hold set global --reason "too many machines fail at once"`),
		says("If the machines are as bad as that, give room for as many again now, or do nothing and let them go one window after the other:"),
		runs(`keyward breaker reset --reason "why they may go"`),
	}}
}

func decideRules(n Notice, _ clock) section {
	name := "NAME"
	if policyName.MatchString(n.Policy) {
		name = n.Policy
	}
	return section{"What to do", []item{
		says("See what tripped, and what the machines fail:"),
		runs("keyward breaker show"),
		says("If the policy is wrong, put it right and put it as a new version. The machines are looked at under it before anything else happens:"),
		runs("keyward policy put " + name + ".yaml"),
		says("If the machines are wrong, let the policy revoke again. Machines that were warned go on from their deadline, after another look; those that were not are warned first, with the whole grace:"),
		runs("keyward breaker reset policy:" + name + ` --reason "why it is right"`),
	}}
}
