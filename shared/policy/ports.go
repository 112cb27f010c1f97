package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// portRange is tcp/80 or tcp/8000-8100. It means every address of the machine, IPv4 and IPv6.
type portRange struct {
	proto     string
	low, high int
}

func (p portRange) String() string {
	if p.low == p.high {
		return fmt.Sprintf("%s/%d", p.proto, p.low)
	}
	return fmt.Sprintf("%s/%d-%d", p.proto, p.low, p.high)
}

func (p portRange) has(l *evidence.Listener) bool {
	return l.Proto == p.proto && l.Port >= p.low && l.Port <= p.high
}

// parsePorts reads a protocol and a port or a range of ports.
func parsePorts(s string) (portRange, bool) {
	proto, ports, ok := strings.Cut(s, "/")
	if !ok || (proto != "tcp" && proto != "udp") {
		return portRange{}, false
	}
	from, to, isRange := strings.Cut(ports, "-")
	if !isRange {
		to = from
	}
	low, lowOK := parsePort(from)
	high, highOK := parsePort(to)
	return portRange{proto, low, high}, lowOK && highOK && low <= high
}

func parsePort(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535 && s[0] != '+' && s[0] != '0'
}

// portsCondition asks which ports listen: closed ones must not, open ones must, and with only nothing
// else may.
type portsCondition struct {
	closed, open, only []portRange
	ignoreLoopback     bool
}

func (c *portsCondition) expected() string {
	var words []string
	if len(c.closed) > 0 {
		words = append(words, portList(c.closed)+" closed")
	}
	if len(c.open) > 0 {
		words = append(words, portList(c.open)+" open")
	}
	if len(c.only) > 0 {
		words = append(words, "only "+portList(c.only)+" open")
	}
	if c.ignoreLoopback {
		words[len(words)-1] += " (loopback aside)"
	}
	return strings.Join(words, ", ")
}

func portList(ranges []portRange) string {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}

func (c *portsCondition) needs() Needs { return collect("listeners") }

func (c *portsCondition) judge(ev *evidence.Evidence, _ time.Time) outcome {
	return check("listening ports", ev.Listeners, func(all []evidence.Listener) outcome {
		heard := make([]*evidence.Listener, 0, len(all))
		for i := range all {
			if !c.ignoreLoopback || all[i].Scope != "loopback" {
				heard = append(heard, &all[i])
			}
		}
		outcomes := make([]outcome, 0, 3)
		if len(c.closed) > 0 {
			outcomes = append(outcomes, judgeNone(heard, func(l *evidence.Listener) bool { return covers(c.closed, l) }))
		}
		if len(c.only) > 0 {
			outcomes = append(outcomes, judgeNone(heard, func(l *evidence.Listener) bool { return !covers(c.only, l) }))
		}
		for _, p := range c.open {
			outcomes = append(outcomes, judgeOpen(heard, p))
		}
		return joinAll(outcomes)
	})
}

func covers(ranges []portRange, l *evidence.Listener) bool {
	return slices.ContainsFunc(ranges, func(p portRange) bool { return p.has(l) })
}

// judgeNone fails with the listeners that offend. Who owns a listener does not matter: a socket
// whose process is hidden from the probe is as open as any other.
func judgeNone(heard []*evidence.Listener, offends func(*evidence.Listener) bool) outcome {
	var bad []*evidence.Listener
	for _, l := range heard {
		if offends(l) {
			bad = append(bad, l)
		}
	}
	if len(bad) == 0 {
		return passed("no such listener")
	}
	values := make([]string, len(bad))
	for i, l := range bad {
		values[i] = listenerValue(l)
	}
	actual, offender := listeners(bad)
	return failed(actual, offender, values...)
}

func judgeOpen(heard []*evidence.Listener, p portRange) outcome {
	at := slices.IndexFunc(heard, p.has)
	if at < 0 {
		return failed("nothing listens on "+p.String(), p.String(), "nothing on "+p.String())
	}
	return passed(listener(heard[at]))
}

// listeners names the first few offenders and counts the rest; the first is the offender.
func listeners(bad []*evidence.Listener) (actual, offender string) {
	const few = 3
	slices.SortFunc(bad, func(a, b *evidence.Listener) int {
		return cmp.Or(cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Family, b.Family),
			cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.PID.Value, b.PID.Value))
	})
	var names []string
	for _, l := range bad[:min(few, len(bad))] {
		names = append(names, listener(l))
	}
	actual = strings.Join(names, "; ")
	if more := len(bad) - few; more > 0 {
		actual += fmt.Sprintf("; and %d more", more)
	}
	return actual, names[0]
}

// listener is tcp/23 on 0.0.0.0, /usr/bin/nc (pid 4711).
func listener(l *evidence.Listener) string {
	s := fmt.Sprintf("%s/%d on %s, ", l.Proto, l.Port, l.Addr)
	switch {
	case l.Exe.Known && l.PID.Known:
		s += fmt.Sprintf("%s (pid %d)", l.Exe.Value, l.PID.Value)
	case l.Exe.Known:
		s += l.Exe.Value
	case l.PID.Known:
		s += fmt.Sprintf("pid %d", l.PID.Value)
	case l.PID.Why != "":
		s += "process unknown (" + l.PID.Why + ")"
	default:
		s += "process unknown"
	}
	return s + fileOf(l)
}

// fileOf is what is odd about the file of a listener's program.
func fileOf(l *evidence.Listener) string {
	switch {
	case l.ExeDeleted:
		return ", its file is deleted"
	case l.ExeForeign:
		return ", in a file system of its own"
	}
	return ""
}
