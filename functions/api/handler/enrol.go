package handler

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// enrol binds a machine to its key and policy. Done again it changes name, owner and policy; key and role
// of a machine that holds a grant or has lost its key cannot be changed, since what was given to one
// session would else never be found again.
func (h *Handler) enrol(ctx context.Context, c boot.Call) (int, any, error) {
	id := c.PathValue("id")
	var e record.Enrolment
	if err := c.Decode(&e); err != nil {
		return 0, nil, err
	}
	session, err := checkEnrolment(id, e)
	if err != nil {
		return 0, nil, err
	}
	k, err := h.Keys.Key(ctx, e.Key)
	if err != nil {
		return 0, nil, fault.Wrap(fault.KindOf(err), err, "enrolling %s: key %q: %s", id, e.Key, fault.Safe(err))
	}
	if !k.Guarded {
		return 0, nil, fault.Wrong("key", "enrolling %s: key %s is not tagged %s = true", id, e.Key, kmskey.GuardedTag)
	}
	if k.Drill {
		return 0, nil, fault.Wrong("key", "enrolling %s: key %s is the fire drill's (tag %s), expected one of the machine's own", id, e.Key, drill.Tag)
	}
	there, err := h.Instances.Instances(ctx, []string{id})
	if err != nil {
		return 0, nil, err
	}
	if there[id].Presence == integrity.Gone {
		return 0, nil, fault.New(fault.NotFound, "enrolling %s: EC2 does not know this instance", id)
	}
	if strings.HasPrefix(id, "i-") && there[id].Tags[kmskey.GuardedTag] != "true" {
		return 0, nil, fault.Wrong("id", "enrolling %s: the instance is not tagged %s = true, so Keyward may not inspect it", id, kmskey.GuardedTag)
	}
	p, err := h.policyFor(ctx, e.Policy, id, there[id].Tags)
	if err != nil {
		return 0, nil, err
	}
	e.Policy, e.Mode = p.Name, cmp.Or(e.Mode, p.Integrity.Mode)
	if err := h.alone(ctx, id, record.Key{ARN: k.ARN, Mode: e.Mode}); err != nil {
		return 0, nil, err
	}
	m, status, err := h.before(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	changed := status == http.StatusOK && (m.Key.ARN != k.ARN || m.SessionARN != session)
	if changed && (m.Taken != nil || m.Grant != "") {
		return 0, nil, fault.New(fault.Conflict, "enrolling %s: it holds or has lost its present key; key and role cannot be changed now", id)
	}
	if m.Policy != e.Policy {
		m.PolicyUsed, m.BrokeAt = 0, time.Time{} // the new one has not judged it: it counts in no breaker yet
	}
	var free *record.Lease // nobody releases, revokes or restores the access that is left
	if changed || status == http.StatusOK && m.Key.Mode != e.Mode {
		free = &record.Lease{
			Name: record.LeaseName(m.Key.Mode, m.Key.ARN, id), Holder: record.LeaseHolder("enrol", id, m.State.Generation),
		}
	}
	m.Name, m.Owner, m.Policy, m.SessionARN = e.Name, e.Owner, e.Policy, session
	m.Key, m.Zone, m.Tags = record.Key{ARN: k.ARN, Mode: e.Mode}, there[id].Zone, there[id].Tags
	m.EnrolledAt, m.EnrolledBy, m.Drift, m.UserData = c.Now, c.Caller, nil, "" // what it is started with now is what it is first seen with
	if m.Warning != nil {
		m.Warning.Lost = nil // whoever enrols again says that the addresses are right now
	}
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, DropLease: free, Ledger: []record.Entry{{
		Machine: id, At: c.Now, Kind: record.EntryEnrolled, By: c.Caller, Text: fmt.Sprintf("enrolled under policy %s, mode %s", e.Policy, e.Mode), Detail: k.ARN,
	}}})
	return status, m, err
}

// alone refuses a key that another machine has when either is revoked by disabling it: the other would
// lose its key for this one's sake.
func (h *Handler) alone(ctx context.Context, id string, k record.Key) error {
	all, err := h.Store.Machines(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != id && other.Key.ARN == k.ARN && (k.Mode == policy.DisableKey || other.Key.Mode == policy.DisableKey) {
			return fault.New(fault.Conflict, "enrolling %s: machine %s has the same key, and mode %s needs a key of its own", id, other.ID, policy.DisableKey)
		}
	}
	return nil
}

// policyFor is the policy that was named, if it exists, or the one that matches the machine.
func (h *Handler) policyFor(ctx context.Context, name, id string, tags map[string]string) (*policy.Policy, error) {
	if name == policy.DefaultName {
		return policy.Default(), nil
	}
	if name != "" {
		stored, err := h.Store.Policy(ctx, name)
		if err != nil {
			return nil, err
		}
		return stored.Compile()
	}
	stored, err := h.Store.Policies(ctx)
	if err != nil {
		return nil, err
	}
	var all []*policy.Policy
	for _, s := range stored {
		p, err := s.Compile()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return policy.Match(all, id, tags), nil
}

func (h *Handler) before(ctx context.Context, id string) (record.Machine, int, error) {
	m, err := h.Store.Machine(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return record.Machine{ID: id}, http.StatusCreated, nil
	}
	return m, http.StatusOK, err
}

// checkEnrolment returns the session that the machine's requests come from.
func checkEnrolment(id string, e record.Enrolment) (session string, err error) {
	if !machineID.MatchString(id) {
		return "", fault.Wrong("id", "enrolling %q: expected an instance id such as i-1234567890abcdef0", id)
	}
	role := roleARN.FindStringSubmatch(e.Role)
	if role == nil {
		return "", fault.Wrong("role", "enrolling %s: role is %q, expected the ARN of an IAM role", id, e.Role)
	}
	if e.Mode != "" && e.Mode != policy.RevokeGrant && e.Mode != policy.DisableKey {
		return "", fault.Wrong("mode", "enrolling %s: mode is %q, expected %s or %s", id, e.Mode, policy.RevokeGrant, policy.DisableKey)
	}
	if e.Policy == drill.PolicyName {
		return "", fault.Wrong("policy", "enrolling %s: policy %s is the fire drill's, expected another", id, e.Policy)
	}
	if e.Key == "" {
		return "", fault.Wrong("key", "enrolling %s: key is required", id)
	}
	if e.Owner != "" {
		if _, err := mail.ParseAddress(e.Owner); err != nil {
			return "", fault.Wrong("owner", "enrolling %s: owner is %q, expected an e-mail address", id, e.Owner)
		}
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(e.Role, "arn:"), ":")
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", partition, role[1], role[2], id), nil
}
