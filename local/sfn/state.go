package sfn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
)

// saved is what survives: executions. State machines come from the template.
type saved struct {
	Sequence   int64
	Executions []*execution
}

// Save returns every execution. One that was in a task is saved as before it, so that the task runs
// once more after Load.
func (s *SFN) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.executions), func(a, b *execution) int { return cmp.Compare(a.Sequence, b.Sequence) })
	text, err := json.Marshal(saved{Sequence: s.sequence, Executions: all})
	if err != nil {
		return nil, fmt.Errorf("saving executions: %w", err)
	}
	return text, nil
}

// Load brings back what Save returned, and carries on what was running: what waits goes on waiting
// until the same instant.
func (s *SFN) Load(text json.RawMessage) error {
	var in saved
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("loading executions: %w", err)
	}
	for _, e := range in.Executions {
		if err := e.revive(); err != nil {
			return fmt.Errorf("loading execution %s: %w", e.Name, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence = max(s.sequence, in.Sequence)
	for _, e := range in.Executions {
		s.executions[e.ARN] = e
		if e.Status == running {
			s.resume(e)
		}
	}
	return nil
}

// revive reads what is not saved as it was.
func (e *execution) revive() error {
	if e.Status != running {
		return nil
	}
	parsed, err := asl.Parse([]byte(e.Definition))
	if err != nil {
		return err
	}
	if e.State != "" && parsed.States[e.State] == nil {
		return fmt.Errorf("its state %q is not in its definition", e.State)
	}
	e.parsed = parsed
	return nil
}

// UnmarshalJSON keeps the numbers of the data as they were written.
func (e *execution) UnmarshalJSON(text []byte) error {
	type plain execution
	in := struct {
		*plain
		Data json.RawMessage
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if len(in.Data) == 0 {
		return nil
	}
	var err error
	e.Data, err = expression.Decode(in.Data)
	return err
}
