package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// compareRevoked notes by what ways a machine whose key is revoked may still use it, and raises the alarm
// once for each set of ways. What was taken and is there again is taken again by a new look that weighs
// everything, when the policy revokes: never from here.
func (s *sweep) compareRevoked(ctx context.Context, listed record.Machine, a guard.Actual) error {
	u := guard.Remains(listed, a)
	if slices.Equal(u.Ways, listed.NotEffective) && !u.Undone {
		return nil
	}
	m, err := s.Store.Machine(ctx, listed.ID)
	if err != nil || !s.watched(&m) || !revoked(&m) {
		return err // another has it in hand since it was listed
	}
	news := !slices.Equal(u.Ways, m.NotEffective)
	before := m.State
	if u.Undone && s.again(m) {
		m.State = integrity.Returned(m.State, s.now)
	}
	if !news && m.State == before {
		return nil
	}
	m.NotEffective = u.Ways
	change := store.Change{Machine: m, At: s.now}
	if news {
		change.Ledger = append(change.Ledger, s.entry(m, effectiveness(u.Ways)))
	}
	if m.State != before {
		change.Ledger = append(change.Ledger, s.entry(m, "the machine has again what was revoked, so it is looked at again to revoke anew"))
	}
	var told []record.Start
	if news && len(u.Ways) > 0 {
		s.Log.ErrorContext(ctx, "revocation is not effective", boot.KeyMachine, m.ID, boot.KeyReason, strings.Join(u.Ways, "; "))
		if told, err = s.announce(&change, notice.NotEffective, strings.Join(u.Ways, "; ")); err != nil {
			return err
		}
	}
	return s.write(ctx, change, told)
}

// again is whether the policy takes a key anew that came back by itself, within what it allows a day.
func (s *sweep) again(m record.Machine) bool {
	p := s.policies[m.Policy]
	return p != nil && integrity.Revokes(m.State, s.terms(m, p)) && !integrity.Flapping(m.State, p.Integrity, s.now)
}

func effectiveness(ways []string) string {
	if len(ways) == 0 {
		return "the revocation is effective, as far as AWS KMS shows"
	}
	return "revoked, not effective: " + strings.Join(ways, "; ")
}

// compareReleased notes that somebody else took the key of a machine that has it, and changes nothing about
// it. Of the machines that share a key the first alone is told of by mail, with the number of the others; of
// those whose own grant is gone, the first that this sweep found.
func (s *sweep) compareReleased(ctx context.Context, listed record.Machine, a guard.Actual, lost *lostCount) error {
	why := guard.Lost(listed, a)
	if why != "" {
		lost.all++
	}
	if why == listed.KeyLost {
		return nil
	}
	first := lost.all == 1
	if why != "" && a.Enabled {
		lost.grants++
		first = lost.grants == 1
	}
	m, err := s.Store.Machine(ctx, listed.ID)
	if err != nil || !s.watched(&m) || revoked(&m) || why == m.KeyLost {
		return err
	}
	m.KeyLost = why
	text := "the machine can use its key again"
	if why != "" {
		text = "not by Keyward: " + why
	}
	change := store.Change{Machine: m, At: s.now, Ledger: []record.Entry{s.entry(m, text)}}
	var told []record.Start
	if why != "" {
		s.Log.WarnContext(ctx, "key was taken by somebody else", boot.KeyMachine, m.ID, boot.KeyReason, why)
		if first {
			if told, err = s.announce(&change, notice.KeyLost, why+s.sharers(m)); err != nil {
				return err
			}
		}
	}
	return s.write(ctx, change, told)
}

// sharers says how many other machines have the same key.
func (s *sweep) sharers(m record.Machine) string {
	n := 0
	for _, other := range s.machines {
		if other.ID != m.ID && other.Key.ARN == m.Key.ARN {
			n++
		}
	}
	if n == 0 || m.Key.Mode == policy.DisableKey {
		return ""
	}
	return fmt.Sprintf(". Other machines with the same key: %d", n)
}

func (s *sweep) entry(m record.Machine, text string) record.Entry {
	return record.Entry{Machine: m.ID, At: s.now, Kind: record.EntryAlarm, Generation: m.State.Generation, Text: text}
}

// announce adds the execution that tells people to a change.
func (s *sweep) announce(c *store.Change, kind notice.Kind, why string) ([]record.Start, error) {
	m := c.Machine
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Tell, Notice: string(kind), Account: s.Account, Region: s.Region,
		Machine: m.ID, Generation: m.State.Generation, Policy: m.Policy, Why: why,
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding input of an execution: %w", err)
	}
	c.Start = append(c.Start, record.Start{Name: enforcement.Name(in, int(m.Version)+1), Machine: m.ID, Input: text, At: s.now})
	return c.Start, nil
}

// write applies a change and starts what it tells. What cannot be started stays in the outbox.
func (s *sweep) write(ctx context.Context, c store.Change, told []record.Start) error {
	if _, err := s.Store.Apply(ctx, c); err != nil {
		return err
	}
	for _, o := range told {
		if err := s.start(ctx, o); err != nil {
			return err
		}
	}
	return nil
}
