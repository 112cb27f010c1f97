// Package handler looks again, weighs and reserves. It is what the program recheck serves, apart from its wiring, so that
// the simulation runs the same code.
package handler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/functions/internal/send"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Answer(ctx context.Context, command, machine string) (record.Answer, error)
	Watch(ctx context.Context) (record.Watch, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Breaker(ctx context.Context) (record.Breaker, error)
	RuleBreaker(ctx context.Context, policy string) (record.RuleBreaker, error)
	ChangeBreaker(ctx context.Context, c record.BreakerChange) error
}

type keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
	Grants(ctx context.Context, key, grantee string) ([]kmskey.Grant, error)
	dependants.Keys
}

type calendars interface {
	Calendar(ctx context.Context, name string) (guard.Calendar, error)
}

// Handler serves the ops look, decide and hold. All fields are required.
type Handler struct {
	Store     records
	Keys      keys
	Calendars calendars
	Instances interface {
		Healthy(ctx context.Context, machine string) (bool, error)
		dependants.Disks
	}
	Limits guard.Limits
	Send   func(ctx context.Context, machines []string, needs policy.Needs, purpose record.Purpose, execution string, now time.Time) ([]record.Command, error)
	Log    *slog.Logger
}

// Handle serves one task; its result depends on the op.
func (h *Handler) Handle(ctx context.Context, now time.Time, t enforcement.Task) (any, error) {
	if t.Version != enforcement.Version {
		return nil, fault.New(fault.Invalid, "reading the task: version is %d, expected %d", t.Version, enforcement.Version)
	}
	switch t.Op {
	case "look":
		return h.look(ctx, now, t)
	case "decide":
		return h.decide(ctx, now, t)
	case "hold":
		return h.hold(ctx, now, t)
	default:
		return nil, fault.New(fault.Invalid, "reading the task: op is %q, expected look, decide or hold", t.Op)
	}
}

// look asks for one fresh inspection, unless something newer made this execution stale.
func (h *Handler) look(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Looked, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return enforcement.Looked{}, err
	}
	if m.State.Generation != t.Input.Generation {
		return enforcement.Looked{Outcome: "superseded"}, nil
	}
	if !m.State.GoneAt.IsZero() || !m.State.CommandedAt.IsZero() {
		return enforcement.Looked{Outcome: "asked", AskedAt: now}, nil // nobody is left to look at, or a person decided already
	}
	needs, err := send.Needs(ctx, h.Store, m.Policy)
	if err != nil {
		return enforcement.Looked{}, err
	}
	commands, err := h.Send(ctx, []string{m.ID}, needs, record.Look, t.Execution, now)
	if err != nil {
		return enforcement.Looked{}, err
	}
	h.Log.InfoContext(ctx, "looking again", boot.KeyMachine, m.ID, boot.KeyCommand, commands[0].ID, boot.KeyExecution, t.Execution)
	return enforcement.Looked{Outcome: "asked", CommandID: commands[0].ID, AskedAt: now}, nil
}

// said is the outcome of a hold that people were told of already.
const said = "said"

// tellAgain is after how long the same hold of the same violation is told again: a reason that only
// another try can end comes back every half hour.
const tellAgain = 24 * time.Hour

// hold stores why an enforcement stands still. It ends the execution; the sweep starts a new look once
// the reason is gone.
func (h *Handler) hold(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Decision, error) {
	reason := holdReason(t.Input)
	decision := enforcement.Decision{Outcome: string(guard.Hold), Reason: string(reason), Text: reason.Text()}
	if d := t.Input.Decision; d != nil && d.Reason == string(reason) && d.Text != "" {
		decision.Text = d.Text // it may say more, such as which calendar is closed
	}
	const tries = 5
	for range tries {
		m, err := h.Store.Machine(ctx, t.Input.Machine)
		if err != nil {
			return decision, err
		}
		if m.State.Generation != t.Input.Generation {
			if reason != guard.ReasonNotUnlocked { // which people have to hear of, whatever came after
				decision.Outcome = string(guard.Superseded)
			}
			return decision, nil
		}
		if given := integrity.Uncommanded(m.State); given != m.State {
			decision.Outcome = said // by a mail of its own
			m.State = given
			told, err := orderFailed(m, decision.Text, t, now)
			if err != nil {
				return decision, err
			}
			_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, Start: told, Ledger: []record.Entry{{
				Machine: m.ID, At: now, Kind: record.EntryFailed, Generation: m.State.Generation, Execution: t.Execution,
				Text: "a person's order to take the key came to nothing: " + decision.Text, Detail: cause(t.Input),
			}}})
			if !fault.Is(err, fault.Conflict) {
				h.Log.WarnContext(ctx, "order of a person not carried out", boot.KeyMachine, m.ID, boot.KeyReason, string(reason), boot.KeyExecution, t.Execution)
				return decision, err
			}
			continue
		}
		together := guard.ToldTogether(reason)
		if decision.Outcome = string(guard.Hold); together {
			decision.Outcome = said
		}
		if m.State.HeldFor == string(reason) {
			if reason == guard.ReasonFrozen {
				decision.Outcome = said // whoever found it told it
			}
			return decision, nil
		}
		if told := fmt.Sprintf("%d %s", m.State.Generation, reason); m.ToldHeld == told && now.Sub(m.ToldHeldAt) < tellAgain {
			decision.Outcome = said
		} else if !together {
			m.ToldHeld, m.ToldHeldAt = told, now
		}
		if reason == guard.ReasonBlind {
			decision.Outcome = said // the sweep tells the account once, and nobody for each machine
			m.State = integrity.Blinded(m.State, now)
		}
		m.State = integrity.Held(m.State, string(reason), now)
		_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: now, Ledger: []record.Entry{{
			Machine: m.ID, At: now, Kind: record.EntryHeld, Generation: m.State.Generation, Execution: t.Execution,
			Text: "held: " + decision.Text, Detail: cause(t.Input),
		}}})
		if !fault.Is(err, fault.Conflict) {
			h.Log.WarnContext(ctx, "enforcement held", boot.KeyMachine, m.ID, boot.KeyReason, string(reason), boot.KeyExecution, t.Execution)
			return decision, err
		}
	}
	return decision, fault.New(fault.Transient, "holding %s: it keeps being changed by others", t.Input.Machine)
}

