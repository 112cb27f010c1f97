package ec2

import (
	"bytes"
	"encoding/json"
	"fmt"
)

type saved struct {
	Machines  json.RawMessage `json:"machines"`
	Snapshots []*Snapshot     `json:"snapshots,omitempty"`
}

// Save is the inventory.
func (e *EC2) Save() (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	machines, err := json.Marshal(e.sorted())
	if err != nil {
		return nil, err
	}
	return json.Marshal(saved{machines, e.snapshots()})
}

// Load puts back what Save gave; a state that does not read whole changes nothing.
func (e *EC2) Load(state json.RawMessage) error {
	s := saved{Machines: state} // a list of machines alone is what was kept before there were snapshots
	if bytes.HasPrefix(state, []byte("{")) {
		if err := json.Unmarshal(state, &s); err != nil {
			return fmt.Errorf("reading the saved inventory: %w", err)
		}
	}
	machines, err := ParseInventory(s.Machines)
	if err != nil {
		return err
	}
	snaps := map[string]*Snapshot{}
	for _, snap := range s.Snapshots {
		if err := snap.check(); err != nil {
			return fmt.Errorf("reading the saved inventory: %w", err)
		}
		snaps[snap.ID] = snap
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.machines, e.snaps = map[string]*Machine{}, snaps
	for _, m := range machines {
		e.machines[m.ID] = m.clone()
	}
	return nil
}
