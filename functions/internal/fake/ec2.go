package fake

import (
	"context"
	"fmt"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/safeguard"
)

// EC2 makes snapshots and stops the one instance that it has.
type EC2 struct {
	*Calls
	Made     []safeguard.Snapshot
	Late     bool   // it makes what it is asked for and does not list it
	None     bool   // the instance has no volumes to snapshot
	Instance string // its state; "" when EC2 does not know it
	Stuck    bool   // it stays stopping
}

// Snap is ec2safe's: two volumes, pending.
func (e *EC2) Snap(_ context.Context, machine, execution string, root bool) ([]safeguard.Snapshot, error) {
	if err := e.call("ec2.Snap", machine, execution, fmt.Sprint(root)); err != nil || e.None {
		return nil, err
	}
	var made []safeguard.Snapshot
	for i := range 2 {
		made = append(made, safeguard.Snapshot{ID: fmt.Sprintf("snap-%d", len(e.Made)+i), Volume: fmt.Sprintf("vol-%d", i), State: "pending", Begun: Start})
	}
	e.Made = append(e.Made, made...)
	return made, nil
}

// Snapshots is ec2safe's.
func (e *EC2) Snapshots(_ context.Context, execution string) ([]safeguard.Snapshot, error) {
	if e.Late {
		return nil, e.call("ec2.Snapshots", execution)
	}
	return unless(e.call("ec2.Snapshots", execution), append([]safeguard.Snapshot(nil), e.Made...))
}

// Becomes puts all snapshots into a state.
func (e *EC2) Becomes(state string) {
	for i := range e.Made {
		e.Made[i].State = state
	}
}

// Stop is ec2safe's.
func (e *EC2) Stop(_ context.Context, machine string) error {
	if err := e.call("ec2.Stop", machine); err != nil {
		return err
	}
	e.Instance = "stopping"
	return nil
}

// State is ec2safe's. An instance that is stopping is stopped the next time.
func (e *EC2) State(_ context.Context, machine string) (string, error) {
	if err := e.call("ec2.State", machine); err != nil {
		return "", err
	}
	now := e.Instance
	if now == "" {
		return "", fault.New(fault.NotFound, "asking EC2 for %s: it does not know it", machine)
	}
	if now == "stopping" && !e.Stuck {
		e.Instance = "stopped"
	}
	return now, nil
}
