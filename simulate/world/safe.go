package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/safeguard"
)

// LockDocument is the name of the registered lock document; every other one inspects.
const LockDocument = "keyward-lock"

// locks does what the lock document does on a guest with one mount and one mapping, and returns the line that it prints.
func (g *Guest) locks(parameters map[string]string) string {
	action := parameters["Action"]
	unmounted, closed := g.Unmounted, g.Closed
	switch action {
	case "lock":
		g.Unmounted, g.Closed = true, !g.Busy
	case "unlock":
		g.Unmounted, g.Closed = false, false
	}
	steps := []map[string]string{{"k": "flush", "n": "buffers", "r": "done"}}
	step := func(kind, names, busy, rest string, before, after bool) {
		if names == "-" {
			return
		}
		for _, name := range strings.Split(names, ",") {
			steps = append(steps, map[string]string{
				"k": kind, "n": name, "before": either(before, rest, busy), "after": either(after, rest, busy), "r": either(before == after, "already", "done"),
			})
		}
	}
	step("mount", parameters["Mounts"], "mounted", "unmounted", unmounted, g.Unmounted)
	step("mapping", parameters["Mappings"], "open", "closed", closed, g.Closed)
	text, _ := json.Marshal(map[string]any{"v": 1, "nonce": parameters["Nonce"], "action": action, "uid": 0, "steps": steps})
	return strings.Replace(wire(text), "KWE1", "KWL1", 1)
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// Locked says whether its data is at rest; InUse whether all of it is in use.
func (g *Guest) Locked() bool { return g.Unmounted && g.Closed }

// InUse is the state in which a guest begins.
func (g *Guest) InUse() bool { return !g.Unmounted && !g.Closed }

// Safe is EC2 where it makes snapshots and stops machines. It has the calls of ec2safe.
type Safe struct {
	w         *World
	count     int
	snapshots map[string][]*snapshot // by execution
	Saved     map[string]time.Time   // by machine: when the last snapshot of its volumes was complete

	// Stops is told that EC2 was asked to stop a guest that runs; it has to Turn it in its time. Nil does so.
	Stops func(g *Guest)
}

type snapshot struct {
	safeguard.Snapshot
	done time.Time
}

// Snap is ec2safe's. A snapshot takes some minutes, and one in fifty fails.
func (s *Safe) Snap(_ context.Context, machine, execution string, _ bool) (list []safeguard.Snapshot, err error) {
	err = s.w.call("ec2", "CreateSnapshots", func() error {
		g := s.w.Guest(machine)
		if g == nil || g.Power == integrity.Gone {
			return fault.New(fault.NotFound, "making snapshots of %s: InvalidInstanceID.NotFound", machine)
		}
		s.count++
		made := &snapshot{
			Snapshot: safeguard.Snapshot{ID: fmt.Sprintf("snap-%017x", s.count), Volume: "vol-" + strings.TrimPrefix(machine, "i-"), State: "pending", Begun: s.w.now},
			done:     s.w.now.Add(s.w.between(time.Minute, 8*time.Minute)),
		}
		s.snapshots[execution] = append(s.snapshots[execution], made)
		list = []safeguard.Snapshot{made.Snapshot}
		s.w.At(made.done, func() {
			if made.State = "completed"; s.w.chance(0.02) {
				made.State = "error"
				return
			}
			s.Saved[machine] = s.w.now
		})
		return nil
	})
	return list, err
}

// Snapshots is ec2safe's.
func (s *Safe) Snapshots(_ context.Context, execution string) (list []safeguard.Snapshot, err error) {
	err = s.w.call("ec2", "DescribeSnapshots", func() error {
		for _, made := range s.snapshots[execution] {
			list = append(list, made.Snapshot)
		}
		return nil
	})
	return slices.Clone(list), err
}

// Stop is ec2safe's.
func (s *Safe) Stop(_ context.Context, machine string) error {
	return s.w.call("ec2", "StopInstances", func() error {
		g := s.w.Guest(machine)
		switch {
		case g == nil || g.Power == integrity.Gone:
			return fault.New(fault.NotFound, "stopping %s: InvalidInstanceID.NotFound", machine)
		case g.Power != integrity.Running || g.Stopping:
			return nil
		}
		g.Stopping = true
		if s.Stops != nil {
			s.Stops(g)
			return nil
		}
		s.w.After(s.w.between(20*time.Second, 2*time.Minute), func() { s.w.Turn(g, integrity.Stopped) })
		return nil
	})
}

// State is ec2safe's.
func (s *Safe) State(_ context.Context, machine string) (state string, err error) {
	err = s.w.call("ec2", "DescribeInstances", func() error {
		g := s.w.Guest(machine)
		switch {
		case g == nil:
			return fault.New(fault.NotFound, "describing %s: InvalidInstanceID.NotFound", machine)
		case g.Power == integrity.Gone:
			state = "terminated"
		case g.Power == integrity.Stopped:
			state = "stopped"
		case g.Stopping:
			state = "stopping"
		default:
			state = "running"
		}
		return nil
	})
	return state, err
}
