package ssm

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/local/ssm/agent"
)

// Everything here but run and expire is called with the service locked.

// pump sends the command to as many nodes as may be at it together.
func (s *SSM) pump(c *command) {
	for c.next < len(c.Invocations) && c.flying < min(c.window, c.concurrency()) && !c.Asked {
		i := c.Invocations[c.next]
		c.next++
		if i.ended() {
			continue
		}
		i.Sent = true
		c.flying++
		s.deliver(c, i)
	}
	s.settle(c)
}

// deliver hands one invocation to its node, or leaves it waiting there. Past TimeoutSeconds nothing
// starts any more.
func (s *SSM) deliver(c *command, i *invocation) {
	n := s.nodes[i.Node]
	d := s.documents[c.Document]
	late := s.now().Sub(c.Requested) >= time.Duration(c.TimeoutSeconds)*time.Second
	switch {
	case n == nil || n.State == "terminated":
		s.end(c, i, "Failed", "Undeliverable")
	case !slices.Contains(d.Versions[c.Version-1].parsed.Platforms(), n.PlatformType):
		s.end(c, i, "Failed", "InvalidPlatform")
	case n.State == "stopped":
		s.move(c, i, "Delayed", "Delayed")
	default:
		s.move(c, i, "InProgress", "InProgress")
		answers := n.PingStatus == "Online" && (n.Host || n.Answer != nil) && !s.options.Silent(n.ID)
		if answers && !late && d.registered {
			s.begin(c, i, *n)
			return
		}
	}
	// What AWS does with the ramp while an agent is away was not observed; here it does not hold up
	// the others, and keeps its place within MaxConcurrency.
	c.window++
}

// begin starts the document for one node in a goroutine of its own.
func (s *SSM) begin(c *command, i *invocation, n Node) {
	ctx, cancel := context.WithCancel(context.Background())
	i.Begun, i.cancel, i.Start = true, cancel, s.now()
	done := s.options.Clock.Work("document " + c.Document + " on " + n.ID)
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer done()
		defer cancel()
		s.run(ctx, c, i, n)
	}()
}

func (s *SSM) notHere(document string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.documents[document]
	return d != nil && d.notHere
}

// refused is what a script does that this host does not run.
func refused(context.Context, agent.Script) agent.Outcome {
	o := agent.Outcome{Code: 1, Reason: "exit status 1"}
	_, _ = o.Stderr.Write([]byte("this document is not run on this host\n"))
	return o
}

func (s *SSM) run(ctx context.Context, c *command, i *invocation, n Node) {
	s.mu.Lock()
	c.window++
	s.pump(c)
	s.mu.Unlock()
	s.flush()
	execute := s.host.Execute
	if s.notHere(c.Document) {
		execute = refused
	}
	if n.Answer != nil {
		execute = func(context.Context, agent.Script) agent.Outcome {
			var o agent.Outcome
			_, _ = o.Stdout.Write([]byte(n.Answer(n.ID, c.Parameters)))
			return o
		}
	}
	machine := agent.Machine{
		ID: n.ID, Region: s.options.Region, Platform: n.PlatformType,
		PlatformName: n.PlatformName, PlatformVersion: n.PlatformVersion,
	}
	status := c.bound.Run(ctx, c.ID, machine, execute, s.now, func(r agent.Result) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !i.ended() {
			i.Steps = append(i.Steps, r)
		}
	})
	s.mu.Lock()
	i.cancel = nil
	detail := string(status)
	if status == agent.TimedOut {
		detail = "ExecutionTimedOut"
	}
	s.end(c, i, string(status), detail)
	s.pump(c)
	s.mu.Unlock()
	s.flush()
}

// move changes an open invocation's status.
func (s *SSM) move(c *command, i *invocation, status, detail string) {
	if i.ended() || i.Status == status && i.Details == detail {
		return
	}
	i.Status, i.Details = status, detail
	s.tellInvocation(c, i)
}

// end closes an invocation; one that has ended keeps its end, so a late answer changes nothing.
func (s *SSM) end(c *command, i *invocation, status, detail string) {
	if i.ended() {
		return
	}
	if i.Sent {
		c.flying--
	}
	i.End = s.now()
	s.move(c, i, status, detail)
	if i.failed() && c.tooManyErrors() {
		for _, rest := range c.Invocations {
			if rest.Status == "Pending" {
				s.end(c, rest, "Failed", "Terminated")
			}
		}
	}
}

// settle brings the command's own status up to date.
func (s *SSM) settle(c *command) {
	status, detail := c.judge()
	if status == c.Status && detail == c.Details {
		return
	}
	c.Status, c.Details = status, detail
	if !slices.Contains(open, status) && c.timer != nil {
		c.timer.Stop()
	}
	s.tellCommand(c)
}

// redeliver tries again what waits for a node or for a document.
func (s *SSM) redeliver(node, document string) {
	for _, id := range s.order {
		c := s.commands[id]
		for _, i := range c.Invocations {
			if i.waits() && (i.Node == node || c.Document == document) {
				s.deliver(c, i)
				s.pump(c)
			}
		}
	}
}

// arm sets the timer of the total timeout.
func (s *SSM) arm(c *command) {
	c.timer = s.options.Clock.At(c.Expires, "timeout of command "+c.ID, func() { s.expire(c) })
}

func (s *SSM) expire(c *command) {
	s.mu.Lock()
	for _, i := range c.Invocations {
		s.end(c, i, "TimedOut", "DeliveryTimedOut")
	}
	s.settle(c)
	s.mu.Unlock()
	s.flush()
}
