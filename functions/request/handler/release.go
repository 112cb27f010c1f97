package handler

import (
	"context"
	"net/http"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// byKeyward is who moves a request by what KMS answers.
const byKeyward = "keyward"

// approve records the release, makes the grant under the key's lease and records it. Asked again, it
// gives the same grant with a new token. kind is the notice of the first time, "" for none. A request whose key KMS did not give before stays as it is until KMS does.
func (h *Handler) approve(ctx context.Context, now time.Time, m record.Machine, r record.Request, by, why string, kind notice.Kind) (int, record.Release, error) {
	approved := r
	if err := reopen(&approved, now); err != nil {
		return 0, record.Release{}, err
	}
	if approved.State != string(keyrequest.Pending) && m.State.Key == integrity.KeyReleased {
		kind = "" // it has its key by an answer that was told
	}
	if approved.State == string(keyrequest.Pending) {
		if err := move(&approved, keyrequest.Approve, now, by, why); err != nil {
			return 0, record.Release{}, err
		}
	}
	k, err := h.Keys.Key(ctx, m.Key.ARN)
	if refusal := unusable(k, err); refusal != "" {
		return h.fail(ctx, now, m, r, approved, refusal, nil)
	}
	if err != nil {
		return 0, record.Release{}, err
	}
	lease := record.Lease{
		Name: record.LeaseName(m.Key.Mode, k.ARN, m.ID), Holder: record.LeaseHolder("release", m.ID, m.State.Generation), Until: now.Add(leaseFor),
	}
	fresh := m.Grant == ""
	m.Asking = nil
	if m.Grant == "" && m.GrantedFor == 0 {
		m.GrantedFor = m.State.Generation // written before the grant is made: a repeat makes the same one
	}
	first, last := &approved, (*record.Request)(nil) // when it is written: a failed one with the grant
	if r.State == string(keyrequest.Failure) {
		first, last = nil, &approved
	}
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, Request: first, TakeLease: &lease, At: now})
	if err != nil {
		return 0, record.Release{}, err
	}
	if first != nil {
		approved.Revision++
	}
	granted, err := h.grant(ctx, &m)
	if refused(err) {
		return h.fail(ctx, now, m, r, approved, "KMS made no grant: "+fault.Safe(err), &lease)
	}
	if err != nil {
		return 0, record.Release{}, err
	}
	err = h.note(ctx, m, func(m2 record.Machine) (store.Change, error) {
		m2.Grant, m2.GrantedFor = m.Grant, m.GrantedFor
		m2.State = integrity.Released(m2.State, now)
		return h.told(store.Change{Machine: m2, Request: last, DropLease: &lease, At: now, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryReleased, Generation: m2.State.Generation, By: by, Text: "key released: " + why + proven(r), Detail: m.Grant,
		}}}, kind, enforcement.Input{Why: why, Request: r.ID})
	})
	if err != nil {
		return 0, record.Release{}, err
	}
	if fresh {
		h.Log.InfoContext(ctx, "key released", boot.KeyMachine, m.ID, boot.Took("ReleasedSeconds", approved.Since(), now))
	}
	return http.StatusOK, record.Release{
		Request: r.ID, State: approved.State, Reason: why, KeyARN: k.ARN, GrantToken: granted.Token,
		EncryptionContext: map[string]string{kmskey.ContextKey: m.ID},
	}, nil
}

// proven is what the ledger adds about who the machine is.
func proven(r record.Request) string {
	if r.Document {
		return "; AWS signed the identity document that it sent"
	}
	return ""
}

// unusable is why a key cannot be given to anybody now; "" when it can, or nobody could be asked.
func unusable(k kmskey.Key, err error) string {
	switch {
	case refused(err):
		return "KMS does not show the key: " + fault.Safe(err)
	case err != nil:
		return ""
	case !k.Enabled:
		return "the key is " + k.State
	case !k.Guarded:
		return "the key is not tagged " + kmskey.GuardedTag + " = true"
	default:
		return ""
	}
}

// refused is whether KMS answered, and did not do it: asked again at once it would say the same.
func refused(err error) bool {
	return fault.Is(err, fault.Conflict) || fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)
}

// fail writes down that an approved request got no key, and why. The machine is told, and its next request takes it up
// again. The same failure again is not written again: a machine may ask every second. The lease is given back, if there is one.
func (h *Handler) fail(ctx context.Context, now time.Time, m record.Machine, before, approved record.Request, why string, lease *record.Lease) (int, record.Release, error) {
	known := before.State == string(keyrequest.Failure) && before.Reason == why
	failed := approved
	if err := move(&failed, keyrequest.Fail, now, byKeyward, why); err != nil {
		return 0, record.Release{}, err
	}
	answer := record.Release{Request: failed.ID, State: failed.State, Reason: why}
	if known && lease == nil {
		return http.StatusConflict, answer, nil
	}
	err := h.note(ctx, m, func(m record.Machine) (store.Change, error) {
		c := store.Change{Machine: m, DropLease: lease, At: now}
		if !known {
			c.Request, c.Machine.Asking = &failed, nil
			c.Ledger = []record.Entry{{
				Machine: m.ID, At: now, Kind: record.EntryRequest, Generation: m.State.Generation, By: byKeyward, Text: "key request failed: " + why, Detail: m.Key.ARN,
			}}
			return h.told(c, notice.RequestFailed, enforcement.Input{Why: why, Request: failed.ID})
		}
		return c, nil
	})
	if !known {
		h.Log.ErrorContext(ctx, "key not released", boot.KeyMachine, m.ID, boot.KeyReason, why)
	}
	return http.StatusConflict, answer, err
}

// note writes a change of a machine. Under the lease nobody revokes, so what another changed meanwhile is a judgement,
// and the change is written on top of it.
func (h *Handler) note(ctx context.Context, m record.Machine, change func(record.Machine) (store.Change, error)) error {
	const tries = 5
	for range tries {
		c, err := change(m)
		if err != nil {
			return err
		}
		_, err = h.Store.Apply(ctx, c)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		if m, err = h.Store.Machine(ctx, m.ID); err != nil {
			return err
		}
	}
	return fault.New(fault.Transient, "recording the release of %s: it keeps being changed by others", m.ID)
}

// grant makes the machine's grant, or finds the one it has by its name. With disable-key the key
// policy admits the machine and there is nothing to grant.
func (h *Handler) grant(ctx context.Context, m *record.Machine) (kmskey.Granted, error) {
	if m.Key.Mode == policy.DisableKey {
		return kmskey.Granted{}, nil
	}
	granted, err := h.Giver.Grant(ctx, m.Key.ARN, m.ID, m.SessionARN, m.GrantedFor)
	m.Grant = granted.ID
	return granted, err
}
