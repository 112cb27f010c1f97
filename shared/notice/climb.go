package notice

// What those hear whom a policy names for the case that nobody puts a machine right.
var climbWordings = map[Kind]wording{
	Escalated: {
		subject: func(n Notice, c clock) string {
			return who(n) + " still " + fault(n) + " after " + span(n.After) + climbTail(n, c)
		},
		heading:  func(n Notice) string { return "Machine " + who(n) + " still " + fault(n) + " after " + span(n.After) },
		lead:     leadEscalated,
		findings: true,
		sections: []func(Notice, clock) section{stopIt, getItBack, correctUntaken, allowed, lossAhead},
	},
}

func leadEscalated(n Notice, c clock) []string {
	lead := "Machine " + who(n) + " still does not comply with " + byPolicy(n) + "."
	if n.Silence {
		lead = "Machine " + who(n) + " still gives no answer that " + byPolicy(n) + " can be judged by."
	}
	from := "after it was found"
	if !n.WarnedAt.IsZero() {
		from = "after its warning"
	}
	return []string{
		lead + " Nobody put it right within " + span(n.After) + " " + from + ", and so you are told: the policy names who hears of that, besides the machine's owner.",
		climbState(n, c),
	}
}

// climbState is what became of the key, or will.
func climbState(n Notice, c clock) string {
	switch {
	case !n.RevokedAt.IsZero():
		said := "Its key is revoked since " + c.both(n.RevokedAt) + " and stays so until it complies."
		if ways := otherWays(n); ways != "" {
			said += " " + ways
		}
		return said
	case n.Why != "" && n.DueAt.IsZero():
		return "What follows from it waits for a person" + because(n.Why)
	case n.Why != "":
		return "The revocation of its key waits for a person" + because(n.Why) + " The deadline is " + c.whole(n.DueAt) + "."
	case n.DueAt.IsZero():
		return "No revocation is under way."
	case n.DueAt.After(c.now):
		return "Unless that is put right, access to its encryption key will be revoked at " + c.whole(n.DueAt) + ", and not before."
	default:
		return "The deadline was " + c.whole(n.DueAt) + ". It is not confirmed yet that access to its encryption key was revoked."
	}
}

func climbTail(n Notice, c clock) string {
	switch {
	case !n.RevokedAt.IsZero():
		return ", its key is revoked" + notEffective(n)
	case n.Why == "" && n.DueAt.After(c.now):
		return ": its key will be revoked at " + c.brief(n.DueAt)
	default:
		return ""
	}
}

// correctUntaken is what to do where no key is taken, now or later.
func correctUntaken(n Notice, c clock) section {
	if !n.RevokedAt.IsZero() || !n.DueAt.IsZero() {
		return section{}
	}
	return correctIt(n, c)
}

// lossAhead is what can be lost by a revocation that is to come.
func lossAhead(n Notice, c clock) section {
	if n.DueAt.IsZero() {
		return section{}
	}
	return canBeLost(n, c)
}
