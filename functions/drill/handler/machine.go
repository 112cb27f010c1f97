package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// enrol lets the machine begin anew under the drill's policy, with the drill's key. Its generation rises, so
// that nothing of an earlier drill acts on it any more.
func (h *Handler) enrol(ctx context.Context, now time.Time, before record.Machine, k kmskey.Key) error {
	if err := h.putPolicy(ctx, now); err != nil {
		return err
	}
	m := record.Machine{
		ID: drill.Machine, Name: "fire drill", Owner: h.Owner, SessionARN: h.Session, Policy: drill.PolicyName,
		Key: record.Key{ARN: k.ARN, Mode: policy.DisableKey}, EnrolledAt: now, EnrolledBy: h.Session, Version: before.Version,
		State: integrity.State{Generation: before.State.Generation + 1, Key: integrity.KeyReleased, KeySince: now},
	}
	_, err := h.Store.Apply(ctx, store.Change{Machine: m, At: now, Ledger: []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryEnrolled, Generation: m.State.Generation, By: h.Session, Text: "enrolled for a fire drill", Detail: k.ARN,
	}}})
	return err
}

// putPolicy stores the drill's policy when this version of Keyward has another.
func (h *Handler) putPolicy(ctx context.Context, now time.Time) error {
	text := drill.Policy()
	stored, err := h.Store.Policy(ctx, drill.PolicyName)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if stored.Text == text {
		return nil
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "reading the drill's own policy")
	}
	_, err = h.Store.PutPolicy(ctx, record.Policy{
		Name: p.Name, Version: stored.Version, Text: text, Digest: p.Digest, PutAt: now, PutBy: h.Session,
	})
	return err
}

// giveBack has restore give the key back whatever the verdict, as a person's wish does. The sweep starts
// the execution from the outbox.
func (h *Handler) giveBack(ctx context.Context, now time.Time, m record.Machine) error {
	m.State = integrity.Restoring(m.State, now)
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Restore, Account: h.Account, Region: h.Region,
		Machine: m.ID, Generation: m.State.Generation, Policy: m.Policy, Why: "left by a fire drill", By: h.Session,
	}
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding input of an execution: %w", err)
	}
	start := record.Start{Name: enforcement.Name(in, 1), Machine: m.ID, Input: text, At: now}
	m.Execution, m.RestoreBy = start.Name, h.Session
	_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, Start: []record.Start{start}, Ledger: []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryRequest, Generation: m.State.Generation, By: h.Session,
		Execution: start.Name, Text: "a fire drill asked to give the key back",
	}}})
	return err
}