// holdReason is what the path to Hold says: a decision, a confirmation that failed, or a task that did.
func holdReason(s enforcement.State) guard.Reason {
	switch {
	case s.Unlock != nil && s.Unlock.Outcome == "failed":
		return guard.ReasonNotUnlocked
	case s.Turn != nil && s.Turn.Outcome == "held" && s.Turn.Reason != "":
		return guard.Reason(s.Turn.Reason)
	case s.Confirmation != nil && s.Confirmation.Outcome == "notRevoked":
		return guard.ReasonNotRevoked
	case s.Confirmation != nil && s.Confirmation.Outcome == "unconfirmed":
		return guard.ReasonUnconfirmed
	case s.Lock != nil && s.Lock.Outcome == "failed":
		return guard.ReasonNotLocked
	case s.Snapshot != nil && s.Snapshot.Outcome == "failed":
		return guard.ReasonNoSnapshot
	case s.Restored != nil && s.Restored.Reason != "":
		return guard.Reason(s.Restored.Reason)
	case s.Decision != nil && s.Decision.Outcome == string(guard.Hold) && s.Decision.Reason == "warning_not_accepted":
		return guard.ReasonNotWarned
	case s.Decision != nil && s.Decision.Outcome == string(guard.Hold) && s.Decision.Reason != "":
		return guard.Reason(s.Decision.Reason)
	case outage(s):
		return guard.ReasonBlind
	default:
		return guard.ReasonTaskFailed
	}
}

// outage is whether looking, or judging what was seen, failed for trouble of AWS or of our own: a service that
// throttled or did not answer, a function that could not run. What was refused is none: that stays so.
func outage(s enforcement.State) bool {
	if s.Error == nil || s.Confirmation != nil || s.Restored != nil {
		return false
	}
	snapped := s.Snapshot != nil && (s.Snapshot.Outcome == "done" || s.Snapshot.Outcome == "goOn") // and then it was looked at again
	if d := s.Decision; d != nil && d.Outcome != string(guard.Extended) && d.Outcome != string(guard.Waiting) && !(d.Outcome == "snapshot" && snapped) {
		return false
	}
	for _, kind := range fault.Kinds() {
		if kind != fault.Transient && s.Error.Error == fault.Of(kind).Name {
			return false
		}
	}
	return true
}

// cause is what failed in more words: a step on the machine, or a task.
func cause(s enforcement.State) string {
	const most = 300
	text := ""
	if s.Error != nil {
		text = s.Error.Error + ": " + s.Error.Cause
	}
	for _, step := range []*enforcement.Safeguarded{s.Snapshot, s.Lock, s.Unlock} {
		if step != nil && step.Outcome == "failed" {
			text = step.Text
		}
	}
	return text[:min(len(text), most)]
}

// orderFailed is the outbox's row of the mail that a person's order came to nothing; the sweep starts it.
func orderFailed(m record.Machine, why string, t enforcement.Task, now time.Time) ([]record.Start, error) {
	if m.Order == nil {
		return nil, nil
	}
	start, err := tell.Machine(tell.Place{Account: t.Input.Account, Region: t.Input.Region}, m, notice.OrderFailed, enforcement.Input{By: m.Order.By, Why: why}, now)
	return []record.Start{start}, err
}
