package notice

// What is said of a machine's requests for its key.
var requestWordings = map[Kind]wording{
	RequestPending: {
		subject:  func(n Notice, _ clock) string { return who(n) + " asks for its key and waits for a person" },
		heading:  func(n Notice) string { return "Machine " + who(n) + " asks for its key" },
		lead:     leadRequestPending,
		findings: true,
		sections: []func(Notice, clock) section{decideRequest, allowed},
	},
	RequestApproved: {
		subject:  func(n Notice, _ clock) string { return "The key request of " + who(n) + " was approved" },
		heading:  func(n Notice) string { return "The key request of machine " + who(n) + " was approved" },
		lead:     leadRequestApproved,
		sections: []func(Notice, clock) section{stopRequest, allowed},
	},
	RequestUnopposed: {
		subject: func(n Notice, _ clock) string {
			return "The key request of " + who(n) + " was approved: nobody objected"
		},
		heading:  func(n Notice) string { return "The key request of machine " + who(n) + " was approved" },
		lead:     leadRequestUnopposed,
		sections: []func(Notice, clock) section{stopRequest, allowed},
	},
	RequestDenied: {
		subject:  func(n Notice, _ clock) string { return "The key request of " + who(n) + " was denied" },
		heading:  func(n Notice) string { return "The key request of machine " + who(n) + " was denied" },
		lead:     leadRequestDenied,
		findings: true,
		sections: []func(Notice, clock) section{mendRequest},
	},
	RequestExpired: {
		subject:  func(n Notice, _ clock) string { return "The key request of " + who(n) + " has expired" },
		heading:  func(n Notice) string { return "The key request of machine " + who(n) + " has expired" },
		lead:     leadRequestExpired,
		sections: []func(Notice, clock) section{revive},
	},
	RequestFailed: {
		subject: func(n Notice, _ clock) string {
			return "The key request of " + who(n) + " was approved, and it got no key"
		},
		heading:  func(n Notice) string { return "Machine " + who(n) + " got no key" },
		lead:     leadRequestFailed,
		sections: []func(Notice, clock) section{mendKey},
	},
}

func leadRequestPending(n Notice, c clock) []string {
	lead := []string{
		"Machine " + who(n) + " asks for its encryption key, and " + byPolicy(n) + " leaves the answer to a person" + because(n.Why),
		"Until somebody decides, the machine has no key: what is encrypted on it cannot be read or written.",
	}
	if !n.DueAt.IsZero() {
		lead = append(lead, "If nobody decides, the request expires at "+c.whole(n.DueAt)+". The machine may ask again then.")
	}
	return lead
}

func leadRequestApproved(n Notice, c clock) []string {
	if n.By == "" {
		return []string{"Machine " + who(n) + " asked for its encryption key, and got it by " + byPolicy(n) + because(n.Why)}
	}
	lead := []string{
		"A person approved that machine " + who(n) + " gets its encryption key" + because(n.Why),
		"The machine gets it when it asks the next time. When it fails its policy, it is warned and loses the key after the grace, as every other.",
	}
	if !n.DueAt.IsZero() {
		lead = append(lead, "If the machine does not come for it, the approval expires at "+c.whole(n.DueAt)+".")
	}
	return lead
}

func leadRequestUnopposed(n Notice, _ clock) []string {
	return []string{
		"Machine " + who(n) + " asked for its encryption key, and nobody decided otherwise in the time that " + byPolicy(n) + " gives. So it got the key" + because(n.Why),
	}
}

func leadRequestDenied(n Notice, _ clock) []string {
	if n.By != "" {
		return []string{
			"A person denied machine " + who(n) + " its encryption key" + because(n.Why),
			"That stands until a person approves the request, or the machine starts anew.",
		}
	}
	return []string{
		"Machine " + who(n) + " asked for its encryption key, and does not get it" + because(n.Why),
		"What is encrypted on it cannot be read or written. Nothing was taken that it had, and it may ask again.",
	}
}

func leadRequestExpired(n Notice, _ clock) []string {
	return []string{
		"The request of machine " + who(n) + " for its encryption key is over" + because(n.Why),
		"The machine has no key by it. When it asks again, it is answered by what is known then.",
	}
}

func leadRequestFailed(n Notice, _ clock) []string {
	return []string{
		"Machine " + who(n) + " may have its encryption key, and AWS KMS did not give it" + because(n.Why),
		"What is encrypted on it cannot be read or written until the key works. The machine gets it when it asks after that.",
	}
}

func decideRequest(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("See what is known of the machine, then approve or deny it. Both need a reason, and your name is kept with it:"),
		runs("keyward request show " + argument(n)),
		runs("keyward request approve " + argument(n) + ` --reason "why it may have its key"`),
		runs("keyward request deny " + argument(n) + ` --reason "why it may not"`),
	}}
}

func stopRequest(n Notice, _ clock) section {
	return section{"If this is wrong", []item{
		says("A machine that did not get its key yet is denied by the first command. The second has the key taken from one that has it, whatever its verdict; data that is being written then can be lost:"),
		runs("keyward request deny " + argument(n) + ` --reason "why it may not have it"`),
		runs("keyward request revoke " + argument(n) + ` --reason "why it is taken"`),
	}}
}

func mendRequest(n Notice, _ clock) section {
	items := []item{}
	if n.By == "" {
		items = append(items, says("Correct what is listed, then have the machine looked at again. When it complies, its next request is answered by that:"),
			runs("keyward machine check "+argument(n)))
	}
	items = append(items, says("A person may approve it all the same, where the key was not revoked:"),
		runs("keyward request approve "+argument(n)+` --reason "why it may have its key"`))
	return section{"What to do", items}
}

func revive(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("If the machine shall have its key, approve the request. It stands again by that:"),
		runs("keyward request approve " + argument(n) + ` --reason "why it may have its key"`),
	}}
}

func mendKey(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("See in AWS KMS whether the key is there and enabled, and whether Keyward may make grants on it. What Keyward knows of the machine and its key:"),
		runs("keyward machine show " + argument(n)),
	}}
}
