// Package handler keeps data safe before a revocation and makes it effective after it. It is what the
// program safeguard serves, apart from its wiring, so that the simulation runs the same code.
//
// Every op is called again until it says something else than waiting: no function waits. What was begun is
// in the machine's record before it is done, so that an attempt that was cut off is taken up.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

type machines interface {
	Document(ctx context.Context, name string) (inspection.Document, error)
	Online(ctx context.Context, machines []string) (map[string]bool, error)
	Send(ctx context.Context, d inspection.Document, machines []string, parameters map[string]string, comment string) (string, error)
	Invocations(ctx context.Context, command string) ([]inspection.Invocation, error)
}

type instances interface {
	Snap(ctx context.Context, machine, execution string, root bool) ([]safeguard.Snapshot, error)
	Snapshots(ctx context.Context, execution string) ([]safeguard.Snapshot, error)
	Stop(ctx context.Context, machine string) error
	State(ctx context.Context, machine string) (string, error)
}

// Handler serves the ops snapshot, lock, unlock and stop. All fields are required.
type Handler struct {
	Store    records
	Machines machines
	EC2      instances
	Document string // name of the registered lock document
	Digest   string // that the script in it has to have: documents.LockDigest
	Log      *slog.Logger
}

// The outcomes, in the words of enforcement.Safeguarded.
const (
	waiting    = "waiting"
	superseded = "superseded"
	failed     = "failed"
	goOn       = "goOn"
	done       = "done"
	locked     = "locked"
	unlocked   = "unlocked"
	stopped    = "stopped"
)

// Handle serves one task.
func (h *Handler) Handle(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Safeguarded, error) {
	if t.Version != enforcement.Version {
		return enforcement.Safeguarded{}, fault.New(fault.Invalid, "reading the task: version is %d, expected %d", t.Version, enforcement.Version)
	}
	var outcome, text string
	var err error
	switch t.Op {
	case "snapshot":
		outcome, text, err = h.snapshot(ctx, now, t)
	case "lock":
		outcome, text, err = h.lock(ctx, now, t)
	case "unlock":
		outcome, text, err = h.unlock(ctx, now, t)
	case "stop":
		outcome, text, err = h.stop(ctx, now, t)
	default:
		return enforcement.Safeguarded{}, fault.New(fault.Invalid, "reading the task: op is %q, expected snapshot, lock, unlock or stop", t.Op)
	}
	if err != nil {
		return enforcement.Safeguarded{}, err
	}
	if outcome != waiting {
		h.Log.InfoContext(ctx, "data safeguarded", boot.KeyMachine, t.Input.Machine, boot.KeyKind, t.Op, boot.KeyReason, outcome, boot.KeyExecution, t.Execution)
	}
	return enforcement.Safeguarded{Outcome: outcome, Text: text, At: now}, nil
}

// edit writes what change makes of the machine and its safeguard, and computes it again when somebody
// else changed the machine meanwhile. Change says false when there is nothing to write.
func (h *Handler) edit(ctx context.Context, now time.Time, t enforcement.Task, change func(m *record.Machine, g *record.Safeguard) ([]record.Entry, bool)) (record.Machine, error) {
	const tries = 5
	for range tries {
		m, err := h.Store.Machine(ctx, t.Input.Machine)
		if err != nil {
			return m, err
		}
		g := mine(m, t)
		entries, wanted := change(&m, &g)
		m.Safeguard = &g
		if !wanted {
			return m, nil
		}
		for i := range entries {
			entries[i].Machine, entries[i].At, entries[i].Generation, entries[i].Execution = m.ID, now, t.Input.Generation, t.Execution
		}
		m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, Ledger: entries})
		if !fault.Is(err, fault.Conflict) {
			return m, err
		}
	}
	return record.Machine{}, fault.New(fault.Transient, "changing %s: it keeps being changed by others", t.Input.Machine)
}

// mine is the safeguard of this execution. What an earlier one may have stopped and not brought back is
// taken over, since a unit that is found stopped now was running then.
func mine(m record.Machine, t enforcement.Task) record.Safeguard {
	g := m.Safeguard
	if g != nil && g.Generation == t.Input.Generation && g.Execution == t.Execution {
		return *g
	}
	own := record.Safeguard{Generation: t.Input.Generation, Execution: t.Execution}
	if g == nil {
		return own
	}
	if g.Rest.Open() {
		own.Rest = g.Rest
	}
	same := g.Generation == t.Input.Generation
	if same {
		own.HeldAtRest = g.HeldAtRest
	}
	if !g.BeforeAt.IsZero() && g.UnlockedAt.IsZero() && (same || m.Taken != nil) {
		own.Before, own.Rules = g.Before, g.Rules
	}
	if same && !g.SnapshotsDoneAt.IsZero() {
		own.Snapshots, own.SnapshotsAskedAt, own.SnapshotsDoneAt = g.Snapshots, g.SnapshotsAskedAt, g.SnapshotsDoneAt
	}
	return own
}

// intended says whether the ledger's intent for this execution's generation stands.
func intended(m record.Machine, t enforcement.Task) bool {
	return m.State.Key == integrity.KeyRevoking && m.State.Generation == t.Input.Generation &&
		m.Taken != nil && m.Taken.Generation == t.Input.Generation
}

// policy is the machine's. One that is gone wants nothing.
func (h *Handler) policy(ctx context.Context, name string) (*policy.Policy, error) {
	stored, err := h.Store.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return stored.Compile()
}

// missed is how a step that failed on the machine or at EC2 goes on, as the policy says.
func missed(p *policy.Policy) string {
	if p.Integrity.Safeguard.OnFailure == policy.ActRevoke {
		return goOn
	}
	return failed
}
