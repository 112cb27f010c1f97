package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// tries is how often a transition is computed again because somebody else changed the machine.
const tries = 5

// judge writes what one look says about one machine and starts what follows. It says how many
// executions were started.
func (h *Handler) judge(ctx context.Context, now time.Time, c record.Command, l look, k *known) (int, error) {
	for range tries {
		m, err := h.Store.Machine(ctx, l.machine)
		if fault.Is(err, fault.NotFound) {
			return 0, nil // no longer enrolled: nothing of it may be kept or done
		}
		if err != nil {
			return 0, err
		}
		l.of(m)
		p, err := h.policy(ctx, m.Policy, k)
		if err != nil {
			return 0, err
		}
		result, unread, err := h.waived(ctx, now, m, evaluated(now, l, m, p.Policy), k)
		if err != nil {
			return 0, err
		}
		l.patched = h.patched(ctx, now, m.ID, m.State, result.Verdict, p.Integrity, k)
		change, err := h.change(now, c, l, m, p, result, unread)
		if err != nil {
			return 0, err
		}
		_, err = h.Store.Apply(ctx, change)
		if fault.Is(err, fault.Conflict) {
			if answered, asked := h.answered(ctx, c, l.machine); asked == nil && answered {
				return 0, nil // another invocation was quicker with the same event
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		h.Log.InfoContext(ctx, "machine judged", boot.KeyMachine, m.ID, boot.KeyCommand, c.ID,
			boot.KeyVerdict, change.Answer.Verdict.String(), boot.KeyReason, change.Answer.Why, boot.Took("JudgedSeconds", c.SentAt, now))
		if is := change.Machine.Drift; len(is) > 0 && !slices.Equal(is, m.Drift) {
			h.Log.WarnContext(ctx, "tags were changed", boot.KeyMachine, m.ID, boot.KeyCount, len(is)) // whoever tags chose the words
		}
		return h.start(ctx, change.Start), nil
	}
	return 0, fault.New(fault.Transient, "judging %s: it keeps being changed by others", l.machine)
}

func (h *Handler) answered(ctx context.Context, c record.Command, machine string) (bool, error) {
	pending, err := h.pending(ctx, record.Command{ID: c.ID, Machines: []string{machine}})
	return len(pending) == 0, err
}

// change is the whole transition: pure, from what was read.
func (h *Handler) change(now time.Time, c record.Command, l look, m record.Machine, p ruled, result policy.Result, unread bool) (store.Change, error) {
	why, digest := reason(l, result), ""
	if l.evidence != nil {
		digest = l.evidence.Digest()
	}
	answer := record.Answer{
		Command: c.ID, Machine: m.ID, Verdict: result.Verdict, Why: why, Sent: c.SentAt, JudgedAt: now, Presence: l.presence, Digest: digest,
		Unwaived: unread,
	}
	ch := store.Change{
		Machine: m, Answer: &answer, At: now,
		Evidence: &record.Evidence{
			Machine: m.ID, Command: c.ID, Sent: c.SentAt, Digest: digest, Result: result, Evidence: l.evidence, Why: l.why,
			JudgedAt: now, Presence: l.presence,
		},
	}
	if err := h.drift(&ch, l.tags, p.Policy, now); err != nil {
		return ch, err
	}
	if now.Sub(c.SentAt) > inspection.TooOld {
		answer.Verdict, answer.Why = policy.Unknown, "inspection_too_old"
		return ch, nil
	}
	before := m.State
	next, effects := integrity.Next(integrity.Started(before, l.started(), now, p.Integrity), integrity.Input{
		Verdict: result.Verdict.String(), Sent: c.SentAt, Presence: l.presence, Why: why,
		Permitted: waiver.Permitted(m, result), WaiverEnded: waiver.Ended(m, result),
	}, guard.Terms(p.Policy, p.breaker, p.Version, guard.FailedRules(result.Findings)), now)
	answer.Effects = effects
	if c.SentAt.After(before.LastEvidence) {
		ch.Machine.PolicyUsed, ch.Machine.Digest = p.Version, digest
		ch.Machine.UserData = l.firstUserData(m)
		if l.evidence != nil {
			ch.Machine.Findings, ch.Machine.Waived = result.Bad(), result.Waived()
			ch.Machine.Allowed = waiver.Allowed(m, result)
		}
	}
	ch.Machine.State, ch.Machine.BrokeAt = next, guard.BrokeAt(m.BrokeAt, before, next, now)
	if l.evidence == nil && l.presence == integrity.Running {
		ch.Ledger = append(ch.Ledger, record.Entry{
			Machine: m.ID, At: now, Kind: record.EntryMissed, Generation: next.Generation, Text: "missed an inspection: " + l.why, Detail: c.ID,
		})
	}
	if next.Standing != before.Standing || next.Generation != before.Generation {
		ch.Ledger = append(ch.Ledger, record.Entry{
			Machine: m.ID, At: now, Kind: record.EntryVerdict, Generation: next.Generation, Detail: digest,
			Text: fmt.Sprintf("%s: %s; standing %s", answer.Verdict, orNone(why), standing(next)),
		})
	}
	if err := h.overtaken(&ch, before, p.Policy, now); err != nil {
		return ch, err
	}
	if err := h.effective(&ch, l.presence, now); err != nil {
		return ch, err
	}
	if c.Purpose == record.Look && slices.Contains(effects, integrity.StandDown) {
		ch.Machine.StoodDown = c.Execution // it may have asked twice, and only one of the answers says so
	}
	if c.Purpose == record.Look {
		effects = besides(effects) // the execution that asked reads the answer and goes on
	}
	return ch, h.outbox(&ch, effects, p.Policy, now)
}

// besides are the effects of a look that the execution which asked for it does not see to: people are told
// all the same. What it stands down from, it tells itself.
func besides(effects []integrity.Effect) []integrity.Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(e integrity.Effect) bool {
		in, ok := execution(e)
		return !ok || in.Kind != enforcement.Tell || e == integrity.StandDown
	})
}

