package notice

import "strings"

// wording is what a kind of notice says. Values reach it cleaned.
type wording struct {
	subject  func(Notice, clock) string
	heading  func(Notice) string
	lead     func(Notice, clock) []string
	findings bool
	sections []func(Notice, clock) section
}

var wordings = map[Kind]wording{
	Warning: {
		subject: func(n Notice, c clock) string {
			return who(n) + " " + fault(n) + ": its key will be revoked at " + c.brief(n.DueAt)
		},
		heading:  func(n Notice) string { return "Machine " + who(n) + " " + fault(n) },
		lead:     leadWarning,
		findings: true,
		sections: []func(Notice, clock) section{stopIt, allowed, canBeLost, cannotTakeBack},
	},
	Reminder: {
		subject:  func(n Notice, c clock) string { return who(n) + " still " + fault(n) + reminderTail(n, c) },
		heading:  func(n Notice) string { return "Machine " + who(n) + " still " + fault(n) },
		lead:     leadReminder,
		findings: true,
		sections: []func(Notice, clock) section{stopIt, getItBack, allowed, canBeLost},
	},
	StoodDown: {
		subject:  func(n Notice, _ clock) string { return who(n) + " complies again" + tail(n) + ", nothing was taken" },
		heading:  func(n Notice) string { return "Machine " + who(n) + " complies again" + tail(n) },
		lead:     leadStoodDown,
		sections: []func(Notice, clock) section{allowed},
	},
	Revoked: {
		subject:  func(n Notice, _ clock) string { return "The key of " + who(n) + " was revoked" + notEffective(n) },
		heading:  func(n Notice) string { return "The key of machine " + who(n) + " was revoked" },
		lead:     leadRevoked,
		findings: true,
		sections: []func(Notice, clock) section{getItBack, withoutKeyward, cannotTakeBack},
	},
	Restored: {
		subject:  func(n Notice, _ clock) string { return "The key of " + who(n) + " was given back" },
		heading:  func(n Notice) string { return "The key of machine " + who(n) + " was given back" },
		lead:     leadRestored,
		sections: []func(Notice, clock) section{allowed},
	},
	Held: {
		subject:  func(n Notice, _ clock) string { return who(n) + " waits for a person: " + n.Why },
		heading:  func(n Notice) string { return "Machine " + who(n) + " waits for a person" },
		lead:     leadHeld,
		findings: true,
		sections: []func(Notice, clock) section{goOn},
	},
	CannotCheck: {
		subject:  func(n Notice, _ clock) string { return who(n) + " cannot be checked" },
		heading:  func(n Notice) string { return "Machine " + who(n) + " cannot be checked" },
		lead:     leadCannotCheck,
		findings: true,
		sections: []func(Notice, clock) section{lookInto},
	},
	Withdrawn: {
		subject:  func(n Notice, _ clock) string { return who(n) + " is gone, " + whatIsLeft(n) },
		heading:  func(n Notice) string { return "Machine " + who(n) + " is gone" },
		lead:     leadWithdrawn,
		sections: []func(Notice, clock) section{withoutKeyward},
	},
	Unconfirmed: {
		subject: func(n Notice, _ clock) string {
			return "ALARM: it is not known whether the key of " + who(n) + " was revoked"
		},
		heading:  func(n Notice) string { return "Alarm: a revocation on machine " + who(n) + " is not confirmed" },
		lead:     leadUnconfirmed,
		findings: true,
		sections: []func(Notice, clock) section{readItYourself},
	},
	Outage: {
		subject:  func(n Notice, _ clock) string { return "Machines cannot be looked at, deadlines are moved" },
		heading:  func(n Notice) string { return "Keyward could not look" },
		lead:     leadOutage,
		sections: []func(Notice, clock) section{lookAfterKeyward},
	},
	NotifyBad: {
		subject:  func(n Notice, _ clock) string { return who(n) + " " + fault(n) },
		heading:  func(n Notice) string { return "Machine " + who(n) + " " + fault(n) },
		lead:     leadNotifyBad,
		findings: true,
		sections: []func(Notice, clock) section{correctIt, allowed},
	},
	WaiverEnding: {
		subject:  func(n Notice, c clock) string { return "A waiver of " + who(n) + " ends at " + c.brief(n.DueAt) },
		heading:  func(n Notice) string { return "A waiver of machine " + who(n) + " ends soon" },
		lead:     leadWaiverEnding,
		sections: []func(Notice, clock) section{allowed, beforeItEnds},
	},
	NotEffective: {
		subject:  func(n Notice, _ clock) string { return "ALARM: the key of " + who(n) + " is revoked, not effective" },
		heading:  func(n Notice) string { return "Alarm: the revocation on machine " + who(n) + " is not effective" },
		lead:     leadNotEffective,
		sections: []func(Notice, clock) section{closeWays},
	},
	KeyLost: {
		subject: func(n Notice, _ clock) string { return "The key of " + who(n) + " was taken, not by Keyward" },
		heading: func(n Notice) string { return "The key of machine " + who(n) + " was taken, not by Keyward" },
		lead:    leadKeyLost,
	},
	TagDrift: {
		subject:  func(n Notice, _ clock) string { return "ALARM: the tags of " + who(n) + " were changed" },
		heading:  func(n Notice) string { return "Alarm: the tags of machine " + who(n) + " were changed" },
		lead:     leadTagDrift,
		sections: []func(Notice, clock) section{acceptTags},
	},
	RestoreDropped: {
		subject: func(n Notice, _ clock) string {
			return "The key of " + who(n) + " is not given back: it still does not comply"
		},
		heading:  func(n Notice) string { return "The key of machine " + who(n) + " is not given back" },
		lead:     leadRestoreDropped,
		findings: true,
		sections: []func(Notice, clock) section{askAgain},
	},
	BreakerOpen: {
		subject:  func(Notice, clock) string { return "The breaker is open: revocations wait" },
		heading:  func(Notice) string { return "The breaker is open: revocations wait" },
		lead:     leadBreakerOpen,
		sections: []func(Notice, clock) section{decideBreaker},
	},
	RulesTripped: {
		subject:  func(n Notice, _ clock) string { return "Too many machines fail " + byPolicy(n) + " at once" },
		heading:  func(n Notice) string { return "Too many machines fail " + byPolicy(n) + " at once" },
		lead:     leadRulesTripped,
		sections: []func(Notice, clock) section{decideRules},
	},
}

// who names the machine so that it is recognised in a list of mails.
func who(n Notice) string {
	if n.Name == "" {
		return n.Machine
	}
	return n.Machine + " (" + n.Name + ")"
}

func fault(n Notice) string {
	if n.Silence {
		return "gives no usable answer"
	}
	return "does not comply"
}

func byPolicy(n Notice) string {
	if n.Policy == "" {
		return "its policy"
	}
	return "policy " + n.Policy
}

func because(why string) string {
	if why == "" {
		return "."
	}
	return ": " + strings.TrimSuffix(why, ".") + "."
}

func reminderTail(n Notice, c clock) string {
	switch {
	case !n.RevokedAt.IsZero():
		return ", its key is revoked" + notEffective(n)
	case !n.DueAt.IsZero():
		return ": its key will be revoked at " + c.brief(n.DueAt)
	default:
		return ""
	}
}
