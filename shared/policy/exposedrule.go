package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// exposed asks that no security group lets the world in to some ports.
func (r *reader) exposed(n *node, path string) condition {
	c, before := &facts{need: askAWS(evidence.AWSInstance, evidence.AWSGroups).With(collect("listeners"))}, len(r.errs)
	r.object(n, path, []key{
		{"closed", func(n *node, path string) {
			closed := r.portList(n, path, true)
			c.add(portList(closed)+" closed to the world by security groups", func(ev *evidence.Evidence, _ time.Time) outcome {
				return judgeGroups(ev, func(l evidence.InboundRule) bool {
					return slices.ContainsFunc(closed, func(p portRange) bool { return p.meets(l) })
				})
			})
		}},
		{"only", func(n *node, path string) {
			only := r.portList(n, path, true)
			c.add("the world let in to "+portList(only)+" only", func(ev *evidence.Evidence, _ time.Time) outcome {
				return judgeGroups(ev, func(l evidence.InboundRule) bool {
					return !slices.ContainsFunc(only, func(p portRange) bool { return p.holds(l) })
				})
			})
		}},
		{"listening", func(n *node, path string) {
			c.stops = true
			closed := r.portList(n, path, true)
			c.add(portList(closed)+" not open to the world, with something that listens", func(ev *evidence.Evidence, _ time.Time) outcome { return judgeReachable(ev, closed) })
		}},
	})
	return r.asked(n, path, c, before, "closed", "only", "listening")
}

// meets says whether a rule of a security group lets in to any of the ports.
func (p portRange) meets(l evidence.InboundRule) bool {
	return (l.Proto == p.proto || l.Proto == "all") && l.From <= p.high && l.To >= p.low
}

// holds says whether all that a rule lets in to are these ports. Other protocols, such as icmp, are no
// ports.
func (p portRange) holds(l evidence.InboundRule) bool {
	if l.Proto != "tcp" && l.Proto != "udp" && l.Proto != "all" {
		return true
	}
	return l.Proto == p.proto && p.low <= l.From && l.To <= p.high
}

func judgeGroups(ev *evidence.Evidence, offends func(evidence.InboundRule) bool) outcome {
	if ev.AWS == nil {
		return missing("security groups", evidence.WhyNotCollected)
	}
	return check("security groups", ev.AWS.Inbound, func(all []evidence.InboundRule) outcome {
		var bad []string
		for _, l := range all {
			if l.World() && offends(l) {
				bad = append(bad, fmt.Sprintf("%s lets %s in to %s", l.Group, l.Peer, inboundPorts(l)))
			}
		}
		if len(bad) == 0 {
			return passed("not open to the world")
		}
		return failed(few(bad), bad[0], bad...)
	})
}

func inboundPorts(l evidence.InboundRule) string {
	switch {
	case l.Proto == "all":
		return "everything"
	case l.From == l.To:
		return fmt.Sprintf("%s/%d", l.Proto, l.From)
	default:
		return fmt.Sprintf("%s/%d-%d", l.Proto, l.From, l.To)
	}
}

// judgeReachable compares what security groups let in with what listens: both together are a way in.
func judgeReachable(ev *evidence.Evidence, ranges []portRange) outcome {
	if ev.AWS == nil {
		return missing("security groups", evidence.WhyNotCollected)
	}
	return check("security groups", ev.AWS.Inbound, func([]evidence.InboundRule) outcome {
		return check("listening ports", ev.Listeners, func(all []evidence.Listener) outcome {
			var found, values []string
			for i := range all {
				l := &all[i]
				if l.Scope == "loopback" || !covers(ranges, l) {
					continue
				}
				if rules, _ := ev.Exposures(l.Proto, l.Port); len(rules) > 0 {
					found = append(found, listener(l)+", and "+rules[0].Group+" lets "+rules[0].Peer+" in")
					values = append(values, listenerValue(l)+", "+rules[0].Group+" "+rules[0].Peer)
				}
			}
			if len(found) == 0 {
				return passed("nothing that the world reaches listens")
			}
			return failed(few(found), found[0], values...)
		})
	})
}
