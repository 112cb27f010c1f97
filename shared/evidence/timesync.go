package evidence

import (
	"strings"
	"time"
)

// parseTime reads "systemd", "up SERVICE" and "at SECONDS FILE". A service's process is seen through
// systemd alone; without systemd it is not known what runs.
func parseTime(d *document) TimeSync {
	why := d.why("time")
	if why != "" {
		return TimeSync{Daemon: Unknown[string](why), Synced: Unknown[time.Time](why)}
	}
	text := d.text("time")
	t := TimeSync{Daemon: Unknown[string]("no_systemd"), Synced: Unknown[time.Time](WhyNoSource)}
	systemd := false
	for line := range lines(text) {
		systemd = systemd || line == "systemd"
	}
	up := labelled(text, "up")
	switch {
	case len(up) > 0:
		t.Daemon = Unknown[string](WhyParse)
		if name := timeDaemons[up[0]]; name != "" {
			t.Daemon = Known(name)
		}
	case systemd:
		t.Daemon = Known("none")
	}
	at := strings.Join(labelled(text, "at"), "\n")
	if why, not := strings.CutPrefix(at, "!"); not {
		t.Synced = Unknown[time.Time](code(why))
	} else if s := newest(at, ""); s.Known {
		t.Synced = s
	}
	return t
}

// timeDaemons are the services that keep the clock, and one name for what distributions call differently.
var timeDaemons = map[string]string{
	"chrony": "chrony", "chronyd": "chrony", "systemd-timesyncd": "systemd-timesyncd", "ntp": "ntp", "ntpd": "ntp", "ntpsec": "ntp",
	"openntpd": "openntpd",
}

// TimeDaemons are the names that a rule may ask for.
func TimeDaemons() []string { return []string{"chrony", "systemd-timesyncd", "ntp", "openntpd"} }
