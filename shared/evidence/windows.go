package evidence

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The platforms.
const (
	Linux   = "linux"
	Windows = "windows"
)

// windows says that documents/inspect.windows.ps1 made the records. Its records have the names of the Linux
// script's where they mean the same, and lines of their own: there is no /proc whose form they could have.
func (d *document) windows() bool { return strings.HasPrefix(d.Probe, "windows-") }

// parseWindows fills in what a Windows machine said. The formats are those that Microsoft and the products'
// makers document; none was seen from a machine.
func parseWindows(e *Evidence, d *document, local *time.Location) {
	e.Platform = Windows
	e.System = parseWindowsSystem(d)
	e.OS, e.Listeners, e.Firewall, e.Mounts = parseWindowsOS(d), parseListeners(d, d.winListener), parseWindowsFirewall(d), parseVolumes(d)
	s := parseServices(d)
	ossec, wazuh := parseWindowsHIDS(d, s, local)
	e.Products = []Product{
		ossec, wazuh, parseWindowsDeepSecurity(d, s), elsewhere(ServerProtect, "linux_only"), parseOfficeScan(d, s), parseDefenderAV(d, s),
		parseWindowsAgent(d, s, CrowdStrike, "crowdstrike", "CSFalconService"), parseWindowsAgent(d, s, SentinelOne, "sentinelone", "SentinelAgent"),
	}
	for _, id := range []ProductID{ClamAV, Defender, GuardDuty, AIDE, Auditd} {
		e.Products = append(e.Products, unknownProduct(id, "not_on_windows"))
	}
}

// parseWindowsAgent is a product of which only its service and that one's program are looked at: whether it is
// there, runs, and in which version. Whether it protects it tells its own cloud alone.
func parseWindowsAgent(d *document, s services, id ProductID, word, service string) Product {
	if !d.wants(word) {
		return unknownProduct(id, WhyNotCollected)
	}
	for _, why := range []string{d.why(word), s.why} {
		if why != "" {
			return unknownProduct(id, why)
		}
	}
	facts := words(d.text(word))
	state, dir := d.winDir(facts)
	switch {
	case !s.has(service):
		return notInstalled(id)
	case state == WhyAbsent || state == "ok" && facts["file"] == "":
		p := notInstalled(id)
		p.Why = append(p.Why, "residue")
		return p
	case state != "ok":
		return unknownProduct(id, code(state))
	}
	p := unknownProduct(id, WhyNoSource)
	p.Present, p.Confidence, p.Kind, p.Dir = Known(true), ConfidenceC, Known("agent"), known(dir, WhyParse)
	p.Version, p.Sources = known(facts["file"], WhyParse), []string{word, "svc", "exe"}
	p.Running, p.Why = s.running(d, []string{service})
	if r := p.Running.State; r.Known && r.Value == "stopped" {
		p.Protection = Protection{State: Known("off"), Reason: "stopped"}
	}
	return p
}

// elsewhere is a product that does not exist for the machine's platform.
func elsewhere(id ProductID, why string) Product {
	p := notInstalled(id)
	p.Why = []string{WhyNotInstalled, why}
	return p
}

// parseWindowsOS reads "caption TEXT", "version 10.0.BUILD.REVISION", "arch NAME" and "btime SECONDS". The boot
// has no id on Windows, only its time.
func parseWindowsOS(d *document) OS {
	if !d.wants("os") {
		return unknownOS(WhyNotCollected)
	}
	if why := d.why("sys"); why != "" {
		return unknownOS(why)
	}
	o, w := unknownOS(""), words(d.text("sys"))
	o.ID, o.Pretty = Known(Windows), known(w["caption"], WhyParse)
	o.VersionID = known(w["version"], WhyParse)
	o.Kernel, o.BootID = o.VersionID, Unknown[string](WhyNoSource)
	arch := w["arch"]
	if plain, is := map[string]string{"AMD64": "x86_64", "ARM64": "aarch64", "x86": "i686"}[arch]; is {
		arch = plain
	}
	o.Arch, o.Boot = known(arch, WhyParse), unixTime(w["btime"])
	return o
}

