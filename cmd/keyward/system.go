package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// cheap are the facts beyond the usual ones that cost next to nothing to look at.
var cheap = []string{"reboot", "mac", "accounts", "sshd", "time", "kernel", "tamper"}

// needed is what an inspection of this machine collects: the usual and what is cheap, what a policy asks
// for, or everything.
func needed(p *policy.Policy, all bool) (words, ask []string) {
	if p != nil {
		words, ask = p.Needs().Collect, p.Needs().Ask
	}
	wanted := func(w string) bool {
		return all || slices.Contains(words, w) || slices.Contains(cheap, w) || slices.Contains(documents.Always(), w)
	}
	return slices.DeleteFunc(documents.Words(), func(w string) bool { return !wanted(w) }), ask
}

// system are the facts that were collected on demand, a row each.
func system(e *evidence.Evidence) [][]string {
	var rows [][]string
	add := func(name, format string, args ...any) {
		rows = append(rows, []string{name, fmt.Sprintf(format, args...)})
	}
	if r := e.Reboot; r != nil {
		add("reboot due", "%s %s", yesNo(r.Required), strings.Join(r.Reasons, ", "))
	}
	if u := e.Updates; u != nil {
		add("updates", "%s pending, %s for security, lists of %s", u.Pending, u.Security, u.Lists)
	}
	if m := e.MAC; m != nil {
		add("mandatory access control", "SELinux %s, AppArmor %s, lockdown %s", m.SELinux, yesNo(m.AppArmor), m.Lockdown)
	}
	if a := e.Accounts; a != nil {
		add("accounts", "uid 0 %s, without a password %s, with a shell %s", list(a.UID0), list(a.Empty), a.Login)
	}
	if s := e.SSHD; s != nil {
		add("sshd", "%s", sshd(s))
	}
	if t := e.Time; t != nil {
		add("time", "kept by %s, in step at %s", t.Daemon, t.Synced)
	}
	if k := e.Kernel; k != nil {
		add("kernel", "tainted by %s, secure boot %s", list(k.Taint), k.SecureBoot)
	}
	if m := e.Modules; m != nil {
		add("modules", "%d loaded, %d from outside, %d hidden", len(m.Loaded.Value), len(m.Flags), len(m.Hidden))
	}
	if p := e.Packages; p != nil {
		add("packages", "%s, %s installed", p.Manager, p.Count)
		for _, one := range p.Installed {
			add("package", "%s %s", one.Name, one.Version)
		}
	}
	if f := e.Files; f != nil {
		for _, one := range f.Files {
			add("file", "%s %s %s", one.Path, one.State, one.SHA256)
		}
	}
	if c := e.Cron; c != nil {
		add("cron files", "%s", counted(c.Files))
	}
	if s := e.SUID; s != nil {
		add("SUID files", "%s", counted(s.Files))
	}
	if t := e.Tamper; t != nil {
		for _, s := range t.Signals {
			add("sign of tampering", "%s %s", s.Code, s.Detail)
		}
		for _, why := range t.Why {
			add("not looked at", "%s", why)
		}
	}
	return rows
}

func list(f evidence.Fact[[]string]) string {
	switch {
	case !f.Known:
		return f.String()
	case len(f.Value) == 0:
		return "none"
	default:
		return strings.Join(f.Value, ", ")
	}
}

func counted[T any](f evidence.Fact[[]T]) string {
	if !f.Known {
		return f.String()
	}
	return fmt.Sprint(len(f.Value))
}

func sshd(s *evidence.SSHD) string {
	if !s.Installed.Known || !s.Installed.Value {
		return "installed " + yesNo(s.Installed)
	}
	var words []string
	for _, key := range []string{"permitrootlogin", "passwordauthentication"} {
		all := s.Effective(key)
		if !all.Known {
			return all.String()
		}
		for _, one := range all.Value {
			words = append(words, strings.TrimSpace(one.Key+" "+one.Value+" "+one.Match))
		}
	}
	return strings.Join(words, ", ")
}
