package policy_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// holds judges a version by a constraint, through a rule about the kernel.
func holds(t *testing.T, found, constraint string) policy.Verdict {
	t.Helper()
	p := parse(t, "policy: x\nrules: [{rule: r, os: {kernel: \""+constraint+"\"}}]")
	ev := host(func(ev *evidence.Evidence) { ev.OS.Kernel = evidence.Known(found) })
	return policy.Evaluate(p, ev, noon).Verdict
}

func TestVersions(t *testing.T) {
	t.Parallel()
	yes := func(found, constraint string) {
		t.Helper()
		if got := holds(t, found, constraint); got != policy.Pass {
			t.Errorf("%q against %q = %v, want Pass", found, constraint, got)
		}
	}
	no := func(found, constraint string) {
		t.Helper()
		if got := holds(t, found, constraint); got != policy.Fail {
			t.Errorf("%q against %q = %v, want Fail", found, constraint, got)
		}
	}

	// Numbers, not texts; missing ones are zero, leading zeros do not count.
	yes("3.10", ">= 3.9")
	yes("3.7", "= 3.7.0")
	yes("3.07.0", "= 3.7")
	yes("99999999999999999999.1", "> 99999999999999999999.0")
	no("3.7", "> 3.7.0")
	no("2023", "< 12")

	// Each operator on each side.
	yes("3.7.0", "<= 3.7")
	yes("3.6.9", "<= 3.7")
	no("3.7.1", "<= 3.7")
	yes("3.6", "< 3.7")
	no("3.7", "< 3.7")
	yes("3.8", "> 3.7")
	yes("3.8", "!= 3.7")
	no("3.7", "!= 3.7")
	no("3.8", "= 3.7")
	no("3.6", ">= 3.7")

	// Several have to hold together.
	yes("3.9", ">= 3.7, < 4")
	no("4.0", ">= 3.7, < 4")
	no("3.6", ">=3.7,<4")

	// A v, an epoch, and text after the numbers do not count.
	yes("v3.7.0", "= 3.7.0")
	yes("3.7.0", "= v3.7.0")
	yes("1:3.7.0", "= 3.7.0")
	yes(" 3.7.0 ", "= 3.7.0")
	yes("3.7.0.el9", "= 3.7.0")
	yes("1.0.2k", "= 1.0.2")
	yes("1.4.3+dfsg-1", "= 1.4.3")

	// What comes before a release is smaller than it.
	no("3.7.0-rc1", ">= 3.7.0")
	yes("3.7.0-rc1", ">= 3.6.9")
	yes("3.7.0-rc2", "> 3.7.0-rc1")
	yes("3.7.0-rc10", "> 3.7.0~rc9")
	yes("3.7.0rc1", "> 3.7.0-beta.2")
	yes("3.7.0-beta2", "> 3.7.0_alpha3")
	yes("3.7.0-alpha", "> 3.7.0-dev")
	yes("3.7.0-pre1", "= 3.7.0-preview1")
	no("3.7.0", "<= 3.7.0-RC9")

	// A revision counts only where the policy names one.
	yes("3.7.0-10738.el7.art", "= 3.7.0")
	yes("3.7.0-10738.el7.art", "<= 3.7.0")
	yes("6.1.0-28-cloud-amd64", ">= 6.1.0-20")
	no("6.1.0-18-cloud-amd64", ">= 6.1.0-20")
	no("6.1.0", ">= 6.1.0-20")
	yes("6.1.1", ">= 6.1.0-20")
	yes("6.1.102-111.182.amzn2023.x86_64", "> 6.1.102-111.99")
	yes("5.15.167.4-microsoft-standard-WSL2", ">= 5.15.167.4")
	no("3.7.0-rc1-5", ">= 3.7.0-1")
	yes("1.4.3+dfsg-2", ">= 1.4.3-2")

	for _, found := range []string{"", "sid", "v", "-1", ".5", "1.2.3.4.5.6.7.8.9"} {
		if got := holds(t, found, ">= 1"); got != policy.Unknown {
			t.Errorf("%q against >= 1 = %v, want Unknown", found, got)
		}
	}
}
