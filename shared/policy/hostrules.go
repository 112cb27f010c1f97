package policy

import (
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// firewall asks what the host's packet filter does with what no rule of its lets in.
func (r *reader) firewall(n *node, path string) condition {
	c, before := &facts{need: collect("firewall")}, len(r.errs)
	incoming, six := "", true
	var engines []string
	r.object(n, path, []key{
		{"incoming", func(n *node, path string) { incoming = r.word(n, path, "drop", "allow") }},
		{"ipv6", func(n *node, path string) { six = r.word(n, path, "count", "ignore") != "ignore" }},
		{"engine", func(n *node, path string) {
			engines = r.some(n, path, "engines", 4, func(n *node, path string) string { return r.word(n, path, "nft", "iptables", "firewalld", "ufw") })
		}},
	})
	if incoming != "" {
		words := "what comes in " + map[string]string{"drop": "dropped", "allow": "allowed"}[incoming] + " by default"
		if !six {
			words += " (IPv6 aside)"
		}
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
			outcomes := []outcome{equal("IPv4 default", ev.Firewall.DefaultIn, []string{incoming})}
			if six {
				outcomes = append(outcomes, equal("IPv6 default", ev.Firewall.DefaultIn6, []string{incoming}))
			}
			return joinAll(outcomes)
		})
	}
	if len(engines) > 0 {
		c.add("filter "+strings.Join(engines, " or "), func(ev *evidence.Evidence, _ time.Time) outcome {
			return equal("filter", ev.Firewall.Engine, engines)
		})
	}
	return r.asked(n, path, c, before, "incoming", "engine")
}

// selinux asks for SELinux's mode, now and after a boot.
func (r *reader) selinux(n *node, path string) condition {
	c, before := &facts{need: collect("mac")}, len(r.errs)
	modes := func(place *[]string) func(n *node, path string) {
		return func(n *node, path string) {
			*place = r.some(n, path, "modes", 3, func(n *node, path string) string { return r.word(n, path, "enforcing", "permissive", "disabled") })
		}
	}
	var mode, configured []string
	r.object(n, path, []key{{"mode", modes(&mode)}, {"configured", modes(&configured)}})
	if len(mode) > 0 {
		c.add("SELinux "+strings.Join(mode, " or "), func(ev *evidence.Evidence, _ time.Time) outcome {
			return group("SELinux", ev.MAC, func(m *evidence.MAC) outcome { return equal("SELinux", m.SELinux, mode) })
		})
	}
	if len(configured) > 0 {
		c.add("SELinux configured "+strings.Join(configured, " or "), func(ev *evidence.Evidence, _ time.Time) outcome {
			return group("SELinux", ev.MAC, func(m *evidence.MAC) outcome { return equal("SELinux configured", m.SELinuxConfigured, configured) })
		})
	}
	return r.asked(n, path, c, before, "mode", "configured")
}

// apparmor asks whether AppArmor is on, and how many profiles it enforces.
func (r *reader) apparmor(n *node, path string) condition {
	c, before := &facts{need: collect("mac")}, len(r.errs)
	profiles := func(what string, fact func(*evidence.MAC) evidence.Fact[int]) func(n *node, path string) {
		return func(n *node, path string) {
			l := r.limit(n, path)
			c.add(what+" "+l.String(), func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("AppArmor", ev.MAC, func(m *evidence.MAC) outcome { return counted(what, fact(m), l) })
			})
		}
	}
	r.object(n, path, []key{
		{"enabled", func(n *node, path string) {
			want := r.flag(n, path)
			c.add(map[bool]string{true: "AppArmor on", false: "AppArmor off"}[want], func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("AppArmor", ev.MAC, func(m *evidence.MAC) outcome { return is("AppArmor", m.AppArmor, want, "AppArmor on", "AppArmor off") })
			})
		}},
		{"enforced", profiles("profiles enforced", func(m *evidence.MAC) evidence.Fact[int] { return m.AppArmorEnforced })},
		{"complaining", profiles("profiles complaining", func(m *evidence.MAC) evidence.Fact[int] { return m.AppArmorComplained })},
	})
	return r.asked(n, path, c, before, "enabled", "enforced", "complaining")
}

