package evidence

import (
	"strconv"
	"strings"
)

// What a filter does with a packet that no rule names.
const (
	allow = "allow"
	drop  = "drop"
)

// ruleset is what one source (nft, legacy iptables) says about packets coming in.
type ruleset struct {
	known  bool
	why    string
	rules  int
	tables int
	in     map[int]Fact[string] // by family, 4 and 6: allow or drop; missing means nothing filters
}

func parseFirewall(d *document) Firewall {
	if !d.wants("firewall") {
		return unknownFirewall(WhyNotCollected)
	}
	nft := parseNFT(d.text("nft"), absentIs(d, "nft"))
	four := parseIPTables(d.text("ipt"), 4, absentIs(d, "ipt"))
	six := parseIPTables(d.text("ip6t"), 6, absentIs(d, "ip6t"))
	fw := unknownFirewall("")
	fw.DefaultIn = strictest(4, nft, four)
	fw.DefaultIn6 = strictest(6, nft, six)
	fw.Rules = countRules(nft, four, six)
	fw.Active = active(fw)
	fw.Engine = engine(d, nft, four, six)
	return fw
}

func unknownFirewall(why string) Firewall {
	t := Unknown[string](why)
	return Firewall{Engine: t, Active: Unknown[bool](why), DefaultIn: t, DefaultIn6: t, Rules: Unknown[int](why)}
}

// absentIs is why a source is unknown; a filter that the kernel has not loaded is known to be empty.
func absentIs(d *document, name string) string {
	if r := d.index[name]; r != nil && r.Skip == "unloaded" {
		return ""
	}
	// As an ordinary user the probe sends one record for both families of iptables.
	if name == "ip6t" && d.index[name] == nil && d.index["ipt"] != nil {
		return d.why("ipt")
	}
	return d.why(name)
}

// chain is one base chain of nft on the way in.
type chain struct {
	family  string // ip, ip6, inet, bridge, …
	kind    string // filter, nat, route
	policy  string
	rules   []string
	skipped bool // the guest left rules out of the middle
}

// parseNFT reads the reduced "nft -s list ruleset": "table FAMILY NAME", "chain FAMILY TABLE NAME",
// "type … hook input … policy P;", the chain's rules, "more N" before the last of a long chain, and
// "rules N".
func parseNFT(text, why string) ruleset {
	s := ruleset{known: why == "", why: why, in: map[int]Fact[string]{}}
	if !s.known {
		return s
	}
	var chains []chain
	for line := range lines(text) {
		f := strings.Fields(line)
		last := len(chains) - 1
		switch {
		case len(f) == 0:
		case f[0] == "table":
			s.tables++
		case f[0] == "rules" && len(f) == 2:
			s.rules, _ = strconv.Atoi(f[1])
		case f[0] == "chain" && len(f) >= 2:
			chains = append(chains, chain{family: f[1], policy: "accept"})
		case last < 0:
		case f[0] == "type" && len(f) >= 2:
			chains[last].kind = f[1]
			if i := strings.Index(line, "policy "); i >= 0 {
				chains[last].policy = strings.TrimRight(line[i+len("policy "):], "; ")
			}
		case f[0] == "more":
			chains[last].skipped = true
		default:
			chains[last].rules = append(chains[last].rules, strings.Join(f, " "))
		}
	}
	for _, c := range chains {
		if c.kind == "filter" {
			s.add(c)
		}
	}
	return s
}

// add takes in what one chain does by default. Every base chain has to let a packet through, so one
// that drops decides.
func (s *ruleset) add(c chain) {
	families := map[string][]int{"ip": {4}, "ip6": {6}, "inet": {4, 6}}[c.family]
	verdict := c.verdict()
	for _, f := range families {
		if old, is := s.in[f]; is && (old == Known(drop) || verdict == Known(allow)) {
			continue
		}
		s.in[f] = verdict
	}
}

