package notice_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
)

// The commands that people copy hold nothing but ARNs of the form that AWS gives them.
func TestUndoing(t *testing.T) {
	t.Parallel()
	disabled := func(n *notice.Notice) { n.Mode = policy.DisableKey }
	for name, c := range map[string]struct {
		edit func(*notice.Notice)
		want string
	}{
		"a grant": {func(*notice.Notice) {}, "aws kms create-grant --region eu-central-1 --key-id arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab " +
			"--grantee-principal arn:aws:sts::123456789012:assumed-role/db/i-1234567890abcdef0 --operations Decrypt GenerateDataKey " +
			`--constraints '{"EncryptionContextSubset": {"keyward:machine": "i-1234567890abcdef0"}}'`},
		"a disabled key": {disabled, "aws kms enable-key --region eu-central-1 --key-id arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\n"},
		"a multi-Region key": {func(n *notice.Notice) {
			disabled(n)
			n.Key = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd"
		}, "aws kms enable-key --region us-gov-west-1 --key-id arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd\n"},
		"a key that is none": {func(n *notice.Notice) { disabled(n); n.Key = "arn:aws:kms:eu-central-1:123456789012:key/x; rm -rf /" }, ""},
		"no key":             {func(n *notice.Notice) { n.Key = "" }, ""},
		"a session that is not": {func(n *notice.Notice) {
			n.Session = "arn:aws:sts::123456789012:assumed-role/db/i-1 --retiring-principal x"
		}, ""},
		"a person's session": {func(n *notice.Notice) { n.Session = "arn:aws:sts::123456789012:assumed-role/admin/dana" }, ""},
		"nothing was taken":  {func(n *notice.Notice) { n.NothingTaken = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mail, err := notice.Render(base(notice.Revoked, revoked, c.edit), now)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if strings.Contains(mail.Text, "aws kms") || strings.Contains(mail.HTML, "aws kms") {
					t.Errorf("the mail has a command:\n%s", mail.Text)
				}
				return
			}
			if !strings.Contains(mail.Text, c.want) {
				t.Errorf("the mail lacks %s:\n%s", c.want, mail.Text)
			}
		})
	}
}
