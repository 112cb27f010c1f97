package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// systems are the ID values of os-release that policies may name, and windows, which has none: a misspelt one
// would fail every machine. Source: the distributions' own /etc/os-release.
var systems = []string{
	"almalinux", "alpine", "amzn", "arch", "azurelinux", "bottlerocket", "centos", "cloudlinux", "cos", "debian",
	"devuan", "fedora", "flatcar", "gentoo", "kali", "linuxmint", "manjaro", "mariner", "nixos", "ol", "openeuler",
	"opensuse-leap", "opensuse-tumbleweed", "photon", "raspbian", "rhel", "rocky", "scientific", "sled", "sles",
	"ubuntu", "void", "windows", "wolfi",
}

// architectures are what rules may ask for, as uname -m has them.
var architectures = []string{"x86_64", "aarch64", "i386", "i586", "i686", "armv6l", "armv7l"}

// osCondition asks for an operating system, its version and its kernel's.
type osCondition struct {
	is, arch        []string
	version, kernel *constraint
}

func (c *osCondition) expected() string {
	var words []string
	if len(c.is) > 0 {
		words = append(words, strings.Join(c.is, " or "))
	}
	if len(c.arch) > 0 {
		words = append(words, strings.Join(c.arch, " or "))
	}
	if c.version != nil {
		words = append(words, "version "+c.version.text)
	}
	if c.kernel != nil {
		words = append(words, "kernel "+c.kernel.text)
	}
	return strings.Join(words, ", ")
}

func (c *osCondition) needs() Needs { return collect("os") }

func (c *osCondition) judge(ev *evidence.Evidence, _ time.Time) outcome {
	outcomes := make([]outcome, 0, 4)
	if len(c.is) > 0 {
		outcomes = append(outcomes, check("operating system", ev.OS.ID, func(id string) outcome {
			if slices.Contains(c.is, id) {
				return passed(id)
			}
			return failed(quoteUnlessPlain(id), "", "system "+id)
		}))
	}
	if len(c.arch) > 0 {
		outcomes = append(outcomes, equal("architecture", ev.OS.Arch, c.arch))
	}
	if c.version != nil {
		outcomes = append(outcomes, judgeVersion("version", "system", ev.OS.VersionID, *c.version))
	}
	if c.kernel != nil {
		outcomes = append(outcomes, judgeVersion("kernel", "system", ev.OS.Kernel, *c.kernel))
	}
	o := joinAll(outcomes)
	if o.verdict == Fail {
		o.offender = ev.OS.Pretty.Or("")
	}
	return o
}

// quoteUnlessPlain keeps an empty text visible in a finding.
func quoteUnlessPlain(s string) string {
	if s == "" {
		return `""`
	}
	return s
}