// winService is what the service control manager says of one service.
type winService struct {
	state string // Running, Stopped, Start Pending, …
	start string // Auto, Manual, Disabled
	path  string // of its program
	pid   int
}

// services are those of products, by their names in lower case.
type services struct {
	of  map[string]winService
	why string // why they are not known
}

// parseServices reads the record svc: NAME, STATE, STARTMODE, PID and PATH with tabs between.
func parseServices(d *document) services {
	s := services{of: map[string]winService{}, why: d.why("svc")}
	for line := range lines(d.text("svc")) {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			s.why = WhyParse
			continue
		}
		pid, err := strconv.Atoi(f[3])
		if err != nil || f[0] == "" {
			s.why = WhyParse
			continue
		}
		s.of[strings.ToLower(f[0])] = winService{state: f[1], start: f[2], path: clean(f[4]), pid: pid}
	}
	return s
}

func (s services) has(name string) bool { _, there := s.of[strings.ToLower(name)]; return there }

// running is what the services of a product do: expected ones have to run, optional ones count when they do.
func (s services) running(d *document, expected []string, optional ...string) (Running, []string) {
	r := Running{Expected: expected}
	if s.why != "" {
		r.State = Unknown[string](s.why)
		return r, nil
	}
	var why []string
	doubt := ""
	for _, name := range append(slices.Clone(expected), optional...) {
		up := s.up(d, name)
		switch {
		case up.Known && up.Value:
			r.Up = append(r.Up, name)
			r.PIDs = append(r.PIDs, s.of[strings.ToLower(name)].pid)
		case !slices.Contains(expected, name):
		case up.Known:
			r.Missing = append(r.Missing, name)
		default:
			r.Missing, doubt = append(r.Missing, name), up.Why
			why = append(why, up.Why)
		}
	}
	slices.Sort(r.PIDs)
	r.PIDs = slices.Compact(r.PIDs)
	running := func(name string) bool { return slices.Contains(r.Up, name) }
	switch {
	case len(r.Missing) == 0 && len(expected) > 0:
		r.State = Known("running")
	case doubt != "":
		r.State = Unknown[string](doubt)
	case slices.ContainsFunc(expected, running):
		r.State = Known("partial")
	default:
		r.State = Known("stopped")
	}
	return r, why
}

// up is whether a service runs. That its process runs the service's own program is checked where it can be
// seen: of a protected process not even the system shows it.
func (s services) up(d *document, name string) Fact[bool] {
	v, there := s.of[strings.ToLower(name)]
	switch {
	case !there, v.state == "Stopped":
		return Known(false)
	case v.state != "Running" || v.pid <= 0:
		return Unknown[bool]("pending")
	case d.why("exe") != "":
		return Unknown[bool](d.why("exe"))
	}
	exe, seen := d.exes[v.pid]
	switch {
	case !seen && d.UID != 0:
		return Unknown[bool](WhyNotRoot)
	case seen && !samePath(exe.path, v.path):
		return Unknown[bool]("foreign_program")
	}
	return Known(true)
}

// samePath compares as Windows does. A name in the short form of old, such as PROGRA~1, cannot be compared: the
// program's own name has to do then.
func samePath(a, b string) bool {
	if strings.Contains(a+b, "~") {
		a, b = base(a), base(b)
	}
	return strings.EqualFold(a, b)
}

// base is the last part of a path with backslashes.
func base(p string) string { return path.Base(strings.ReplaceAll(p, `\`, "/")) }

// winDir reads "dir STATE PATH". To an ordinary user a folder that is closed looks like one that is not there.
func (d *document) winDir(facts map[string]string) (state, dir string) {
	state, dir = folder(facts)
	if state == WhyAbsent && dir != "" && d.UID != 0 {
		state = WhyNotRoot
	}
	return state, clean(dir)
}
