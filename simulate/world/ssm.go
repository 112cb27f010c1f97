package world

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
)

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

// script stands for the inspection script, which is pinned by its digest: the real one is long, and every
// command would have it decoded.
const script = "#!/bin/sh"

// Digest is of the script in the registered document.
func Digest() string {
	text, _ := documents.Script(registered()) // it is a document
	return documents.Digest(text)
}

// registered is a document around the script.
func registered() string {
	content, _ := json.Marshal(map[string]any{
		"schemaVersion": "2.2", "description": "inspection",
		"mainSteps": []any{map[string]any{"action": "aws:runShellScript", "name": "inspect", "inputs": map[string]any{"runCommand": []string{script}}}},
	})
	return string(content)
}

// SSM is Run Command: what was sent, and what came back. It has the calls of ssmrun.
type SSM struct {
	w        *World
	Content  string // of the registered document
	commands map[string]*command
	sent     int
	patched  []patching

	// Answered is told what a guest was like when it answered a command; nil is nobody.
	Answered func(g *Guest, command string)
	// Over is told that a command has ended on all its machines: EventBridge's event.
	Over func(command string)
}

// Patches is ssmrun's. No policy of the simulation asks for patches.
func (s *SSM) Patches(context.Context, []string) (found map[string]evidence.PatchState, err error) {
	return found, s.w.call("ssm", "DescribeInstancePatchStates", func() error { return nil })
}

// Agents is ssmrun's. No policy of the simulation asks for agents.
func (s *SSM) Agents(context.Context, []string) (found map[string]evidence.Agent, err error) {
	return found, s.w.call("ssm", "DescribeInstanceInformation", func() error { return nil })
}

// Patch has a machine patched by somebody: SSM was asked to.
func (s *SSM) Patch(machine string) {
	s.patched = append(s.patched, patching{id: fmt.Sprintf("patching-%s-%d", machine, s.w.now.Unix()), machine: machine, at: s.w.now})
}

type patching struct {
	id, machine string
	at          time.Time
}

// Patchings is ssmrun's.
func (s *SSM) Patchings(_ context.Context, since time.Time) (ids []string, err error) {
	err = s.w.call("ssm", "ListCommands", func() error {
		for _, p := range s.patched {
			if !p.at.Before(since) {
				ids = append(ids, p.id)
			}
		}
		return nil
	})
	return ids, err
}

// Asked is ssmrun's.
func (s *SSM) Asked(_ context.Context, command, machine string) (at time.Time, err error) {
	err = s.w.call("ssm", "ListCommandInvocations", func() error {
		for _, p := range s.patched {
			if p.id == command && p.machine == machine {
				at = p.at
			}
		}
		return nil
	})
	return at, err
}

type command struct {
	id      string
	nonce   string
	sent    time.Time
	shown   time.Time // in lists
	answers map[string]*answer
	missing int
	lock    map[string]string // parameters of the lock document; nil is an inspection
}

type answer struct {
	status string // "" while it runs
	look   look
	text   string    // of the lock document
	shown  time.Time // from then on the list says that it ended
}

func newSSM(w *World) *SSM {
	return &SSM{w: w, Content: registered(), commands: map[string]*command{}}
}

// Document is ssmrun's.
func (s *SSM) Document(_ context.Context, name string) (d inspection.Document, err error) {
	err = s.w.call("ssm", "GetDocument", func() error {
		d = inspection.Document{Name: name, Version: "1", Hash: "hash", Content: s.Content}
		return nil
	})
	return d, err
}

// Online is ssmrun's.
func (s *SSM) Online(_ context.Context, machines []string) (online map[string]bool, err error) {
	err = s.w.call("ssm", "DescribeInstanceInformation", func() error {
		online = map[string]bool{}
		for _, id := range machines {
			g := s.w.Guest(id)
			online[id] = g != nil && g.Power == integrity.Running && !g.Offline
		}
		return nil
	})
	return online, err
}

// refused is an error with AWS's own code, as the SDK's are.
type refused struct{ code string }

func (r refused) Error() string     { return "https response error: " + r.code }
func (r refused) ErrorCode() string { return r.code }

