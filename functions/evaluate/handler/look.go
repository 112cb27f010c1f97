package handler

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// look is what is known of one machine of a command that was not judged yet.
type look struct {
	machine  string
	ended    bool
	evidence *evidence.Evidence // nil when there is none
	why      string             // why there is none
	aws      *evidence.AWS      // what AWS says; nil when it was not asked
	presence integrity.Presence
	launched time.Time         // by EC2; zero when it is not known
	patched  time.Time         // by SSM; zero when it was not, or when nothing depends on it
	tags     map[string]string // of an instance that is there; nil when EC2 says nothing of them
}

// looks are the machines of a command that have no verdict yet, with what they answered. A machine
// whose answer cannot be read now is left out and told in the error; the others are there.
func (h *Handler) looks(ctx context.Context, now time.Time, c record.Command) ([]look, error) {
	pending, err := h.pending(ctx, c)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	if drill.Asked(c) {
		return h.drilled(ctx, now, c)
	}
	said := map[string]inspection.Invocation{}
	if !offline(c) {
		invocations, err := h.Answers.Invocations(ctx, c.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		for _, i := range invocations {
			said[i.Machine] = i
		}
	}
	there, err := h.Instances.Instances(ctx, pending)
	if err != nil {
		return nil, err
	}
	all := make([]look, 0, len(pending))
	var problems []error
	for _, id := range pending {
		l, err := h.read(ctx, now, c, id, said[id])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		l.presence, l.launched = there[id].Presence, there[id].Launched
		if l.presence == integrity.Running || l.presence == integrity.Stopped {
			l.tags = there[id].Tags
		}
		all = append(all, l)
	}
	h.aws(ctx, c, there, all)
	return all, errors.Join(problems...)
}

// drilled is the look at the drill's machine, which does not exist: the drill says what it answers. The
// line goes the way of every other from here.
func (h *Handler) drilled(ctx context.Context, now time.Time, c record.Command) ([]look, error) {
	d, err := h.Store.Drill(ctx)
	if err != nil {
		return nil, err
	}
	l, err := h.read(ctx, now, c, drill.Machine, drill.Answer(c, d.Ill, now))
	l.presence = integrity.Running
	return []look{l}, err
}

// started is when the machine was last launched, says EC2, or patched, says SSM, or booted, says it itself.
func (l look) started() time.Time {
	at := l.launched
	if l.patched.After(at) {
		at = l.patched
	}
	if l.evidence == nil {
		return at
	}
	if boot := l.evidence.OS.Boot.Or(at); boot.After(at) {
		at = boot
	}
	return at
}

func (h *Handler) pending(ctx context.Context, c record.Command) ([]string, error) {
	answered, err := h.Store.Answers(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, a := range answered {
		done[a.Machine] = true
	}
	var pending []string
	for _, id := range c.Machines {
		if !done[id] && (!drill.Is(id) || drill.Asked(c)) { // nothing but the drill answers for its machine
			pending = append(pending, id)
		}
	}
	return pending, nil
}

func offline(c record.Command) bool { return strings.HasPrefix(c.ID, inspection.OfflineID("")) }

// read turns one invocation into evidence, or into the reason why there is none. It takes no harm from
// any output: what is not a whole, fresh line of ours is no evidence.
func (h *Handler) read(ctx context.Context, now time.Time, c record.Command, machine string, i inspection.Invocation) (look, error) {
	l := look{machine: machine, ended: i.Ended}
	switch {
	case offline(c):
		l.ended, l.why = true, "agent_offline"
	case i.Machine == "":
		// SSM is eventually consistent, so a fresh command may not show all its machines.
		l.ended, l.why = !now.Before(c.TotalBy), "no_invocation"
	case !i.Ended:
		l.ended, l.why = !now.Before(c.TotalBy), "no_answer"
	case !i.Success:
		l.why = "run_command_" + strings.ToLower(i.Status)
	default:
		return h.parse(ctx, now, c, l, i)
	}
	return l, nil
}

// parse reads the output that the list shows. Only when that is no whole line and is long enough to
// have been cut, the machine's output is asked for alone: one call for each such machine.
func (h *Handler) parse(ctx context.Context, now time.Time, c record.Command, l look, i inspection.Invocation) (look, error) {
	want := evidence.Expect{Machine: l.machine, CommandID: c.ID, Nonce: c.Nonce, Sent: c.SentAt, Received: now}
	e, err := evidence.Parse(i.Output, want)
	if err != nil && len(i.Output) >= inspection.CutOutput {
		output, refused := h.Answers.Output(ctx, c.ID, l.machine, i.Step)
		if refused != nil {
			return l, refused
		}
		e, err = evidence.Parse(output, want)
	}
	var refusal *evidence.Refusal
	switch {
	case errors.As(err, &refusal):
		l.why = string(refusal.Reason)
	case err != nil:
		return l, err
	default:
		l.evidence = e
	}
	return l, nil
}
