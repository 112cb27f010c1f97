package evidence

import (
	"net/netip"
	"strconv"
	"strings"
)

// systemPID is the process of the Windows kernel, which listens for HTTP and file sharing.
const systemPID = 4

// winListener reads "tcp ADDRESS PORT PID" of MSFT_NetTCPConnection and MSFT_NetUDPEndpoint.
func (d *document) winListener(line string) (Listener, bool) {
	f := strings.Fields(line)
	if len(f) != 4 || (f[0] != "tcp" && f[0] != "udp") {
		return Listener{}, false
	}
	addr, err := netip.ParseAddr(f[1])
	port, bad := strconv.ParseUint(f[2], 10, 16)
	pid, odd := strconv.Atoi(f[3])
	if err != nil || bad != nil || odd != nil {
		return Listener{}, false
	}
	addr = addr.WithZone("")
	l := Listener{
		Proto: f[0], Family: 4, Addr: addr.String(), Port: int(port), UID: NoUID, DualStack: Known(false), Scope: Scope(addr),
		PID: Unknown[int](d.hidden()), Exe: Unknown[string](d.hidden()),
	}
	if addr.Is6() {
		l.Family = 6
		if addr.IsUnspecified() {
			l.DualStack = Unknown[bool](WhyNoSource) // Windows does not show whether IPV6_V6ONLY was set
		}
	}
	if pid > 0 {
		l.PID = Known(pid)
		if p, ok := d.exes[pid]; ok {
			l.Exe = Known(p.path)
		} else if pid == systemPID {
			l.Exe = Known("System")
		}
	}
	return l, true
}

// The profiles of the Windows firewall, and the network categories by which Windows chooses one for each network
// (MSFT_NetConnectionProfile, NetworkCategory).
var (
	profiles   = []string{"Domain", "Private", "Public"}
	categories = map[string]string{
		"0": "Public", "1": "Private", "2": "Domain", "Public": "Public", "Private": "Private", "DomainAuthenticated": "Domain",
	}
)

// parseWindowsFirewall reads "service STATE", "profile NAME ENABLED DEFAULTINBOUND" of the active store, which is
// what group policy enforces, and "net CATEGORY" for each network the machine is in.
func parseWindowsFirewall(d *document) Firewall {
	if !d.wants("firewall") {
		return unknownFirewall(WhyNotCollected)
	}
	if why := d.why("fw"); why != "" {
		return unknownFirewall(why)
	}
	in := map[string]Fact[string]{}
	used := map[string]bool{}
	state := ""
	for line := range lines(d.text("fw")) {
		switch f := strings.Fields(line); {
		case len(f) == 4 && f[0] == "profile":
			in[f[1]] = inbound(f[2], f[3])
		case len(f) == 2 && f[0] == "net":
			used[categories[f[1]]] = true
		case len(f) > 1 && f[0] == "service":
			state = strings.Join(f[1:], " ")
		}
	}
	fw := unknownFirewall(WhyNoSource)
	fw.Engine = Known("wfp")
	switch {
	case state == "":
		fw.DefaultIn = Unknown[string](WhyParse)
	case state == "Stopped":
		// Without its service nothing carries the rules out.
		fw.DefaultIn = Known(allow)
	case state != "Running":
		fw.DefaultIn = Unknown[string]("pending")
	default:
		fw.DefaultIn = weakest(in, used)
	}
	fw.DefaultIn6, fw.Active = fw.DefaultIn, active(fw)
	return fw
}

// inbound is what a profile does with what no rule names. Block is the default, says
// Set-NetFirewallProfile's page; in the active store nothing is left to be configured.
func inbound(enabled, action string) Fact[string] {
	switch {
	case enabled == "False", enabled == "True" && action == "Allow":
		return Known(allow)
	case enabled == "True" && action == "Block":
		return Known(drop)
	}
	return Unknown[string]("not_configured")
}

// weakest is the default of the profiles in use, or of all when it is not known which those are.
func weakest(in map[string]Fact[string], used map[string]bool) Fact[string] {
	out := Known(drop)
	for _, name := range profiles {
		f, there := in[name]
		if len(used) > 0 && !used[name] && !used[""] {
			continue
		}
		switch {
		case !there:
			return Unknown[string](WhyMissing)
		case !f.Known:
			out = f
		case f.Value == allow && (len(used) == 0 || used[""]):
			return Unknown[string]("profile_unknown")
		case f.Value == allow:
			return f
		}
	}
	return out
}
