// Package handler gives back what was taken. It is what the program restore serves, apart from its wiring, so that
// the simulation runs the same code.
package handler

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/turn"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// leaseFor is longer than the function's timeout, so that a revocation of the same key never runs
// beside a restore that is still on its way.
const leaseFor = 3 * time.Minute

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	turn.Store
}

type keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
	Grants(ctx context.Context, key, grantee string) ([]kmskey.Grant, error)
}

// giver gives keys back.
type giver interface {
	Grant(ctx context.Context, key, machine, session string, generation int64) (kmskey.Granted, error)
	EnableKey(ctx context.Context, key string) error
}

// Handler serves the op restore. All fields are required.
type Handler struct {
	Store records
	Keys  keys
	Giver giver
	Pace  Pace
	Log   *slog.Logger
}

// Pace are the buckets of the calls that give keys back.
type Pace struct{ EnableKey, CreateGrant pace.Bucket }

// Handle serves one task.
func (h *Handler) Handle(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Outcome, error) {
	if t.Version != enforcement.Version || t.Op != "restore" {
		return enforcement.Outcome{}, fault.New(fault.Invalid, "reading the task: version %d op %q, expected %d restore", t.Version, t.Op, enforcement.Version)
	}
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Outcome{}, err
	}
	switch {
	case m.State.Generation != t.Input.Generation:
		return enforcement.Outcome{Outcome: "superseded", At: now}, nil
	case m.State.Key == integrity.KeyReleased:
		return enforcement.Outcome{Outcome: "restored", At: m.State.KeySince}, nil // an earlier attempt did it and was cut off
	case m.Taken == nil:
		return enforcement.Outcome{Outcome: "superseded", At: now}, nil
	}
	if at := h.turn(ctx, now, t, m); !at.IsZero() {
		return enforcement.Outcome{Outcome: enforcement.Paced, At: at}, nil
	}
	again := m.Taken.GivenBy != ""
	m, err = h.reserve(ctx, now, t, m)
	if err != nil {
		return enforcement.Outcome{}, err
	}
	g, err := h.give(ctx, m, again || t.Input.By != "")
	if err != nil {
		return enforcement.Outcome{}, err
	}
	if g.reason != "" {
		return enforcement.Outcome{Outcome: "held", Reason: string(g.reason), At: now}, h.hold(ctx, now, t, m, string(g.reason))
	}
	if err := h.restored(ctx, now, t, m, g); err != nil {
		return enforcement.Outcome{}, err
	}
	corrected := m.State.CorrectedAt
	if t.Input.By != "" {
		corrected = time.Time{} // a person's wish waits for no correction
	}
	h.Log.InfoContext(ctx, "key restored", boot.KeyMachine, m.ID, boot.KeyExecution, t.Execution, boot.Took("RestoredSeconds", corrected, now))
	return enforcement.Outcome{Outcome: "restored", At: now}, nil
}