// accounts asks who is root, and who gets in without a password.
func (r *reader) accounts(n *node, path string) condition {
	c, before := &facts{need: collect("accounts")}, len(r.errs)
	names := func(what, expected string, fact func(*evidence.Accounts) evidence.Fact[[]string]) func(n *node, path string) {
		return func(n *node, path string) {
			var allowed []string
			if !r.either(n, "none") {
				allowed = r.some(n, path, "accounts", 16, r.account)
			}
			words := expected + " " + strings.Join(allowed, ", ")
			if len(allowed) == 0 {
				words = "no " + what
			}
			c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("accounts", ev.Accounts, func(a *evidence.Accounts) outcome {
					return check(what, fact(a), func(found []string) outcome { return only(what, found, allowed) })
				})
			})
		}
	}
	r.object(n, path, []key{
		{"uid0", names("account with uid 0", "uid 0 only for", func(a *evidence.Accounts) evidence.Fact[[]string] { return a.UID0 })},
		{"emptyPasswords", names("account without a password", "no password only for", func(a *evidence.Accounts) evidence.Fact[[]string] { return a.Empty })},
		{"remote", func(n *node, path string) {
			want := r.flag(n, path)
			c.add(map[bool]string{true: "accounts from elsewhere", false: "no accounts from elsewhere"}[want], func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("accounts", ev.Accounts, func(a *evidence.Accounts) outcome {
					return is("accounts from elsewhere", a.Remote, want, "/etc/passwd takes in accounts from elsewhere", "no accounts from elsewhere")
				})
			})
		}},
	})
	return r.asked(n, path, c, before, "uid0", "emptyPasswords", "remote")
}

// account reads the name of an account.
func (r *reader) account(n *node, path string) string {
	if r.noted(n, text, shape{"pattern": accountPattern.String()}) {
		return ""
	}
	if n.kind == text && accountPattern.MatchString(n.text) && len(n.text) <= 128 {
		return n.text
	}
	r.got(n, path, "the name of an account, or none")
	return ""
}

// timesync asks whether the clock is kept, and is right.
func (r *reader) timesync(n *node, path string) condition {
	c, before := &facts{need: collect("time")}, len(r.errs)
	r.object(n, path, []key{
		{"daemon", func(n *node, path string) {
			daemons := append([]string{"running"}, evidence.TimeDaemons()...)
			want := r.some(n, path, "daemons", len(daemons), func(n *node, path string) string { return r.word(n, path, daemons...) })
			c.add("time kept by "+strings.Join(want, " or "), func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("time daemon", ev.Time, func(t *evidence.TimeSync) outcome {
					if len(want) == 1 && want[0] == "running" {
						return equal("time daemon", t.Daemon, evidence.TimeDaemons())
					}
					return equal("time daemon", t.Daemon, want)
				})
			})
		}},
		{"synced", func(n *node, path string) {
			l := r.age(n, path)
			if l == nil {
				return
			}
			c.add("clock in step "+l.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome {
				return group("time", ev.Time, func(t *evidence.TimeSync) outcome {
					return within("clock last in step", l, t.Synced, ev.Collect, now)
				})
			})
		}},
		{"skew", func(n *node, path string) {
			most := r.skew(n, path)
			c.add("clock at most "+formatDuration(most)+" off", func(ev *evidence.Evidence, _ time.Time) outcome { return judgeSkew(ev.Collect, most) })
		}},
	})
	return r.asked(n, path, c, before, "daemon", "synced", "skew")
}

// skew reads how far a clock may be off.
func (r *reader) skew(n *node, path string) time.Duration {
	return r.duration(&node{kind: n.kind, text: strings.TrimSpace(strings.TrimPrefix(n.text, "<=")), line: n.line, column: n.column}, path, 10*time.Second, 24*time.Hour)
}

// judgeSkew compares the guest's clock with ours: what lies outside of the time between asking and
// answering is off.
func judgeSkew(at evidence.Collect, most time.Duration) outcome {
	if at.GuestEnd.IsZero() || at.Received.IsZero() || at.Sent.IsZero() {
		return missing("clock", "no_guest_time")
	}
	off := time.Duration(at.SkewSeconds) * time.Second
	side := "behind"
	if off > 0 {
		side = "ahead"
	}
	actual := "clock " + formatDuration(off.Abs()) + " " + side
	switch {
	case off.Abs() > most:
		return failed(actual, "", "clock "+side)
	case off == 0:
		return passed("clock right")
	default:
		return passed(actual)
	}
}

// reboot asks whether the machine waits for a reboot, and how long ago it had one.
func (r *reader) reboot(n *node, path string) condition {
	c, before := &facts{need: collect("os")}, len(r.errs)
	r.object(n, path, []key{
		{"required", func(n *node, path string) {
			want := r.flag(n, path)
			c.need = c.need.With(collect("reboot"))
			c.add(map[bool]string{true: "reboot due", false: "no reboot due"}[want], func(ev *evidence.Evidence, _ time.Time) outcome {
				return group("reboot", ev.Reboot, func(b *evidence.Reboot) outcome {
					return is("reboot", b.Required, want, strings.TrimSuffix("reboot due: "+few(b.Reasons), ": "), "no reboot due")
				})
			})
		}},
		{"uptime", func(n *node, path string) {
			l := r.age(n, path)
			if l == nil {
				return
			}
			c.add("booted "+l.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome {
				return within("last boot", l, ev.OS.Boot, ev.Collect, now)
			})
		}},
	})
	return r.asked(n, path, c, before, "required", "uptime")
}
