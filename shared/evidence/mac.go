package evidence

import (
	"slices"
	"strings"
)

// parseMAC reads "selinux 1", "apparmor Y", "lockdown [none] integrity confidentiality", "enforced N" and
// SELINUX=… . A file of the kernel's that is not there is knowledge: the kernel does without.
func parseMAC(d *document) MAC {
	why := d.why("mac")
	labels := words(d.text("mac"))
	m := MAC{
		SELinux: selinux(value(labels, "selinux")), SELinuxConfigured: Unknown[string](WhyAbsent),
		AppArmor: as(value(labels, "apparmor"), yes), AppArmorEnforced: as(value(labels, "enforced"), number),
		AppArmorComplained: as(value(labels, "complaining"), number), Lockdown: lockdown(value(labels, "lockdown")),
	}
	if strings.Contains(labels["lsm"], "selinux") && labels["selinux"] == "!"+WhyAbsent {
		m.SELinux = Unknown[string](WhyNotVisible) // it is there, and its file system is not mounted
	}
	if m.AppArmor.Why == WhyAbsent {
		m.AppArmor = Known(false)
	}
	if s := assignments(d.text("mac"))["SELINUX"]; s != "" {
		m.SELinuxConfigured = known(strings.ToLower(s), WhyParse)
	}
	if why != "" {
		m = MAC{
			SELinux: Unknown[string](why), SELinuxConfigured: Unknown[string](why), AppArmor: Unknown[bool](why),
			AppArmorEnforced: Unknown[int](why), AppArmorComplained: Unknown[int](why), Lockdown: Unknown[string](why),
		}
	}
	return m
}

func selinux(f Fact[string]) Fact[string] {
	if !f.Known && f.Why == WhyAbsent {
		return Known("disabled")
	}
	return as(f, func(s string) (string, bool) {
		on, ok := yes(s)
		if on {
			return "enforcing", ok
		}
		return "permissive", ok
	})
}

// lockdown is the word in brackets.
func lockdown(f Fact[string]) Fact[string] {
	if !f.Known && f.Why == WhyAbsent {
		return Known("none") // a kernel without it locks nothing down
	}
	return as(f, func(s string) (string, bool) {
		_, s, _ = strings.Cut(s, "[")
		s, _, ok := strings.Cut(s, "]")
		return s, ok && slices.Contains([]string{"none", "integrity", "confidentiality"}, s)
	})
}

// parseAccounts reads "uid0 NAME", "empty NAME", "login N" and "nss". Accounts without a password in
// /etc/shadow count only when all of it could be read.
func parseAccounts(d *document) Accounts {
	text := d.text("acc")
	labels := words(text)
	_, remote := labels["nss"]
	a := Accounts{
		UID0:   ifWhole(d, "acc", list(labelled(text, "uid0"), MaxNames)),
		Login:  ifWhole(d, "acc", as(value(labels, "login"), number)),
		Remote: ifWhole(d, "acc", Known(remote)),
	}
	empty := list(slices.Concat(labelled(text, "empty"), labelled(d.text("acc.shadow"), "empty")), MaxNames)
	a.Empty = ifWhole(d, "acc", ifWhole(d, "acc.shadow", empty))
	return a
}
