package evidence

import (
	"slices"
	"strings"
)

// parsePackages reads "dpkg", "apk", "rpm" or "windows", of those that were asked for "p NAME VERSION ARCH" when they
// are installed or "package NAME STATE VERSION ARCH", and "count N".
func parsePackages(d *document) Packages {
	p := Packages{Manager: Unknown[string](WhyParse), Count: Unknown[int](WhyNoSource), Asked: d.asked("package"), Why: d.why("packages")}
	if p.Why != "" {
		p.Manager, p.Count = Unknown[string](p.Why), Unknown[int](p.Why)
		return p
	}
	labels := words(d.text("packages"))
	for _, name := range []string{"dpkg", "apk", "rpm", "windows"} {
		if _, is := labels[name]; is {
			p.Manager = Known(name)
		}
	}
	if _, is := labels["count"]; is {
		p.Count = as(value(labels, "count"), number)
	}
	if !p.Manager.Known {
		p.Why = WhyParse
		return p
	}
	installed := labelled(d.text("packages"), "p")
	for _, line := range labelled(d.text("packages"), "package") {
		if name, rest, is := strings.Cut(line, " installed "); is {
			installed = append(installed, name+" "+rest)
		}
	}
	for _, line := range installed {
		f := strings.Fields(line)
		if len(f) < 2 || len(p.Installed) >= MaxNames {
			p.Why = WhyParse
			continue
		}
		one := Package{Name: f[0], Version: f[1]}
		if len(f) > 2 {
			one.Arch = f[2]
		}
		p.Installed = append(p.Installed, one)
	}
	return p
}

// Find are the installed packages of a name: several of them when more than one architecture or version is
// there. Unknown when it was not asked for.
func (p *Packages) Find(name string) Fact[[]Package] {
	switch {
	case p.Why != "":
		return Unknown[[]Package](p.Why)
	case !slices.Contains(p.Asked, name):
		return Unknown[[]Package](WhyNotCollected)
	}
	found := []Package{}
	for _, one := range p.Installed {
		if one.Name == name {
			found = append(found, one)
		}
	}
	return Known(found)
}

// asked are the names of one kind that the guest says it was asked for.
func (d *document) asked(kind string) []string {
	var names []string
	for item := range strings.SplitSeq(d.Ask, ",") {
		if name, is := strings.CutPrefix(item, kind+":"); is && len(names) < MaxNames {
			names = append(names, clean(name))
		}
	}
	return names
}
