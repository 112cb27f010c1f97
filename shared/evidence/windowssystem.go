package evidence

import (
	"strconv"
	"strings"
	"time"
)

// parseWindowsSystem reads the facts that were asked for beyond the usual ones and that Windows is asked for. The
// others stay nil.
func parseWindowsSystem(d *document) System {
	var s System
	s.Reboot = wanted(d, "reboot", parseWindowsReboot)
	s.Updates = wanted(d, "updates", parseHotfixes)
	s.Accounts = wanted(d, "accounts", parseWindowsAccounts)
	s.Packages = wanted(d, "packages", parsePackages)
	s.Files = wanted(d, "files", parseWindowsFiles)
	return s
}

// parseWindowsReboot reads "looked", and "servicing" and "update" where the keys stand that the servicing stack
// and Windows Update leave until a reboot. Files that wait to be renamed say nothing: programs leave such
// entries behind for years.
func parseWindowsReboot(d *document) Reboot {
	if why := d.why("reboot"); why != "" {
		return Reboot{Required: Unknown[bool](why)}
	}
	var r Reboot
	labels := words(d.text("reboot"))
	for _, key := range []string{"servicing", "update"} {
		if _, is := labels[key]; is {
			r.Reasons = append(r.Reasons, key)
		}
	}
	r.Required = Known(len(r.Reasons) > 0)
	if _, looked := labels["looked"]; !looked {
		r.Required = Unknown[bool](WhyParse)
	}
	return r
}

// parseHotfixes reads HOTFIXID, DESCRIPTION and INSTALLEDON of Win32_QuickFixEngineering with tabs between. What is
// still missing nothing on the machine says without Windows Update, which would write its log and ask its server.
func parseHotfixes(d *document) Updates {
	why := d.why("updates")
	if why != "" {
		return Updates{
			Source: Unknown[string](why), Pending: Unknown[int](why), Security: Unknown[int](why),
			Lists: Unknown[time.Time](why), Installed: Unknown[time.Time](why),
		}
	}
	u := Updates{
		Source: Known("hotfixes"), Pending: Unknown[int](WhyNoSource), Security: Unknown[int](WhyNoSource),
		Lists: Unknown[time.Time](WhyNoSource), Installed: Unknown[time.Time](WhyAbsent),
	}
	for line := range lines(d.text("updates")) {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			u.Installed = Unknown[time.Time](WhyParse)
			break
		}
		if at, ok := hotfixDate(f[2]); ok && (!u.Installed.Known || at.After(u.Installed.Value)) {
			u.Installed = Known(at)
		}
	}
	return u
}

// hotfixDate reads the forms that InstalledOn has: month/day/year, yearmonthday, and 16 hex digits of a FILETIME,
// which counts steps of 100 ns since 1601.
func hotfixDate(s string) (time.Time, bool) {
	for _, form := range []string{"1/2/2006", "20060102"} {
		if at, err := time.Parse(form, s); err == nil {
			return at, true
		}
	}
	const to1970 = 116444736000000000
	n, err := strconv.ParseUint(s, 16, 63)
	if err != nil || len(s) != 16 || n < to1970 || (n-to1970)/1e7 > maxUnix {
		return time.Time{}, false
	}
	return time.Unix(int64((n-to1970)/1e7), 0).UTC(), true
}

// parseWindowsAccounts reads "host NAME", "domain True", "login N" of the accounts that are not disabled, "open NAME"
// of those that need no password, and "admin DOMAIN\NAME" of the members of the group of administrators. Who
// needs no password may have one all the same: whether, nothing says.
func parseWindowsAccounts(d *document) Accounts {
	text := d.text("acc")
	labels := words(text)
	a := Accounts{
		UID0:   ifWhole(d, "acc", administrators(text, labels["host"])),
		Empty:  ifWhole(d, "acc", Known([]string{})),
		Login:  ifWhole(d, "acc", as(value(labels, "login"), number)),
		Remote: ifWhole(d, "acc", as(value(labels, "domain"), truth)),
	}
	if _, open := labels["open"]; open && a.Empty.Known {
		a.Empty = Unknown[[]string]("not_required")
	}
	if !a.Login.Known {
		a.Empty = Unknown[[]string](a.Login.Why) // the accounts were not gone through
	}
	return a
}

// administrators are the members of the group; those of the machine itself without its name. The group is never
// empty: the built-in account cannot leave it.
func administrators(text, host string) Fact[[]string] {
	var names []string
	for _, name := range labelled(text, "admin") {
		domain, account, ok := strings.Cut(name, `\`)
		if !ok || account == "" {
			return Unknown[[]string](WhyParse)
		}
		if strings.EqualFold(domain, host) {
			name = account
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return Unknown[[]string](WhyNoSource)
	}
	return list(names, MaxNames)
}

// truth reads a boolean as PowerShell writes it.
func truth(s string) (value, ok bool) { return s == "True", s == "True" || s == "False" }

// windowsPath undoes what paths with a drive are asked for with: see policy.AskFile.
var windowsPath = strings.NewReplacer("@20", " ", "@28", "(", "@29", ")")

// parseWindowsFiles is parseFiles for paths with a drive; Windows has no numbers of owners and no permission bits.
func parseWindowsFiles(d *document) Files {
	f := parseFiles(d)
	for i := range f.Files {
		one := &f.Files[i]
		one.Path = windowsPath.Replace(one.Path)
		if one.State.Or("") == "present" {
			one.Mode, one.UID, one.GID = Unknown[int](WhyNoSource), Unknown[int](WhyNoSource), Unknown[int](WhyNoSource)
		}
	}
	return f
}