// outbox adds the executions that the effects demand.
func (h *Handler) outbox(ch *store.Change, effects []integrity.Effect, p *policy.Policy, now time.Time) error {
	for _, e := range effects {
		in, ok := execution(e)
		if !ok {
			continue
		}
		in.Version, in.Account, in.Region = enforcement.Version, h.Account, h.Region
		in.Machine, in.Policy = ch.Machine.ID, p.Name
		in.Generation, in.Why = ch.Machine.State.Generation, ch.Machine.State.Why
		in.DueAt = ch.Machine.State.DueAt
		if in.Kind == enforcement.Enforce {
			in.DueAt = time.Time{} // the warning sets it
		}
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding input of an execution: %w", err)
		}
		name := enforcement.Name(in, 1)
		if in.Kind == enforcement.Tell {
			name = enforcement.Name(in, int(ch.Machine.Version)+1) // one notice a transition: a reminder may come again
		} else {
			ch.Machine.Execution = name
		}
		ch.Start = append(ch.Start, record.Start{Name: name, Machine: ch.Machine.ID, Input: text, At: now, Silence: e == integrity.CannotCheck})
	}
	return nil
}

// execution is the kind of execution that an effect becomes; a revocation goes on in the one that runs.
func execution(e integrity.Effect) (enforcement.Input, bool) {
	switch e {
	case integrity.Warn:
		return enforcement.Input{Kind: enforcement.Enforce}, true
	case integrity.Restore:
		return enforcement.Input{Kind: enforcement.Restore}, true
	case integrity.Withdraw:
		return enforcement.Input{Kind: enforcement.Look}, true
	case integrity.StandDown:
		return enforcement.Input{Kind: enforcement.Tell, Notice: "stoodDown"}, true
	case integrity.Hold:
		return enforcement.Input{Kind: enforcement.Tell, Notice: "held"}, true
	case integrity.NotifyBad:
		return enforcement.Input{Kind: enforcement.Tell, Notice: "notifyBad"}, true
	case integrity.Remind:
		return enforcement.Input{Kind: enforcement.Tell, Notice: "reminder"}, true
	case integrity.CannotCheck:
		return enforcement.Input{Kind: enforcement.Tell, Notice: "cannotCheck"}, true
	default:
		return enforcement.Input{}, false
	}
}

// start starts what the outbox holds. What cannot be started now stays there for the sweep, and so does the
// notice of a silence: whether this machine is silent alone is known when the others were asked.
func (h *Handler) start(ctx context.Context, outbox []record.Start) (started int) {
	for _, o := range outbox {
		if o.Silence {
			continue
		}
		err := h.Flow.Start(ctx, o.Name, o.Input)
		if err == nil {
			err = h.Store.Started(ctx, o.Name)
		}
		if err != nil {
			h.Log.WarnContext(ctx, "execution stays in the outbox", boot.KeyExecution, o.Name, boot.KeyError, err.Error())
			continue
		}
		started++
	}
	return started
}

// standing says Good only when the key is where it belongs: a machine that passes after a revocation is
// in order once its key was given back.
func standing(s integrity.State) string {
	switch {
	case s.Key == integrity.KeyRevoked && !s.CorrectedAt.IsZero():
		return "Bad until its key is given back"
	case s.Standing == integrity.Unknown:
		return "Unknown"
	default:
		return string(s.Standing)
	}
}

func orNone(s string) string {
	if s == "" {
		return "every rule passed"
	}
	return s
}
