package ssm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

type state struct {
	Documents []*document `json:"documents"`
	Calendars []*change   `json:"calendars,omitempty"`
	Nodes     []*Node     `json:"nodes"`
	Commands  []*command  `json:"commands"` // oldest first

	Compliance []Compliance `json:"compliance,omitempty"`
}

// Save is the state as JSON, without what simulated nodes answer.
func (s *SSM) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var st state
	for _, d := range s.documents {
		st.Documents = append(st.Documents, d)
	}
	for _, name := range slices.Sorted(maps.Keys(s.calendars)) {
		st.Calendars = append(st.Calendars, s.calendars[name])
	}
	for _, id := range s.nodeIDs() {
		st.Nodes = append(st.Nodes, s.nodes[id])
	}
	for _, id := range s.order {
		st.Commands = append(st.Commands, s.commands[id])
	}
	st.Compliance = s.compliance
	return json.Marshal(st)
}

// Load puts a saved state in place of the present one; nodes that are known already keep their Answer.
// What ran when it was saved runs no more: it stays InProgress until its timeout, like a machine that
// never answered. Saved documents run again once PutDocument has registered them, so Load comes first.
// An empty state changes nothing.
func (s *SSM) Load(saved json.RawMessage) error {
	if len(saved) == 0 {
		return nil
	}
	var st state
	if err := json.Unmarshal(saved, &st); err != nil {
		return fmt.Errorf("loading the state of ssm: %w", err)
	}
	fresh := New(s.options)
	for _, d := range st.Documents {
		if err := d.restore(); err != nil {
			return fmt.Errorf("loading document %s: %w", d.Name, err)
		}
		fresh.documents[d.Name] = d
	}
	for _, c := range st.Calendars {
		if err := c.restore(); err != nil {
			return err
		}
		fresh.calendars[c.Name] = c
	}
	defer s.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range st.Nodes {
		if known := s.nodes[n.ID]; known != nil {
			n.Answer = known.Answer
		}
		if err := fresh.PutNode(*n); err != nil {
			return fmt.Errorf("loading the state of ssm: %w", err)
		}
	}
	for _, c := range st.Commands {
		d := fresh.documents[c.Document]
		if d == nil || c.Version < 1 || c.Version > len(d.Versions) {
			return fmt.Errorf("loading command %s: expected its document %s in version %d", c.ID, c.Document, c.Version)
		}
		c.restore(d)
		fresh.commands[c.ID] = c
		fresh.order = append(fresh.order, c.ID)
	}
	s.documents, s.nodes, s.commands, s.order = fresh.documents, fresh.nodes, fresh.commands, fresh.order
	s.calendars, s.compliance = fresh.calendars, st.Compliance
	for _, id := range s.order {
		c := s.commands[id]
		if c.count((*invocation).ended) < len(c.Invocations) {
			s.arm(c)
			s.pump(c)
		}
	}
	return nil
}

func (c *command) restore(d *document) {
	c.bound = d.Versions[c.Version-1].parsed.Bind(c.Parameters)
	c.next = len(c.Invocations)
	for n, i := range c.Invocations {
		if i.Status == "Pending" {
			c.next = min(c.next, n)
		} else if i.Sent && !i.ended() {
			c.flying++
		}
	}
	c.window = max(1, c.concurrency())
}
