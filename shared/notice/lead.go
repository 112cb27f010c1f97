package notice

import "strings"

// The first paragraphs of each kind: what happened, and what it means for the key.

func leadWarning(n Notice, c clock) []string {
	lead := []string{
		"Machine " + who(n) + " does not comply with " + byPolicy(n) + ". Unless this is corrected, access to its encryption key will be revoked at " + c.whole(n.DueAt) + ", and not before.",
	}
	if n.Silence {
		lead[0] = "Machine " + who(n) + " runs, and gave no answer that " + byPolicy(n) + " can be judged by for as long as the policy allows" + because(n.Why) +
			" The policy revokes the key for that. Unless the machine can be checked again and complies, access to its encryption key will be revoked at " + c.whole(n.DueAt) + ", and not before."
	}
	if n.Relapse {
		lead = append(lead, "It complied for a while and stopped again within seven days. So the earlier deadline counts on, with at least 30 minutes from this warning.")
	}
	if len(n.Missed) > 0 {
		lead = append(lead, "An earlier warning of this did not reach "+strings.Join(n.Missed, ", ")+". So it is sent to you, and the time to correct it counts from this mail.")
	}
	return append(lead, "At that time the machine is looked at once more. If it complies then, nothing is taken.")
}

func leadReminder(n Notice, c clock) []string {
	lead := "Machine " + who(n) + " still does not comply with " + byPolicy(n) + "."
	if n.Silence {
		lead = "Machine " + who(n) + " still gives no answer that " + byPolicy(n) + " can be judged by."
	}
	switch {
	case !n.RevokedAt.IsZero():
		said := []string{lead + " Its key is revoked since " + c.both(n.RevokedAt) + " and stays so until it complies."}
		if ways := otherWays(n); ways != "" {
			said = append(said, ways)
		}
		return said
	case !n.DueAt.IsZero():
		return []string{lead + " The deadline has not changed: access to its encryption key will be revoked at " + c.whole(n.DueAt) + ", and not before."}
	default:
		return []string{lead + " No revocation is under way."}
	}
}

func leadStoodDown(n Notice, _ clock) []string {
	lead := []string{"Machine " + who(n) + " complies with " + byPolicy(n) + " again" + tail(n) + ". The revocation that was announced does not take place, and nothing was taken."}
	if n.DueAt.IsZero() && len(n.Waived) == 0 {
		lead[0] = "Machine " + who(n) + " complies with " + byPolicy(n) + " again. Nothing was taken."
		return lead
	}
	return append(lead, leadLapse(n))
}

func leadRevoked(n Notice, c clock) []string {
	ordered := n.OrderedBy + " ordered that machine " + who(n) + " loses its access to its encryption key, whatever its verdict" + because(n.Why)
	if n.NothingTaken && n.OrderedBy != "" {
		return []string{
			ordered, "When Keyward came to revoke it there was nothing left to take: AWS KMS says that the machine had none. Nothing was changed.",
		}
	}
	if n.NothingTaken {
		return []string{
			"Machine " + who(n) + " " + fault(n) + " and its deadline has passed. When Keyward came to revoke its access there was nothing left to take: AWS KMS says that the machine had none. Nothing was changed, so nothing will be given back by itself.",
		}
	}
	lead := []string{
		"Machine " + who(n) + " did not comply with " + byPolicy(n) + " when its deadline had passed, and its access to its encryption key was revoked.",
		"What is known: AWS KMS was asked, and read back twice at least 10 seconds apart it says that the access is gone. Within 5 minutes of that the change holds everywhere. " + effective(n),
	}
	if ways := otherWays(n); ways != "" {
		lead = append(lead, ways)
	}
	if len(n.Unwarned) > 0 {
		lead = append(lead, "AWS's mail service took the warning in time, and said only after the revocation was ordered that it did not reach "+strings.Join(n.Unwarned, ", ")+". What was revoked stays so: see below how to get it back.")
	}
	if n.OrderedBy != "" {
		lead[0] = ordered + " It was revoked."
	} else if n.Silence {
		lead[0] = "Machine " + who(n) + " gave no usable answer until its deadline had passed, and as its policy says, its access to its encryption key was revoked."
	}
	return lead
}

// effective is whether the data can still be read, and who says so.
func effective(n Notice) string {
	switch {
	case n.EffectiveAt.IsZero():
		return "Whether data can still be read on the machine was not tested."
	case n.ByMachine:
		return "It is effective, says the machine: before its key went, its encrypted data was unmounted and closed, and that was read back. Who is root there could lie about it."
	default:
		return "It is effective, says AWS: EC2 shows the machine as stopped."
	}
}

func saidBy(n Notice) string {
	if n.ByMachine {
		return "says the machine"
	}
	return "says AWS"
}

func leadRestored(n Notice, _ clock) []string {
	return []string{
		"Machine " + who(n) + " has access to its encryption key again: exactly what was revoked was given back.",
		"What was stopped or unmounted on the machine is not started or mounted again by this.",
		leadLapse(n),
	}
}

func leadHeld(n Notice, _ clock) []string {
	lead := []string{"Keyward stopped before the next step on machine " + who(n) + because(n.Why)}
	if len(n.Unwarned) > 0 {
		lead = append(lead, "These did not get it: "+strings.Join(n.Unwarned, ", ")+". Name an owner, or addresses in the policy's notify.to, that take mail.")
	}
	return append(lead, "While it waits, Keyward takes nothing from this machine and gives nothing back.")
}

func leadCannotCheck(n Notice, c clock) []string {
	lead := []string{
		"Machine " + who(n) + " gave no answer that " + byPolicy(n) + " can be judged by" + because(n.Why),
		"That is neither a pass nor a failure, and nothing is taken for it now.",
	}
	if !n.DueAt.IsZero() {
		lead = append(lead, "If it stays so, the policy revokes access to the encryption key at "+c.whole(n.DueAt)+"; a warning of its own comes first.")
	}
	return lead
}

func leadWithdrawn(n Notice, _ clock) []string {
	if !n.RevokedAt.IsZero() {
		return []string{
			"Machine " + who(n) + " was terminated or deregistered while its key was being revoked. The key had been disabled by then, which was read back twice, and it stays disabled.",
			"The data under it is unchanged and cannot be read by anybody until the key is enabled: keyward machine restore " + argument(n) + " does that.",
		}
	}
	return []string{
		"Machine " + who(n) + " was terminated or deregistered, which was read twice. Its access to its encryption key was withdrawn. This is no revocation: nobody is left to use it.",
		"The key itself, and all data under it, are unchanged.",
	}
}

func leadUnconfirmed(n Notice, _ clock) []string {
	return []string{
		"The deadline of machine " + who(n) + " has passed and AWS KMS was asked to revoke its access, but reading back did not show whether it did" + because(n.Why),
		"Treat the key as possibly revoked and possibly not. Keyward tries again; until it could read back, it does not call the key revoked.",
	}
}

func leadOutage(n Notice, _ clock) []string {
	return []string{
		"Keyward could not look at machines as it should" + because(n.Why),
		"Deadlines that run are moved later by the time for which this lasts, and no machine's key is revoked for it. No deadline is moved earlier.",
		"A machine that gives no answer is not told of by a mail of its own meanwhile. Those that still give none when this is over are then.",
		"A machine whose deadline stood still for more than 24 hours waits for a person, and is told by a mail of its own.",
	}
}

func leadNotifyBad(n Notice, _ clock) []string {
	return []string{
		"Machine " + who(n) + " does not comply with " + byPolicy(n) + ".",
		"The policy only tells: nothing is taken from the machine for this.",
	}
}
