package policy

import "slices"

// Default is the built-in policy of machines that no other policy matches: without rules, so that
// every verdict is Unknown and every key request is held for a person.
func Default() *Policy {
	p := defaults()
	p.Name, p.Description = DefaultName, "Built in, for machines that no other policy matches"
	return p
}

// Matches says whether the policy is for this machine: everything that ids and tags say holds, and
// except does not name it. A policy that says neither is only for machines enrolled with its name.
func (p *Policy) Matches(machine string, tags map[string]string) bool {
	m := p.Machines
	if len(m.IDs) == 0 && len(m.Tags) == 0 || slices.Contains(m.Except, machine) {
		return false
	}
	if len(m.IDs) > 0 && !slices.Contains(m.IDs, machine) {
		return false
	}
	for k, want := range m.Tags {
		if have, ok := tags[k]; !ok || have != want {
			return false
		}
	}
	return true
}

// Match is the policy for a machine that was not enrolled with one: of those that match the one of
// the highest priority, else Default. Between two of one priority, which Ambiguous keeps out of the
// store, the name decides, so that the answer does not depend on the order of the list.
func Match(policies []*Policy, machine string, tags map[string]string) *Policy {
	var best *Policy
	for _, p := range policies {
		if !p.Matches(machine, tags) {
			continue
		}
		if best == nil || p.Machines.Priority > best.Machines.Priority ||
			p.Machines.Priority == best.Machines.Priority && p.Name < best.Name {
			best = p
		}
	}
	if best == nil {
		return Default()
	}
	return best
}

// Ambiguous says whether two policies of one priority could match one machine, so that the second must
// not be put. Two versions of one policy are never ambiguous.
func Ambiguous(a, b *Policy) bool {
	switch {
	case a.Name == b.Name, a.Machines.Priority != b.Machines.Priority:
		return false
	case a.Machines.matchesNone(), b.Machines.matchesNone():
		return false
	}
	for k, v := range a.Machines.Tags {
		if other, ok := b.Machines.Tags[k]; ok && other != v {
			return false
		}
	}
	return idsMeet(a.Machines, b.Machines)
}

// left are the ids that except leaves over.
func (m Machines) left() []string {
	return slices.DeleteFunc(slices.Clone(m.IDs), func(id string) bool { return slices.Contains(m.Except, id) })
}

func (m Machines) matchesNone() bool {
	return len(m.IDs) == 0 && len(m.Tags) == 0 || len(m.IDs) > 0 && len(m.left()) == 0
}

// idsMeet says whether some id passes both lists. A policy without ids admits every id it does not
// except.
func idsMeet(a, b Machines) bool {
	if len(a.IDs) == 0 {
		a, b = b, a
	}
	if len(a.IDs) == 0 {
		return true
	}
	return slices.ContainsFunc(a.left(), func(id string) bool {
		return !slices.Contains(b.Except, id) && (len(b.IDs) == 0 || slices.Contains(b.IDs, id))
	})
}
