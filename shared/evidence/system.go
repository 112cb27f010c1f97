package evidence

import (
	"strings"
	"time"
)

func parseOS(d *document) OS {
	if !d.wants("os") {
		return unknownOS(WhyNotCollected)
	}
	o := unknownOS(d.why("sys"))
	parseSys(&o, d.text("sys"))
	why := d.why("os")
	if why == "" {
		why = WhyAbsent
	}
	release := assignments(d.text("os"))
	o.ID = known(release["ID"], why)
	o.VersionID = known(release["VERSION_ID"], why)
	o.Pretty = known(release["PRETTY_NAME"], why)
	return o
}

func unknownOS(why string) OS {
	if why == "" {
		why = WhyParse
	}
	t := Unknown[string](why)
	return OS{ID: t, VersionID: t, Pretty: t, Kernel: t, Arch: t, BootID: t, Boot: Unknown[time.Time](why)}
}

// parseSys reads "uname RELEASE MACHINE", "btime SECONDS" and a bare boot id.
func parseSys(o *OS, text string) {
	for line := range lines(text) {
		label, rest, _ := strings.Cut(line, " ")
		switch {
		case label == "uname":
			kernel, arch, _ := strings.Cut(rest, " ")
			o.Kernel, o.Arch = known(kernel, WhyParse), known(arch, WhyParse)
		case label == "btime":
			o.Boot = unixTime(rest)
		case isBootID(line):
			o.BootID = Known(line)
		}
	}
}

func isBootID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4 && strings.Trim(s, "0123456789abcdef-") == ""
}