// Send is ssmrun's. A machine that does not run has the whole command refused.
func (s *SSM) Send(_ context.Context, d inspection.Document, machines []string, parameters map[string]string, _ string) (id string, err error) {
	err = s.w.call("ssm", "SendCommand", func() error {
		for _, m := range machines {
			if g := s.w.Guest(m); g == nil || g.Power != integrity.Running {
				return fault.Wrap(fault.Invalid, refused{"InvalidInstanceId"}, "sending the inspection: InvalidInstanceId")
			}
		}
		s.sent++
		c := &command{
			id: fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.sent), nonce: parameters["Nonce"], sent: s.w.now,
			shown: s.w.now.Add(s.w.lag()), answers: map[string]*answer{}, missing: len(machines),
		}
		if d.Name == LockDocument {
			c.lock = parameters
		}
		s.commands[c.id] = c
		for _, m := range machines {
			c.answers[m] = &answer{}
			s.deliver(c, s.w.Guest(m))
		}
		id = c.id
		return nil
	})
	return id, err
}

// deliver has a guest answer a command in its time, or SSM give up.
func (s *SSM) deliver(c *command, g *Guest) {
	takes := s.w.between(2*time.Second, 12*time.Second)
	s.w.After(takes, func() {
		a := c.answers[g.ID]
		if g.Power != integrity.Running || g.Offline || g.Mute {
			status, gaveUp := "DeliveryTimedOut", 30*time.Second
			if g.Mute {
				status, gaveUp = "ExecutionTimedOut", 80*time.Second
			}
			s.w.After(gaveUp-takes, func() { s.ended(c, a, status) })
			return
		}
		if c.lock != nil {
			a.text = g.locks(c.lock)
			s.ended(c, a, "Success")
			return
		}
		a.look = look{nonce: c.nonce, at: s.w.now.Add(g.Skew), ports: slices.Clone(g.Ports), kernel: g.Kernel, garbled: g.Garbled}
		if s.Answered != nil {
			s.Answered(g, c.id)
		}
		s.ended(c, a, "Success")
	})
}

func (s *SSM) ended(c *command, a *answer, status string) {
	a.status, a.shown = status, s.w.now.Add(s.w.lag())
	if c.missing--; c.missing == 0 && c.lock == nil && s.Over != nil && !s.w.chance(s.w.Faults.Missing) {
		s.w.After(s.w.between(200*time.Millisecond, 5*time.Second), func() { s.Over(c.id) })
	}
}

// Invocations is ssmrun's.
func (s *SSM) Invocations(_ context.Context, id string) (list []inspection.Invocation, err error) {
	err = s.w.call("ssm", "ListCommandInvocations", func() error {
		c := s.commands[id]
		if c == nil || s.w.now.Before(c.shown) {
			return nil
		}
		for _, m := range sortedKeys(c.answers) {
			a := c.answers[m]
			v := inspection.Invocation{Machine: m, Status: "InProgress"}
			if a.status != "" && !s.w.now.Before(a.shown) {
				v.Status, v.Ended, v.Success = a.status, true, a.status == "Success"
				if v.Success {
					v.Output = a.output()
				}
			}
			list = append(list, v)
		}
		return nil
	})
	return list, err
}

// Output is ssmrun's.
func (s *SSM) Output(_ context.Context, id, machine, _ string) (text string, err error) {
	err = s.w.call("ssm", "GetCommandInvocation", func() error {
		c := s.commands[id]
		if c == nil || c.answers[machine] == nil {
			return fault.New(fault.NotFound, "reading the answer of %s: InvocationDoesNotExist", machine)
		}
		if a := c.answers[machine]; a.status == "Success" {
			text = a.output()
		}
		return nil
	})
	return text, err
}

func (a *answer) output() string {
	if a.text != "" {
		return a.text
	}
	return a.look.line()
}

// Forget drops commands that were sent before an instant: AWS keeps them for 30 days.
func (s *SSM) Forget(before time.Time) {
	for id, c := range s.commands {
		if c.sent.Before(before) {
			delete(s.commands, id)
		}
	}
	s.patched = slices.DeleteFunc(s.patched, func(p patching) bool { return p.at.Before(before) })
}
