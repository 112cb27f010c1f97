package handler

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// How often keys are read. Those of revoked machines are read in every sweep. The others take turns: each
// is read in any window of everyKey at least once, whatever rate up to longestRate the sweep has.
const (
	everyKey    = time.Hour
	longestRate = 15 * time.Minute // SweepRate's bound in template.yaml
)

// mostKeys is how many keys one sweep reads; ListGrants has 100 calls a second, and the sweep 4 minutes. Where
// there are more, another part of them is read in each sweep.
const mostKeys = 1000

// settled is how long after a change of ours KMS may still show what was before.
const settled = 5 * time.Minute

// reconcile compares what was done with keys with what KMS shows of them.
func (s *sweep) reconcile(ctx context.Context) error {
	hasRevoked := map[string]bool{} // by key that is watched
	for i := range s.machines {
		if m := &s.machines[i]; s.watched(m) {
			hasRevoked[m.Key.ARN] = hasRevoked[m.Key.ARN] || revoked(m)
		}
	}
	byKey := map[string][]*record.Machine{}
	turns := s.turns(hasRevoked)
	for _, arn := range turns {
		byKey[arn] = nil
	}
	for i := range s.machines {
		m := &s.machines[i]
		if _, its := byKey[m.Key.ARN]; its && s.watched(m) {
			byKey[m.Key.ARN] = append(byKey[m.Key.ARN], m)
		}
	}
	var problems []error
	for _, arn := range turns {
		if err := s.reconcileKey(ctx, arn, byKey[arn]); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// watched is whether KMS has to show something certain of a machine's key now.
func (s *sweep) watched(m *record.Machine) bool {
	st := &m.State
	if !st.GoneAt.IsZero() || s.now.Sub(st.KeySince) < settled {
		return false
	}
	return st.Key == integrity.KeyReleased || st.Key == integrity.KeyRevoked && st.CorrectedAt.IsZero()
}

func revoked(m *record.Machine) bool { return m.State.Key == integrity.KeyRevoked }

// turns are the keys that are read in this sweep, those of revoked machines first.
func (s *sweep) turns(hasRevoked map[string]bool) []string {
	var always, rest []string
	for _, arn := range slices.Sorted(maps.Keys(hasRevoked)) {
		switch {
		case hasRevoked[arn]:
			always = append(always, arn)
		case s.turn(arn):
			rest = append(rest, arn)
		}
	}
	if len(always) > mostKeys {
		from := int(s.now.Unix()/int64(longestRate/time.Second/3)) * mostKeys % len(always)
		always = append(always[from:], always[:from]...)
	}
	all := append(always, rest...)
	return all[:min(len(all), mostKeys)]
}

// turn says whether it is a key's turn: its window begins at a time of the hour that its name decides.
func (s *sweep) turn(arn string) bool {
	sum := fnv.New32a()
	sum.Write([]byte(arn)) // never fails
	offset := int64(sum.Sum32()) % int64(everyKey/time.Second)
	return (s.now.Unix()+offset)%int64(everyKey/time.Second) < int64(longestRate/time.Second)
}

// reconcileKey reads a key once for all its machines. One that cannot be read changes nothing: what is not
// known is neither good nor bad.
func (s *sweep) reconcileKey(ctx context.Context, arn string, machines []*record.Machine) error {
	actual, err := s.actual(ctx, arn, machines)
	if fault.Is(err, fault.NotFound) {
		return nil // deleted: nobody can use it, and nothing of ours would bring it back
	}
	if err != nil {
		s.Log.WarnContext(ctx, "key cannot be compared", boot.KeyMachine, machines[0].ID, boot.KeyError, err.Error())
		return nil
	}
	var problems []error
	lost := lostCount{}
	for _, m := range machines {
		var err error
		if revoked(m) {
			err = s.compareRevoked(ctx, *m, actual)
		} else {
			err = s.compareReleased(ctx, *m, actual, &lost)
		}
		problems = append(problems, ignoreConflict(err))
	}
	return errors.Join(problems...)
}

// lostCount counts machines of one key that cannot use it, so that one mail tells of all.
type lostCount struct {
	all    int // since whenever
	grants int // whose grant is gone, found in this sweep
}

// keyPolicy reads a key's policy. Many keys of an account have the same, and it is read once.
func (s *sweep) keyPolicy(text string) guard.KeyPolicy {
	p, ok := s.keyPolicies[text]
	if !ok {
		p = guard.ReadPolicy(text)
		s.keyPolicies[text] = p
	}
	return p
}

// actual reads what the machines of a key need. After disable-key its state says everything.
func (s *sweep) actual(ctx context.Context, arn string, machines []*record.Machine) (guard.Actual, error) {
	k, err := s.Keys.Key(ctx, arn)
	if err != nil {
		return guard.Actual{}, err
	}
	a := guard.Actual{State: k.State, Enabled: k.Enabled}
	byGrant := func(m *record.Machine) bool { return m.Key.Mode == policy.RevokeGrant && (revoked(m) || m.Grant != "") }
	if !k.Enabled || !slices.ContainsFunc(machines, byGrant) {
		return a, nil
	}
	grants, err := s.Keys.Grants(ctx, arn, "")
	if err != nil {
		return a, err
	}
	listed := make([]guard.KeyGrant, len(grants))
	for i, g := range grants {
		listed[i] = guard.KeyGrant{Name: g.Name, Grantee: g.Grantee, Operations: g.Operations}
	}
	a.List(listed)
	if slices.ContainsFunc(machines, func(m *record.Machine) bool { return revoked(m) && byGrant(m) }) {
		text, err := s.Keys.KeyPolicy(ctx, arn)
		if err != nil {
			return a, err
		}
		a.Policy = s.keyPolicy(text)
	}
	return a, nil
}