func (c chain) verdict() Fact[string] {
	jumps := c.skipped
	for _, r := range c.rules {
		switch action(r) {
		case drop:
			return Known(drop)
		case allow:
			return Known(allow)
		case "jump":
			jumps = true
		}
	}
	if c.policy == drop {
		return Known(drop)
	}
	if jumps {
		// The chain that every packet is sent to may drop what is left.
		return Unknown[string]("jumps")
	}
	return Known(allow)
}

// action is what an nft rule without any condition does: drop, allow, jump, or "" for a rule that
// has conditions or decides nothing.
func action(rule string) string {
	rule, _, _ = strings.Cut(rule, " comment ")
	rule = strings.TrimPrefix(rule, "counter ")
	if strings.HasPrefix(rule, "packets ") {
		if f := strings.Fields(rule); len(f) > 4 {
			rule = strings.Join(f[4:], " ")
		}
	}
	switch first, _, _ := strings.Cut(rule, " "); first {
	case "drop", "reject":
		return drop
	case "accept":
		return allow
	case "jump", "goto", "queue":
		return "jump"
	}
	return ""
}

// parseIPTables reads the reduced iptables-save: ":INPUT POLICY [n:n]", "-A INPUT …", "more N", "rules N".
func parseIPTables(text string, family int, why string) ruleset {
	s := ruleset{known: why == "", why: why, in: map[int]Fact[string]{}}
	if !s.known {
		return s
	}
	c := chain{policy: "accept"}
	seen := false
	for line := range lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == ":INPUT":
			seen, c.policy = true, strings.ToLower(f[1])
		case len(f) == 2 && f[0] == "rules":
			s.rules, _ = strconv.Atoi(f[1])
		case len(f) == 2 && f[0] == "more":
			c.skipped = true
		case len(f) >= 4 && f[0] == "-A" && f[2] == "-j":
			c.rules = append(c.rules, target(f[3]))
		}
	}
	if seen {
		s.tables, s.in[family] = 1, c.verdict()
	}
	return s
}

// target says an iptables target in nft's words; any other name is a chain or decides nothing.
func target(name string) string {
	switch name {
	case "DROP", "REJECT":
		return "drop"
	case "ACCEPT":
		return "accept"
	case "LOG", "NFLOG", "MARK", "CONNMARK", "CT", "TRACE", "SET":
		return "log"
	default:
		return "jump " + name
	}
}

// strictest is the default for one family over all sources: all of them see every packet.
func strictest(family int, sources ...ruleset) Fact[string] {
	out := Known(allow)
	for _, s := range sources {
		f, is := s.in[family]
		switch {
		case !s.known:
			f = Unknown[string](s.why)
		case !is:
			continue
		}
		if f == Known(drop) {
			return f
		}
		if !f.Known {
			out = f
		}
	}
	return out
}

func countRules(sources ...ruleset) Fact[int] {
	n := 0
	for _, s := range sources {
		if !s.known {
			return Unknown[int](s.why)
		}
		n += s.rules
	}
	return Known(n)
}

// active is whether something drops what comes in and is not allowed: for IPv4 at least.
func active(fw Firewall) Fact[bool] {
	if fw.DefaultIn.Known {
		return Known(fw.DefaultIn.Value == drop)
	}
	return Unknown[bool](fw.DefaultIn.Why)
}

// engine names who manages the filter. firewalld and ufw are seen without root.
func engine(d *document, nft, four, six ruleset) Fact[string] {
	if _, runs := words(d.text("firewalld"))["running"]; runs {
		return Known("firewalld")
	}
	if strings.EqualFold(assignments(d.text("ufw"))["ENABLED"], "yes") {
		return Known("ufw")
	}
	switch {
	case nft.tables > 0:
		return Known("nft")
	case four.tables+six.tables > 0:
		return Known("iptables")
	case !nft.known:
		return Unknown[string](nft.why)
	case !four.known:
		return Unknown[string](four.why)
	default:
		return Known("none")
	}
}
