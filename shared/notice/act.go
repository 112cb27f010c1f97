package notice

import (
	"fmt"
	"regexp"
)

// What is said of deadlines that are near, of what people did, and of what became of it.
var actWordings = map[Kind]wording{
	DueSoon: {
		subject:  func(n Notice, c clock) string { return who(n) + ": its key will be revoked " + c.away(n.DueAt) },
		heading:  func(n Notice) string { return "The key of machine " + who(n) + " will be revoked soon" },
		lead:     leadDueSoon,
		findings: true,
		sections: []func(Notice, clock) section{stopIt, allowed, canBeLost, cannotTakeBack},
	},
	Effective: {
		subject:  func(n Notice, _ clock) string { return "The revocation on " + who(n) + " is effective" },
		heading:  func(n Notice) string { return "The revocation on machine " + who(n) + " is effective" },
		lead:     leadEffective,
		sections: []func(Notice, clock) section{getItBack, withoutKeyward},
	},
	Waived: {
		subject:  func(n Notice, c clock) string { return whatOf(n) + ": a waiver until " + c.brief(n.DueAt) },
		heading:  func(n Notice) string { return "A person lets stand what " + lower(whatOf(n)) + " fails by" },
		lead:     leadWaived,
		sections: []func(Notice, clock) section{liftIt},
	},
	WaiverAsked: {
		subject:  func(n Notice, _ clock) string { return "Somebody asks for a waiver for " + who(n) },
		heading:  func(n Notice) string { return "Somebody asks for a waiver for machine " + who(n) },
		lead:     leadWaiverAsked,
		findings: true,
		sections: []func(Notice, clock) section{waiveIt},
	},
	PolicyChanged: {
		subject:  func(n Notice, _ clock) string { return "Policy " + n.Policy + " was " + n.What },
		heading:  func(n Notice) string { return "Policy " + n.Policy + " was " + n.What },
		lead:     leadPolicyChanged,
		sections: []func(Notice, clock) section{compareVersions},
	},
	OrderFailed: {
		subject:  func(n Notice, _ clock) string { return "The key of " + who(n) + " was not taken: " + n.Why },
		heading:  func(n Notice) string { return "The key of machine " + who(n) + " was not taken" },
		lead:     leadOrderFailed,
		sections: []func(Notice, clock) section{orderAgain},
	},
}

func leadDueSoon(n Notice, c clock) []string {
	return []string{
		"Machine " + who(n) + " still " + fault(n) + ". The deadline has not changed: access to its encryption key will be revoked at " + c.whole(n.DueAt) + ", and not before.",
		"At that time the machine is looked at once more. If it complies then, nothing is taken. This is the last mail before that.",
	}
}

func leadEffective(n Notice, _ clock) []string {
	return []string{
		"The key of machine " + who(n) + " was revoked before, and whether its data could still be read was not known. " + effective(n),
		"When the machine is started again it asks for its key, and does not get it before it complies.",
	}
}

// whatOf is the machine, or the machines, that a waiver is for.
func whatOf(n Notice) string {
	switch {
	case n.Machine != "":
		return "Machine " + who(n)
	case n.Policy != "":
		return "Machines under policy " + n.Policy
	default:
		return "All machines"
	}
}

// lower is a text that begins as in the middle of a sentence.
func lower(s string) string { return string(s[0]|0x20) + s[1:] }

func leadWaived(n Notice, c clock) []string {
	lead := []string{
		n.By + " lets stand until " + c.whole(n.DueAt) + ": " + n.What + ".",
		"The reason given: " + n.Why,
		"That alone is allowed, and for no longer: another port, program or version is found as before. When the waiver ends and it is still there, that is a new violation, with a warning and the full grace of the policy.",
	}
	if n.Machine == "" {
		lead[2] += " Each machine that fails by this is looked at again, and has its key, or gets it back, where it fails by nothing else."
		return lead
	}
	return append(lead, "The machine is looked at again now. Where it fails by nothing else, a revocation that was announced does not take place, and a key that was taken is given back as the policy says.")
}

func leadWaiverAsked(n Notice, _ clock) []string {
	return []string{
		"Somebody asks that what machine " + who(n) + " fails by may stand for a time. It was the " + n.By + ": whoever had that mail, which is a claim and no identity.",
		"Nothing is waived by that, and no deadline moved. Whoever may set waivers decides, and is best asked why first.",
	}
}

func leadPolicyChanged(n Notice, _ clock) []string {
	lead := []string{n.By + " changed what is asked of machines: policy " + n.Policy + " was " + n.What + "."}
	if n.What == "deleted" {
		return append(lead, "Machines under it are judged by the built-in policy from now on: it has no rules, takes no key, and leaves key requests to people.")
	}
	return append(lead, "Machines under it are judged by the new version from their next inspection on. What was announced by the earlier one goes on, as far as the new one revokes for it too. This mail also goes to those whom the version before named.")
}

func leadOrderFailed(n Notice, _ clock) []string {
	return []string{
		n.By + " ordered that the key of machine " + who(n) + " is taken, whatever its verdict, and something came in between" + because(n.Why),
		"Nothing was taken. The order is over: it does not wait for a better moment. The machine has its key and is judged as before.",
	}
}

var waiverID = regexp.MustCompile(`^w-[0-9a-f]{12}$`)

func liftIt(n Notice, _ clock) section {
	items := []item{says("Waivers that stand, with their ids, and how one is ended before its time:"), runs("keyward waiver list")}
	if waiverID.MatchString(n.Waiver) {
		items = append(items, runs("keyward waiver lift "+n.Waiver+` --reason "why it shall not stand"`))
	} else {
		items = append(items, runs(`keyward waiver lift WAIVER-ID --reason "why it shall not stand"`))
	}
	return section{"If this is wrong", items}
}

func waiveIt(n Notice, _ clock) section {
	return section{"To waive it", []item{
		says("Only what was found then is allowed, until the time that you say. Without this command everything goes on as it was announced:"),
		runs("keyward waiver set " + argument(n) + ` --rule "the rule's name" --for 7d --reason "why it may stand"`),
	}}
}

func compareVersions(n Notice, _ clock) section {
	name := "NAME"
	if policyName.MatchString(n.Policy) {
		name = n.Policy
	}
	return section{"If this is wrong", []item{
		says("What was changed, by whom and when, and how an earlier version is put again:"),
		runs("keyward policy versions " + name),
		runs("keyward policy diff " + name + versions(n)),
		says("To keep it from taking any key meanwhile:"),
		runs("keyward hold set policy:" + name + ` --reason "the policy is looked into"`),
	}}
}

func orderAgain(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("See what stands in the way, then order it again. Or stop the machine, where its data must not be read now:"),
		runs("keyward machine show " + argument(n)),
		runs("keyward request revoke " + argument(n) + ` --reason "why it is taken"`),
	}}
}

// versions are the arguments that compare a policy with what it was before.
func versions(n Notice) string {
	if n.Version < 2 {
		return " FROM TO"
	}
	return fmt.Sprintf(" %d %d", n.Version-1, n.Version)
}