// turn is when to ask again whether KMS may be called, zero when it may be now: those who were put right first go first. A
// pace that cannot be read keeps nobody from their key.
func (h *Handler) turn(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine) time.Time {
	bucket := h.Pace.CreateGrant
	if m.Taken.Mode == policy.DisableKey {
		bucket = h.Pace.EnableKey
	}
	if m.Taken.HadNone {
		return time.Time{}
	}
	waited := t.Input.Restored != nil && t.Input.Restored.Outcome == enforcement.Paced
	at, err := turn.Asker{Store: h.Store, Bucket: bucket}.Ask(ctx, now, pace.Order(0, m.State.CorrectedAt, m.ID), 1, waited)
	if err != nil {
		h.Log.WarnContext(ctx, "pace cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
		return time.Time{}
	}
	return at
}

// reserve takes the lease of the key, so that nothing revokes it meanwhile. No lease, no call to KMS.
func (h *Handler) reserve(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine) (record.Machine, error) {
	taken := *m.Taken
	taken.GivenBy = t.Execution
	m.Taken = &taken
	m, err := h.Store.Apply(ctx, store.Change{
		Machine: m, At: now, TakeLease: lease(m, now.Add(leaseFor)),
	})
	if fault.Is(err, fault.Conflict) {
		return m, fault.Wrap(fault.Transient, err, "reserving the restore of %s", t.Input.Machine)
	}
	return m, err
}

// lease is this restore's, on the access that it gives back.
func lease(m record.Machine, until time.Time) *record.Lease {
	return &record.Lease{
		Name:   record.LeaseName(m.Taken.Mode, m.Taken.KeyARN, m.ID),
		Holder: record.LeaseHolder("restore", m.ID, m.State.Generation), Until: until,
	}
}

// given is what became of a restore.
type given struct {
	grant  string       // id of the grant that the machine holds now, "" for none
	text   string       // what was done, for the ledger
	reason guard.Reason // why nothing may be done: people have to look
}

// give gives back what was taken, unless somebody else changed the key since. Anyway says that an earlier
// attempt began to, or that a person wants it as it is. Nothing was taken when the machine was put right between the intent and the
// order: the lease says that no order is under way any more.
func (h *Handler) give(ctx context.Context, m record.Machine, anyway bool) (given, error) {
	k, err := h.Keys.Key(ctx, m.Taken.KeyARN)
	if err != nil {
		return given{}, err
	}
	switch {
	case !k.Guarded:
		return given{reason: guard.ReasonNotGuarded}, nil
	case m.Taken.Mode == policy.DisableKey:
		return h.enable(ctx, m, k, anyway)
	case !k.Enabled:
		return given{reason: guard.ReasonKeyChanged}, nil
	default:
		return h.grant(ctx, m, anyway)
	}
}

func (h *Handler) enable(ctx context.Context, m record.Machine, k kmskey.Key, anyway bool) (given, error) {
	const done = "the key was enabled and read back"
	switch {
	case m.Taken.HadNone && k.Enabled:
		return given{text: "the key is enabled again, not by Keyward"}, nil
	case m.Taken.HadNone:
		return given{reason: guard.ReasonNotOurs}, nil // it stays as somebody wanted it
	case anyway && k.Enabled:
		return given{text: done}, nil
	case m.Taken.FirstRead.IsZero() && k.Enabled:
		return given{text: "nothing had been taken"}, nil // never asked for, or KMS never showed it as done
	case k.State != "Disabled":
		return given{reason: guard.ReasonKeyChanged}, nil
	}
	if err := h.Giver.EnableKey(ctx, k.ARN); err != nil {
		return given{}, err
	}
	k, err := h.Keys.Key(ctx, k.ARN)
	if err == nil && !k.Enabled {
		err = fault.New(fault.Transient, "restoring %s: KMS does not show the key as enabled yet", m.ID)
	}
	return given{text: done}, err
}

func (h *Handler) grant(ctx context.Context, m record.Machine, anyway bool) (given, error) {
	if len(m.Taken.Grants) == 0 || m.Taken.HadNone {
		return given{text: "it had held no grant, and its next key request makes one"}, nil
	}
	grants, err := h.Keys.Grants(ctx, m.Taken.KeyARN, m.Taken.Grantee)
	if err != nil {
		return given{}, err
	}
	for _, g := range grants {
		switch {
		case slices.Contains(m.Taken.Grants, g.ID) && m.Taken.OrderedAt.IsZero():
			return given{grant: m.Grant, text: "nothing had been taken"}, nil
		case !anyway && !g.Ours(m.ID): // ours is of an attempt that was cut off, or not shown as gone yet
			return given{reason: guard.ReasonKeyChanged}, nil
		}
	}
	made, err := h.Giver.Grant(ctx, m.Taken.KeyARN, m.ID, m.Taken.Grantee, m.State.Generation)
	return given{grant: made.ID, text: "the machine was given a new grant"}, err
}

func (h *Handler) restored(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine, g given) error {
	terms, err := h.terms(ctx, m.Policy)
	if err != nil {
		return err
	}
	mine := lease(m, now)
	if g.grant != m.Grant {
		m.GrantedFor = m.State.Generation
	}
	m.State, m.Grant, m.Taken, m.NotEffective = integrity.Restored(m.State, now, terms), g.grant, nil, nil
	m.RestoreBy = ""
	_, err = h.Store.Apply(ctx, store.Change{
		Machine: m, At: now, DropLease: mine,
		Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryRestored, Generation: m.State.Generation, Execution: t.Execution,
			Text: "restored: " + g.text, Detail: g.grant,
		}},
	})
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Transient, err, "recording the restore of %s", m.ID) // the retry finds the grant by its name
	}
	return err
}

// terms are the policy's words on what follows; those of the built-in policy when it is gone or cannot
// be read any more: what was given back is recorded all the same.
func (h *Handler) terms(ctx context.Context, name string) (policy.Integrity, error) {
	stored, err := h.Store.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Default().Integrity, nil
	}
	if err != nil {
		return policy.Integrity{}, err
	}
	p, err := stored.Compile()
	if err != nil {
		h.Log.WarnContext(ctx, "policy cannot be read", boot.KeyPolicy, name, boot.KeyError, err.Error())
		return policy.Default().Integrity, nil
	}
	return p.Integrity, nil
}

func (h *Handler) hold(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine, reason string) error {
	mine := lease(m, now)
	m.State = integrity.Held(m.State, reason, now)
	_, err := h.Store.Apply(ctx, store.Change{
		Machine: m, At: now, DropLease: mine,
		Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryHeld, Generation: m.State.Generation, Execution: t.Execution,
			Text: "not restored: " + guard.Reason(reason).Text(),
		}},
	})
	return err
}
