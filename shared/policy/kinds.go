package policy

import (
	"slices"
	"strings"
)

// conditionKind is one sort of condition: the key it stands under and what reads it.
type conditionKind struct {
	name string
	read func(r *reader, n *node, path string) condition
}

// kinds are all sorts of conditions, in the order in which messages name them.
var kinds = []conditionKind{
	{"product", func(r *reader, n *node, path string) condition { return r.product(n, path) }},
	{"ports", func(r *reader, n *node, path string) condition { return r.ports(n, path) }},
	{"os", func(r *reader, n *node, path string) condition { return r.os(n, path) }},
	{"firewall", (*reader).firewall},
	{"encryption", (*reader).encryption},
	{"mounts", (*reader).mounts},
	{"reboot", (*reader).reboot},
	{"accounts", (*reader).accounts},
	{"sshd", (*reader).sshd},
	{"files", (*reader).files},
	{"packages", (*reader).packages},
	{"kernel", (*reader).kernel},
	{"modules", (*reader).modules},
	{"time", (*reader).timesync},
	{"selinux", (*reader).selinux},
	{"apparmor", (*reader).apparmor},
	{"cron", func(r *reader, n *node, path string) condition {
		return r.onlyPaths(n, path, "cron", "cron file", cronPaths)
	}},
	{"suid", func(r *reader, n *node, path string) condition {
		return r.onlyPaths(n, path, "suid", "SUID file", suidPaths)
	}},
	{"tamper", (*reader).tamper},
	{"patches", (*reader).patches},
	{"instance", (*reader).instance},
	{"exposed", (*reader).exposed},
	{"volumes", (*reader).volumes},
	{"agent", (*reader).agent},
}

// kindNames are the keys of conditions, with more after them.
func kindNames(more ...string) []string {
	names := make([]string, 0, len(kinds)+len(more))
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return append(names, more...)
}

// oneOf is "one of product, ports, …".
func oneOf(names []string) string { return "one of " + strings.Join(names, ", ") }

// conditionKeys reads conditions into place.
func (r *reader) conditionKeys(place *[]condition) []key {
	keys := make([]key, 0, len(kinds))
	for _, k := range kinds {
		keys = append(keys, key{k.name, func(n *node, path string) { *place = append(*place, k.read(r, n, path)) }})
	}
	return keys
}

// Limits of what a policy may ask for by name.
const (
	MaxAsked   = 64   // names
	maxAskText = 3000 // characters of all of them together
)

// Needs is what has to be collected so that a policy's rules can judge. The zero value is nothing beyond
// what is always collected.
type Needs struct {
	Collect []string // groups of facts: words of the inspection document
	Ask     []string // facts that are asked for by name, such as file:/etc/passwd
	AWS     []string // groups of facts that AWS is asked for; see evidence.AWS
}

// Needs is what the policy's rules need, each thing once, sorted.
func (p *Policy) Needs() Needs {
	var n Needs
	for i := range p.Rules {
		for _, c := range p.Rules[i].conditions {
			n = n.With(c.needs())
		}
	}
	return n
}

// mountPoints are those that the policy's rules ask for by name.
func (p *Policy) mountPoints() []string {
	var all []string
	for _, a := range p.Needs().Ask {
		if at, is := strings.CutPrefix(a, "mount:"); is {
			all = append(all, at)
		}
	}
	return all
}

// With is what both need.
func (n Needs) With(o Needs) Needs {
	return Needs{once(n.Collect, o.Collect), once(n.Ask, o.Ask), once(n.AWS, o.AWS)}
}

// Same says whether both ask for the same.
func (n Needs) Same(o Needs) bool {
	return slices.Equal(n.Collect, o.Collect) && slices.Equal(n.Ask, o.Ask) && slices.Equal(n.AWS, o.AWS)
}

func once(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// collect needs groups of facts.
func collect(words ...string) Needs { return Needs{Collect: words} }

// askable refuses a policy that asks for more by name than one command can carry.
func (r *reader) askable(n *node, rules []Rule) {
	if r.note != nil {
		return
	}
	asked := (&Policy{Rules: rules}).Needs().Ask
	long := len(strings.Join(asked, ","))
	if len(asked) > MaxAsked || long > maxAskText {
		r.fail(n, "rules", "name %d files, mounts, packages and settings in %d characters, expected at most %d in %d",
			len(asked), long, MaxAsked, maxAskText)
	}
}
