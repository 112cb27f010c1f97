package policy

import "slices"

const maxPorts = 64

func (r *reader) ports(n *node, path string) *portsCondition {
	c := &portsCondition{}
	before := len(r.errs)
	seen := r.object(n, path, []key{
		{"closed", func(n *node, path string) { c.closed = r.portList(n, path, true) }},
		{"open", func(n *node, path string) { c.open = r.portList(n, path, false) }},
		{"only", func(n *node, path string) { c.only = r.portList(n, path, true) }},
		{"loopback", func(n *node, path string) { c.ignoreLoopback = r.word(n, path, "ignore", "count") == "ignore" }},
	})
	if len(r.errs) == before && seen["closed"] == nil && seen["open"] == nil && seen["only"] == nil {
		r.fail(n, path, "asks nothing, expected closed, open or only")
	}
	r.contradictions(seen["open"], path+".open", c)
	return c
}

// contradictions finds what no machine could satisfy.
func (r *reader) contradictions(n *node, path string, c *portsCondition) {
	for _, p := range c.open {
		inside := func(ranges []portRange) bool {
			return slices.ContainsFunc(ranges, func(o portRange) bool {
				return o.proto == p.proto && o.low <= p.low && p.high <= o.high
			})
		}
		if inside(c.closed) {
			r.fail(n, path, "%s must be open and closed at once", p)
		}
		if len(c.only) > 0 && !inside(c.only) {
			r.fail(n, path, "%s must be open but is not among only", p)
		}
	}
}

func (r *reader) portList(n *node, path string, ranges bool) []portRange {
	var ports []portRange
	r.each(n, path, "ports", 1, maxPorts, func(n *node, path string) {
		expected := "a port from 1 to 65535 such as tcp/80 or udp/53"
		if ranges {
			expected = "a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100"
		}
		p, ok := portRange{}, false
		if n.kind == text {
			p, ok = parsePorts(n.text)
		}
		if !ok || (!ranges && p.low != p.high) {
			r.got(n, path, expected)
			return
		}
		ports = append(ports, p)
	})
	return ports
}
