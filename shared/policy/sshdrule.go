package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// sshdNames are the settings that a rule may name, as OpenSSH's manual writes them but for the first
// letter, which is small as all keys are.
var sshdNames = []string{
	"permitRootLogin", "passwordAuthentication", "permitEmptyPasswords", "pubkeyAuthentication", "kbdInteractiveAuthentication",
	"hostbasedAuthentication", "ignoreRhosts", "strictModes", "permitUserEnvironment", "x11Forwarding", "allowTcpForwarding",
	"allowAgentForwarding", "gatewayPorts", "permitTunnel", "usePAM", "maxAuthTries", "maxSessions", "clientAliveInterval",
	"clientAliveCountMax", "loginGraceTime", "logLevel",
}

// sshdWords are the values of settings; those that are not here take numbers.
var sshdWords = map[string][]string{
	"permitRootLogin":    {"no", "prohibit-password", "forced-commands-only", "yes"},
	"ignoreRhosts":       {"yes", "no", "shosts-only"},
	"allowTcpForwarding": {"no", "yes", "local", "remote", "all"},
	"gatewayPorts":       {"no", "yes", "clientspecified"},
	"permitTunnel":       {"no", "yes", "point-to-point", "ethernet"},
	"logLevel":           {"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3"},
}

var sshdNumbers = []string{"maxAuthTries", "maxSessions", "clientAliveInterval", "clientAliveCountMax", "loginGraceTime"}

// sshd asks for settings of the SSH server, as its files make them. A machine without a server has nothing
// that could be set wrong.
func (r *reader) sshd(n *node, path string) condition {
	c, before := &facts{need: collect("sshd")}, len(r.errs)
	keys := make([]key, 0, len(sshdNames))
	for _, name := range sshdNames {
		keys = append(keys, key{name, func(n *node, path string) { r.sshdSetting(c, n, path, name) }})
	}
	r.object(n, path, keys)
	return r.asked(n, path, c, before, "a setting such as permitRootLogin")
}

func (r *reader) sshdSetting(c *facts, n *node, path, name string) {
	if slices.Contains(sshdNumbers, name) {
		l := r.limit(n, path)
		c.add(name+" "+l.String(), sshdCheck(name, func(s string) (bool, bool) {
			n, ok := seconds(s)
			return ok && l.allows(n), ok
		}))
		return
	}
	words := sshdWords[name]
	if words == nil {
		words = []string{"no", "yes"}
	}
	want := r.some(n, path, "values", len(words), func(n *node, path string) string { return r.word(n, path, words...) })
	c.add(name+" "+strings.Join(want, " or "), sshdCheck(name, func(s string) (bool, bool) {
		ok := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, s) })
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, s) }), ok
	}))
}

// seconds reads a number, or a time as OpenSSH writes it: 2m, 1h30m.
func seconds(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n, true
	}
	d, ok := parseDuration(strings.ToLower(s))
	return int(d / time.Second), ok
}

// sshdCheck judges a setting, under whatever conditions it stands: allowed says whether a value is, and
// whether it is one that is understood.
func sshdCheck(name string, allowed func(string) (allowed, understood bool)) func(*evidence.Evidence, time.Time) outcome {
	return func(ev *evidence.Evidence, _ time.Time) outcome {
		return group("sshd", ev.SSHD, func(s *evidence.SSHD) outcome {
			return check("sshd", s.Installed, func(installed bool) outcome {
				if !installed {
					return passed("no SSH server")
				}
				return check(name, s.Effective(strings.ToLower(name)), func(all []evidence.SSHDSetting) outcome {
					var outcomes []outcome
					for _, one := range all {
						outcomes = append(outcomes, judgeSetting(name, one, allowed))
					}
					return joinAll(outcomes)
				})
			})
		})
	}
}

func judgeSetting(name string, one evidence.SSHDSetting, allowed func(string) (bool, bool)) outcome {
	actual := name + " " + one.Value
	if one.Match != "" {
		actual += " for " + one.Match
	}
	switch good, understood := allowed(one.Value); {
	case good:
		return passed(actual)
	case !understood:
		return missing(actual, "not_understood")
	default:
		return failed(actual, "", actual)
	}
}
