// Package handler judges what machines answered. It is what the program evaluate serves, apart from its wiring, so that
// the simulation runs the same code.
package handler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
	"github.com/keyward/keyward/shared/record"
)

// event is SSM's news that a command changed its status, or our own request to settle commands.
type Event struct {
	Commands []string
}

// UnmarshalJSON reads both forms.
func (e *Event) UnmarshalJSON(b []byte) error {
	var bus struct {
		Source string `json:"source"`
		Detail struct {
			CommandID string `json:"command-id"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(b, &bus); err == nil && bus.Source != "" {
		if bus.Source != "aws.ssm" || bus.Detail.CommandID == "" {
			return fault.New(fault.Invalid, "reading the event: source %q without a command, expected aws.ssm with detail.command-id", bus.Source)
		}
		e.Commands = []string{bus.Detail.CommandID}
		return nil
	}
	var settle inspection.Settle
	if err := json.Unmarshal(b, &settle); err != nil {
		return err
	}
	if settle.Version != inspection.Version {
		return fault.New(fault.Invalid, "reading the event: version is %d, expected %d", settle.Version, inspection.Version)
	}
	e.Commands = settle.Commands
	return nil
}

// Summary is what an invocation did.
type Summary struct {
	Judged  int `json:"judged"`
	Waiting int `json:"waiting"` // machines whose answer is not there yet
	Started int `json:"started"` // executions

	drilled int // judged ones that are the drill's machine
}

type records interface {
	Command(ctx context.Context, id string) (record.Command, error)
	Answers(ctx context.Context, command string) ([]record.Answer, error)
	Settled(ctx context.Context, c record.Command) error
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Started(ctx context.Context, name string) error
	RuleBreaker(ctx context.Context, policy string) (record.RuleBreaker, error)
	NoteEvaluated(ctx context.Context, at time.Time) error
	Drill(ctx context.Context) (record.Drill, error)
}

type answers interface {
	Invocations(ctx context.Context, command string) ([]inspection.Invocation, error)
	Output(ctx context.Context, command, machine, step string) (string, error)
	patcher
}

type instances interface {
	Instances(ctx context.Context, machines []string) (map[string]ec2info.Instance, error)
	Inbound(ctx context.Context, groups []string) (map[string][]evidence.InboundRule, error)
	Volumes(ctx context.Context, machines []string) (map[string][]evidence.AttachedVolume, error)
	UserData(ctx context.Context, machines []string) (map[string]evidence.UserData, error)
}

type flow interface {
	Start(ctx context.Context, name string, input json.RawMessage) error
}

// Handler judges. All fields are required.
type Handler struct {
	Store           records
	Answers         answers
	Instances       instances
	Flow            flow
	Account, Region string
	Log             *slog.Logger
}

// Handle judges the answers of each command of an event. What goes wrong with one command stops no other.
func (h *Handler) Handle(ctx context.Context, now time.Time, e Event) (Summary, error) {
	var s Summary
	var problems []error
	for _, id := range e.Commands {
		problems = append(problems, h.settle(ctx, now, id, &s))
	}
	unreadable := policy.Errors(nil)
	if s.Judged > s.drilled || errors.As(errors.Join(problems...), &unreadable) {
		// The heartbeat: while it is missing, the sweep moves the deadlines. A policy that does not compile
		// is no outage. The drill's machine is none that SSM was asked for, so it proves nothing of it.
		problems = append(problems, h.Store.NoteEvaluated(ctx, now))
		h.Log.InfoContext(ctx, "evaluated", boot.KeyCount, s.Judged)
	}
	return s, errors.Join(problems...)
}

// settle judges every machine of a command that has an answer and was not judged yet. What goes wrong
// with one machine keeps the command open and no other machine from being judged.
func (h *Handler) settle(ctx context.Context, now time.Time, id string, s *Summary) error {
	c, err := h.Store.Command(ctx, id)
	if fault.Is(err, fault.NotFound) {
		// Somebody else's, or ours and not recorded yet: then the sweep finds it among the open ones.
		h.Log.InfoContext(ctx, "command is not known", boot.KeyCommand, id)
		return nil
	}
	if err != nil {
		return err
	}
	if !c.Open {
		return nil
	}
	looks, problem := h.looks(ctx, now, c)
	problems := []error{problem}
	k := &known{policies: map[string]ruled{}, waivers: map[record.Scope]record.Waivers{}}
	waiting := 0
	for _, l := range looks {
		if !l.ended {
			waiting++
			continue
		}
		started, err := h.judge(ctx, now, c, l, k)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.Judged++
		if drill.Is(l.machine) {
			s.drilled++
		}
		s.Started += started
	}
	s.Waiting += waiting
	if err := errors.Join(problems...); err != nil || waiting > 0 {
		return err
	}
	return h.Store.Settled(ctx, c)
}

// ruled is a policy, and which of its rules only notify any more.
type ruled struct {
	*policy.Policy
	breaker record.RuleBreaker
}

// policy reads and compiles a machine's policy once an invocation, with the breaker on its rules. A policy
// that is gone leaves the built-in one, under which nothing is revoked.
func (h *Handler) policy(ctx context.Context, name string, k *known) (ruled, error) {
	if p, ok := k.policies[name]; ok {
		return p, nil
	}
	p := ruled{Policy: policy.Default()}
	if name != policy.DefaultName {
		stored, err := h.Store.Policy(ctx, name)
		switch {
		case err == nil:
			if p.Policy, err = stored.Compile(); err != nil {
				return p, err
			}
			if p.Policy, err = custom.Compile(p.Policy); err != nil {
				return p, err
			}
		case !fault.Is(err, fault.NotFound):
			return p, err
		}
	}
	var err error
	if p.breaker, err = h.Store.RuleBreaker(ctx, name); err != nil {
		return p, err
	}
	k.policies[name] = p
	return p, nil
}
