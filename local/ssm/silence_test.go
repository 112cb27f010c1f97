package ssm_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
)

func TestASilentMachineTimesOutInVirtualTime(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*place){
		"silent":                     func(p *place) { p.node(t, host()); p.silence(here, true) },
		"connection lost":            func(p *place) { p.node(t, ssm.Node{ID: here, Host: true, PingStatus: "ConnectionLost"}) },
		"neither host nor simulated": func(p *place) { p.node(t, ssm.Node{ID: here}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			prepare(p)
			p.put(t, "keyward-inspect", script("true"))
			in := one("keyward-inspect", here)
			in.TimeoutSeconds = aws.Int32(600)
			id := p.send(t, in)
			p.forward(t, 659*time.Second)
			if got := p.status(t, id); got != "InProgress/InProgress" {
				t.Errorf("a second before the total timeout the command is %s", got)
			}
			i := p.invocation(t, id, here)
			if i.ResponseCode != -1 || i.Status != "InProgress" || *i.ExecutionStartDateTime != "" || *i.PluginName != "inspect" {
				t.Errorf("invocation before the end is %s, code %d, begun %q", i.Status, i.ResponseCode, *i.ExecutionStartDateTime)
			}
			p.forward(t, time.Second)
			if got := p.status(t, id); got != "TimedOut/DeliveryTimedOut" {
				t.Errorf("after the total timeout the command is %s", got)
			}
			if diff := cmp.Diff([]string{"TimedOut/DeliveryTimedOut"}, p.ends(t, id)); diff != "" {
				t.Error(diff)
			}
			if c := p.command(t, id); c.DeliveryTimedOutCount != 1 || c.ErrorCount != 0 || c.CompletedCount != 1 {
				t.Errorf("counts: %d delivery timeouts, %d errors, %d completed; want 1, 0, 1", c.DeliveryTimedOutCount, c.ErrorCount, c.CompletedCount)
			}
			for _, kind := range []string{ofCommand, ofInvocation} {
				if diff := cmp.Diff([]string{"InProgress", "TimedOut"}, p.statuses(t, kind)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
			if got := p.invocation(t, id, here); got.ResponseCode != -1 {
				t.Errorf("code of an invocation that never ran is %d, want -1", got.ResponseCode)
			}
			// An answer that comes too late changes nothing.
			p.silence(here, false)
			p.node(t, host())
			p.settle(t)
			if got := p.status(t, id); got != "TimedOut/DeliveryTimedOut" {
				t.Errorf("after the machine is back the command is %s", got)
			}
		})
	}
}

func TestAMachineThatComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		node  ssm.Node
		first string
		back  func(*place)
		want  string
	}{
		"in time":      {time.Minute, host(), "InProgress/InProgress", func(p *place) { p.Wake(here) }, "Success/Success"},
		"too late":     {30 * time.Minute, host(), "InProgress/InProgress", func(p *place) { p.Wake(here) }, "InProgress/InProgress"},
		"started":      {time.Minute, ssm.Node{ID: here, State: "stopped", Host: true}, "Delayed/Delayed", func(p *place) { p.node(t, host()) }, "Success/Success"},
		"terminated":   {time.Minute, host(), "InProgress/InProgress", func(p *place) { p.node(t, ssm.Node{ID: here, State: "terminated"}) }, "Failed/Undeliverable"},
		"deregistered": {time.Minute, host(), "InProgress/InProgress", func(p *place) { p.RemoveNode(here) }, "Failed/Undeliverable"},
		"gone, late":   {30 * time.Minute, host(), "InProgress/InProgress", func(p *place) { p.RemoveNode(here) }, "Failed/Undeliverable"},
		"other wakes":  {time.Minute, host(), "InProgress/InProgress", func(p *place) { p.Wake("i-00000000000000001") }, "InProgress/InProgress"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			p.node(t, c.node)
			p.silence(here, true)
			p.put(t, "keyward-inspect", script("true"))
			in := one("keyward-inspect", here)
			in.TimeoutSeconds = aws.Int32(1800)
			id := p.send(t, in)
			if diff := cmp.Diff([]string{c.first}, p.ends(t, id)); diff != "" {
				t.Error(diff)
			}
			p.forward(t, c.after)
			p.silence(here, false)
			c.back(p)
			p.settle(t)
			if diff := cmp.Diff([]string{c.want}, p.ends(t, id)); diff != "" {
				t.Error(diff)
			}
			if c.want == "Failed/Undeliverable" {
				if got := p.status(t, id); got != "Failed/Incomplete" {
					t.Errorf("command is %s", got)
				}
			}
		})
	}
}
