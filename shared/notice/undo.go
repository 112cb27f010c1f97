package notice

import (
	"regexp"
	"strings"

	"github.com/keyward/keyward/shared/policy"
)

var (
	keyARN     = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]{1,64}$`)
	sessionARN = regexp.MustCompile(`^arn:aws[a-z-]*:sts::[0-9]{12}:assumed-role/[A-Za-z0-9+=,.@_-]{1,64}/m?i-[0-9a-f]{8,32}$`)
)

// undone are the AWS commands that undo a revocation without Keyward, "" when what they need is not known or not of the
// form that AWS gives it: nothing else is put into a command that people copy.
func undone(n Notice) string {
	key := keyARN.FindStringSubmatch(n.Key)
	switch {
	case key == nil:
		return ""
	case n.Mode == policy.DisableKey:
		return "aws kms enable-key --region " + key[1] + " --key-id " + n.Key
	case !sessionARN.MatchString(n.Session):
		return ""
	}
	id := n.Session[strings.LastIndexByte(n.Session, '/')+1:]
	return "aws kms create-grant --region " + key[1] + " --key-id " + n.Key + " --grantee-principal " + n.Session +
		` --operations Decrypt GenerateDataKey --constraints '{"EncryptionContextSubset": {"keyward:machine": "` + id + `"}}'`
}

// withoutKeyward says how people undo a revocation when Keyward cannot.
func withoutKeyward(n Notice, _ clock) section {
	command := undone(n)
	if command == "" || n.NothingTaken || n.Kind == Withdrawn && n.RevokedAt.IsZero() {
		return section{}
	}
	items := []item{says("Whoever administers the key gives it back by this command:"), runs(command)}
	switch {
	case n.Kind == Withdrawn:
	case n.Mode == policy.DisableKey:
		items = append(items,
			says("Once Keyward works again it raises an alarm about it, and disables the key again after another look, if the machine still fails and nothing holds it. As soon as it answers, set a hold if the machine shall keep its key:"),
			runs("keyward hold set machine:"+argument(n)+` --reason "given back by hand"`))
	default:
		items = append(items, says("Once Keyward works again it raises an alarm about it, and leaves this grant as it is: revoke it when the machine has its key from Keyward again. The command prints its id."))
	}
	return section{"If Keyward itself does not work", items}
}
