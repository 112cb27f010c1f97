package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

// kinds are the keys of conditions; KINDS in a message stands for them.
const kinds = "product, ports, os, firewall, encryption, mounts, reboot, accounts, sshd, files, packages, kernel, modules, time, " +
	"selinux, apparmor, cron, suid, tamper, patches, instance, exposed, volumes, agent"

// refusal is a text that Parse must refuse with exactly these messages.
type refusal struct {
	name, text string
	want       []string
}

func refuse(t *testing.T, table []refusal) {
	t.Helper()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse([]byte(c.text))
			var all policy.Errors
			if p != nil || !errors.As(err, &all) {
				t.Fatalf("Parse(%q) = %v, %v, want Errors", c.text, p, err)
			}
			if diff := cmp.Diff(c.want, strings.Split(strings.ReplaceAll(err.Error(), kinds, "KINDS"), "\n")); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", c.text, diff)
			}
		})
	}
}
