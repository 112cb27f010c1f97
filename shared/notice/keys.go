package notice

import "strings"

// What is said when AWS KMS shows something else than what Keyward did.

func leadNotEffective(n Notice, _ clock) []string {
	return []string{
		"The key of machine " + who(n) + " is revoked, and AWS KMS shows that it may be used all the same" + because(n.Why),
		"What Keyward took and is there again is taken again after another look, if the policy revokes, the machine still fails and nothing holds it. Other ways stay open: Keyward changes no key policy and no grant of others.",
	}
}

func leadKeyLost(n Notice, _ clock) []string {
	return []string{
		"Keyward gave machine " + who(n) + " its key and did not take it, and the machine cannot use it" + because(n.Why),
		"Keyward leaves the key as it is. If nobody wanted this: a key that is disabled is enabled in AWS KMS; a grant that was removed is made again when the machine asks for its key, as at its next start.",
	}
}

func leadTagDrift(n Notice, _ clock) []string {
	return []string{
		"The tags of machine " + who(n) + " say something else than when it was enrolled" + because(n.Why),
		"Nothing follows the tags: key, policy and owner are those of the enrolment. While they differ, no key is taken from this machine.",
	}
}

func leadRestoreDropped(n Notice, _ clock) []string {
	return []string{
		"A person asked to give the key of machine " + who(n) + " back, and it is not given back" + because(n.Why),
	}
}

func acceptTags(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("Find out who changed them. Set the tags back, or, if they are right, enrol the machine again with what it shall have; that accepts them:"),
		runs("keyward machine enrol " + argument(n) + " --role ROLE-ARN --key KEY --policy POLICY"),
	}}
}

func askAgain(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("Correct what is listed above. If the machine shall have its key all the same, stop its revocation first, then ask again:"),
		runs("keyward hold set machine:" + argument(n) + ` --reason "why it has to wait"`),
		runs("keyward machine restore " + argument(n) + ` --reason "why it is given back"`),
	}}
}

func closeWays(n Notice, _ clock) section {
	return section{"What to do", []item{
		says("Close in AWS KMS what is listed above: revoke the grant, or take the statement out of the key policy. If the machine shall have its key, give it back, or stop the revocation:"),
		runs("keyward machine restore " + argument(n) + ` --reason "why it is given back"`),
		runs("keyward hold set machine:" + argument(n) + ` --reason "why it has to wait"`),
	}}
}

// notEffective is added wherever a key is called revoked that may be used all the same.
func notEffective(n Notice) string {
	if len(n.NotEffective) > 0 {
		return ", not effective"
	}
	return ""
}

// otherWays says what makes a revocation not effective, "" when nothing does.
func otherWays(n Notice) string {
	if len(n.NotEffective) == 0 {
		return ""
	}
	return "The revocation is not effective. AWS KMS shows other ways to the key: " + strings.Join(n.NotEffective, "; ") + "."
}

// whatIsLeft is what became of the key of a machine that is gone.
func whatIsLeft(n Notice) string {
	if !n.RevokedAt.IsZero() {
		return "its key is disabled"
	}
	return "its access to the key was withdrawn"
}
