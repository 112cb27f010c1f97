package evidence

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// process is one line of the record exe: what /proc/<pid>/exe links to, and what the kernel says
// about it.
type process struct {
	path    string
	same    bool // the file at path is the one that runs
	deleted bool // the file that runs was removed or replaced
}

// parseExes reads "PID FLAG PATH"; the flag is = for the same file, d for deleted, ! for a path that is
// not this file here, and n for a process that only has a product's name, of which no more was asked.
func parseExes(text string) map[int]process {
	out := map[int]process{}
	for line := range lines(text) {
		f := strings.SplitN(line, " ", 3)
		if len(f) != 3 {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil || pid <= 0 || f[2] == "" {
			continue
		}
		p := process{path: clean(f[2]), same: f[1] == "=", deleted: f[1] == "d"}
		if p.deleted || f[1] == "n" {
			p.path = strings.TrimSuffix(p.path, " (deleted)")
		}
		out[pid] = p
	}
	return out
}

// parseListeners reads what listens, with what reads a line of the platform's.
func parseListeners(d *document, read func(line string) (Listener, bool)) Fact[[]Listener] {
	if !d.wants("listeners") {
		return Unknown[[]Listener](WhyNotCollected)
	}
	if why := d.why("net"); why != "" {
		return Unknown[[]Listener](why)
	}
	out := []Listener{}
	for line := range lines(d.text("net")) {
		l, ok := read(line)
		if !ok {
			// A socket that cannot be read could be the forbidden one.
			return Unknown[[]Listener](WhyParse)
		}
		out = append(out, l)
	}
	if len(out) > MaxListeners {
		return Unknown[[]Listener](WhyTooMany)
	}
	slices.SortFunc(out, compareListeners)
	return Known(out)
}

func compareListeners(a, b Listener) int {
	switch {
	case a.Proto != b.Proto:
		return strings.Compare(a.Proto, b.Proto)
	case a.Port != b.Port:
		return a.Port - b.Port
	case a.Family != b.Family:
		return a.Family - b.Family
	case a.Addr != b.Addr:
		return strings.Compare(a.Addr, b.Addr)
	default:
		return a.PID.Value - b.PID.Value
	}
}

// listener reads "tcp6 ADDRESS:PORT UID PID", the address as /proc/net shows it.
func (d *document) listener(line string) (Listener, bool) {
	f := strings.Fields(line)
	if len(f) != 4 {
		return Listener{}, false
	}
	proto, six := strings.CutSuffix(f[0], "6")
	uid, err := strconv.ParseUint(f[2], 10, 32)
	addr, port, ok := parseAddress(f[1])
	if (proto != "tcp" && proto != "udp") || err != nil || !ok || addr.Is6() != six {
		return Listener{}, false
	}
	l := Listener{
		Proto: proto, Family: 4, Addr: addr.String(), Port: port, UID: int(uid),
		DualStack: Known(false), Scope: Scope(addr),
		PID: Unknown[int](d.hidden()), Exe: Unknown[string](d.hidden()),
	}
	if six {
		l.Family = 6
		if addr.IsUnspecified() {
			// /proc shows a :: socket that answers IPv4 as one that does not.
			l.DualStack = Unknown[bool](WhyNoSource)
		}
	}
	d.owner(&l, f[3])
	return l, true
}

func (d *document) owner(l *Listener, pid string) {
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 0 {
		return
	}
	l.PID = Known(n)
	if p, ok := d.exes[n]; ok {
		l.Exe, l.ExeDeleted = Known(p.path), p.deleted
		l.ExeForeign = !p.same && !p.deleted
	}
}

// parseAddress reads 0100007F:1F91 or 32 digits: 32-bit words in the host's byte order, which is
// little-endian on every machine that AWS has.
func parseAddress(s string) (netip.Addr, int, bool) {
	h, p, ok := strings.Cut(s, ":")
	port, err := strconv.ParseUint(p, 16, 16)
	if !ok || err != nil || (len(h) != 8 && len(h) != 32) {
		return netip.Addr{}, 0, false
	}
	var buf [16]byte
	b := buf[:len(h)/2]
	if _, err := hex.Decode(b, []byte(h)); err != nil {
		return netip.Addr{}, 0, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(b)
	return addr, int(port), ok
}

// Scope is who can reach a listener on an address: any, loopback, linklocal or specific.
func Scope(a netip.Addr) string {
	switch a = a.Unmap(); {
	case a.IsUnspecified():
		return "any"
	case a.IsLoopback():
		return "loopback"
	case a.IsLinkLocalUnicast(), a.IsLinkLocalMulticast():
		return "linklocal"
	default:
		return "specific"
	}
}
