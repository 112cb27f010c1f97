package ssm

import (
	"context"
	"maps"
	"slices"

	"github.com/keyward/keyward/local/wire"
)

func (s *SSM) cancelCommand(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		CommandID   string   `json:"CommandId"`
		InstanceIDs []string `json:"InstanceIds"`
	}](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	err = s.cancel(in.CommandID, in.InstanceIDs)
	s.mu.Unlock()
	s.flush()
	return nil, err
}

func (s *SSM) cancel(id string, ids []string) error {
	c := s.commands[id]
	if c == nil {
		return refuse("InvalidCommandId", "The command %s does not exist.", id)
	}
	chosen := map[string]*invocation{}
	for _, i := range c.Invocations {
		chosen[i.Node] = i
	}
	for _, node := range ids {
		if chosen[node] == nil {
			return refuse("InvalidInstanceId", "The command %s was not sent to %s.", id, node)
		}
	}
	if len(ids) > 0 {
		maps.DeleteFunc(chosen, func(node string, _ *invocation) bool { return !slices.Contains(ids, node) })
	} else {
		c.Asked = true
	}
	for _, i := range c.Invocations {
		switch {
		case chosen[i.Node] == nil:
		case i.cancel != nil:
			s.move(c, i, "Cancelling", "Cancelling")
			i.cancel()
		default:
			s.end(c, i, "Cancelled", "Cancelled")
		}
	}
	s.pump(c)
	return nil
}
