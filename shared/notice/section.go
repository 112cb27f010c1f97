package notice

import (
	"regexp"

	"github.com/keyward/keyward/shared/policy"
)

var machineID = regexp.MustCompile(`^m?i-[0-9a-f]{8,32}$`)

// argument is the machine's id for a command that people copy; anything else than an id is not put there.
func argument(n Notice) string {
	if machineID.MatchString(n.Machine) {
		return n.Machine
	}
	return "MACHINE-ID"
}

func stopIt(n Notice, _ clock) section {
	if n.DueAt.IsZero() || !n.RevokedAt.IsZero() {
		return section{}
	}
	first := "Correct what is listed above, then have the machine looked at again. When it complies, the revocation is called off and you are told:"
	if n.Silence {
		first = "Make the machine answer: its SSM agent has to run and to reach AWS Systems Manager, and the inspection has to have the rights it needs. Then have it looked at again:"
	}
	return section{"How to stop this", []item{
		says(first),
		runs("keyward machine check " + argument(n)),
		says("If you need more time, stop it. Under a hold nothing is revoked, until somebody lifts it:"),
		runs("keyward hold set machine:" + argument(n) + ` --reason "why it has to wait"`),
	}}
}

func canBeLost(n Notice, _ clock) section {
	if !n.RevokedAt.IsZero() {
		return section{}
	}
	return section{"What can be lost", []item{
		says("Revoking a key from a running machine can lose or corrupt data that is being written: applications may hang, report errors or stop, and what they have not written yet may be gone. If the machine cannot be corrected in time, stop its applications and unmount the encrypted data before the deadline."),
	}}
}

func cannotTakeBack(n Notice, _ clock) section {
	what := "Revoking removes the machine's grant, so that it cannot use the key through AWS KMS any more."
	if n.Mode == policy.DisableKey {
		what = "Revoking disables the key, so that nothing and nobody can use it through AWS KMS any more, this machine or another."
	}
	return section{"What a revocation cannot take back", []item{
		says(what),
		says("It does not cut off an encrypted EBS volume that is attached already: the machine reads and writes it until it is detached or the machine stops."),
		says("It does not take back a passphrase or data key that the machine was given before. Whoever is root on the machine may have kept a copy. If the machine may be in wrong hands, isolate it, and move the data to a new key."),
	}}
}

func getItBack(n Notice, c clock) section {
	if n.RevokedAt.IsZero() && n.Kind != Revoked || n.NothingTaken {
		return section{}
	}
	if n.OrderedBy != "" {
		return section{"How to get the key back", []item{
			says("A person took it, and a person has it given back: nothing does that by itself, however well the machine complies."),
			runs("keyward machine restore " + argument(n) + ` --reason "why it may have it back"`),
		}}
	}
	items := []item{
		says("Correct what is listed above, then have the machine looked at again:"),
		runs("keyward machine check " + argument(n)),
	}
	if n.RestoreManual {
		items = append(items, says("Its policy leaves giving the key back to a person. When the machine complies:"),
			runs("keyward machine restore "+argument(n)+` --reason "why it may have it back"`))
		return section{"How to get the key back", items}
	}
	items = append(items, says("When it complies, the key is given back without further asking."))
	if !n.NextLook.IsZero() {
		items = append(items, says("Keyward looks again by itself at "+c.both(n.NextLook)+"."))
	}
	return section{"How to get the key back", items}
}

func goOn(n Notice, _ clock) section {
	return section{"How it goes on", []item{
		says("When the reason is gone, Keyward looks at the machine again and goes on from what it finds then. A reason that needs a decision waits for one. What is known and what stands in the way:"),
		runs("keyward machine show " + argument(n)),
	}}
}

func lookInto(n Notice, c clock) section {
	items := []item{
		says("See whether the machine runs, whether its SSM agent runs and reaches AWS Systems Manager, and whether the inspection has the rights it needs. Then have it looked at again:"),
		runs("keyward machine check " + argument(n)),
	}
	if !n.NextLook.IsZero() {
		items = append(items, says("Keyward looks again by itself at "+c.both(n.NextLook)+"."))
	}
	return section{"What to do", items}
}

func lookAfterKeyward(Notice, clock) section {
	return section{"What to do", []item{
		says("See whether AWS Systems Manager has trouble in the Region, whether network, agents or rights of many machines were changed, and what the logs of Keyward's functions say. Which machines gave the last answer when:"),
		runs("keyward machine list"),
	}}
}

func readItYourself(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("See in AWS KMS whether the key is enabled and which grants it has, and in AWS CloudTrail who changed it last. What Keyward recorded of every step:"),
		runs("keyward machine ledger " + argument(n)),
		says("To keep Keyward from trying again meanwhile:"),
		runs("keyward hold set machine:" + argument(n) + ` --reason "a person is looking into it"`),
	}}
}

func correctIt(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("Correct what is listed above, then have the machine looked at again:"),
		runs("keyward machine check " + argument(n)),
	}}
}
