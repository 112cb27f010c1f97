// Package safeguard is what keeps data safe when a key is revoked, as far as it is decided and not done:
// what a policy has a machine put at rest, what a machine answered to that, and whether it is locked.
// All of an answer comes from a machine that may be hostile; what it says counts only for what was
// asked of it. Pure values; the function safeguard does the work, recheck asks what is due.
package safeguard

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// Action is what the lock document is asked to do.
type Action string

// The actions.
const (
	Flush   Action = "flush"   // write out buffers and read the state
	Status  Action = "status"  // only read the state
	Quiesce Action = "quiesce" // start the unit that holds an application at rest, then write out buffers
	Resume  Action = "resume"  // stop that unit
	Lock    Action = "lock"
	Unlock  Action = "unlock"
)

// Kind is a sort of thing that a lock acts on.
type Kind string

// The kinds, in the order in which a lock acts on them.
const (
	Buffers Kind = "flush"
	Unit    Kind = "unit"
	Mount   Kind = "mount"
	Mapping Kind = "mapping"
)

// Names are the things that a command is about, in order.
type Names struct {
	Units    []string `json:"units,omitempty"`
	Mounts   []string `json:"mounts,omitempty"`
	Mappings []string `json:"mappings,omitempty"`
}

// Of are the things that a policy names.
func Of(s policy.Safeguard) Names {
	return Names{Units: s.Units, Mounts: s.Mounts, Mappings: s.Mappings}
}

// Empty says whether nothing is named.
func (n Names) Empty() bool { return len(n.Units)+len(n.Mounts)+len(n.Mappings) == 0 }

// Parameters are the lock document's for an action on these names.
func (n Names) Parameters(a Action, nonce string, within time.Duration) map[string]string {
	return map[string]string{
		"Action": string(a), "Nonce": nonce, "Within": seconds(within),
		"Units": list(n.Units), "Mounts": list(n.Mounts), "Mappings": list(n.Mappings),
	}
}

func list(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

// Running are the things of an answer that were in use before it: what an unlock has to bring back, in
// the order in which it does, the last stopped first. A mapping stays in the order of the answer.
func Running(a Answer) Names {
	var n Names
	for _, s := range a.Steps {
		switch {
		case s.Kind == Unit && busyUnit(s.Before):
			n.Units = append(n.Units, s.Name)
		case s.Kind == Mount && s.Before == "mounted":
			n.Mounts = append(n.Mounts, s.Name)
		case s.Kind == Mapping && s.Before == "open":
			n.Mappings = append(n.Mappings, s.Name)
		}
	}
	slices.Reverse(n.Units)
	slices.Reverse(n.Mounts)
	return n
}

// Joined adds names that are missing, in front: an attempt that was cut off may have stopped them.
func (n Names) Joined(earlier Names) Names {
	add := func(now, before []string) []string {
		all := slices.Clone(before)
		for _, name := range now {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		return all
	}
	return Names{add(n.Units, earlier.Units), add(n.Mounts, earlier.Mounts), add(n.Mappings, earlier.Mappings)}
}

func busyUnit(state string) bool {
	return state == "active" || state == "reloading" || state == "activating"
}

// Locked says whether an answer shows all of these at rest: units stopped, nothing mounted, mappings
// closed. A name that the answer does not hold, or whose state could not be read, is not at rest. Why
// tells the first that is not, in one line made of the policy's names and fixed words alone.
func Locked(n Names, a Answer) (ok bool, why string) {
	for _, part := range []struct {
		kind  Kind
		names []string
		rest  []string
	}{
		{Unit, n.Units, []string{"inactive", "failed", "absent"}},
		{Mount, n.Mounts, []string{"unmounted"}},
		{Mapping, n.Mappings, []string{"closed"}},
	} {
		for _, name := range part.names {
			s, there := a.find(part.kind, name)
			if !there || !slices.Contains(part.rest, s.After) {
				return false, s.told(part.kind, name, there)
			}
		}
	}
	return true, ""
}

// Unlocked says whether an answer shows what was in use before a lock in use again. A mapping that the
// lock closed is not asked for: only its key opens it.
func Unlocked(before Names, a Answer) (ok bool, why string) {
	for _, name := range before.Mounts {
		if s, there := a.find(Mount, name); !there || s.After != "mounted" {
			return false, s.told(Mount, name, there) + closed(before, a)
		}
	}
	for _, name := range before.Units {
		if s, there := a.find(Unit, name); !there || !busyUnit(s.After) {
			return false, s.told(Unit, name, there) + closed(before, a)
		}
	}
	return true, closed(before, a)
}

// closed names the mappings that cannot be brought back without their key.
func closed(before Names, a Answer) string {
	var names []string
	for _, name := range before.Mappings {
		if s, there := a.find(Mapping, name); there && s.After == "closed" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; closed until somebody opens it with its key: " + strings.Join(names, ", ")
}
