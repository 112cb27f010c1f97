package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/safeguard"
)

// overhead is what a command may take beside its work: 30 s to deliver, and the answer's way.
const overhead = 2 * time.Minute

// said is what became of a command on the machine.
type said struct {
	waiting bool
	answer  safeguard.Answer
	failed  string // why there is no answer to use, in one line
	unsent  bool   // and the machine was never asked
}

// ask runs one action of the lock document on the machine and reads what it answered: first it writes the
// nonce, then it sends, then it is called again until there is an answer. An attempt that was cut off is
// repeated with the same nonce; every action may be done twice.
func (h *Handler) ask(ctx context.Context, now time.Time, t enforcement.Task, a safeguard.Action, names safeguard.Names, within time.Duration) (said, error) {
	first := false
	m, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		if first = g.Command == nil || g.Command.Action != a; !first {
			return nil, false
		}
		g.Command = &record.LockCommand{Action: a, Nonce: inspection.Nonce(), SentAt: now, By: now.Add(within + overhead)}
		return nil, true
	})
	if err != nil {
		return said{}, err
	}
	c := *m.Safeguard.Command
	if c.ID == "" {
		r, err := h.send(ctx, now, t, c, names, within)
		r.unsent = first && r.failed != "" // an attempt that was cut off may have sent it
		return r, err
	}
	return h.read(ctx, now, t, c, names)
}

func (h *Handler) send(ctx context.Context, now time.Time, t enforcement.Task, c record.LockCommand, names safeguard.Names, within time.Duration) (said, error) {
	if now.After(c.By) {
		return said{failed: "the command could not be sent in time"}, nil
	}
	machine := t.Input.Machine
	online, err := h.Machines.Online(ctx, []string{machine})
	if err != nil {
		return said{}, err
	}
	if !online[machine] {
		return said{failed: "the machine's SSM agent does not answer"}, nil
	}
	d, err := h.Machines.Document(ctx, h.Document)
	if err != nil {
		return said{}, err
	}
	if err := h.pin(d); err != nil {
		return said{}, err
	}
	id, err := h.Machines.Send(ctx, d, []string{machine}, names.Parameters(c.Action, c.Nonce, within), fmt.Sprintf("Keyward %s before a revocation", c.Action))
	if otherPlatform(err) {
		return said{failed: "the lock document is for Linux, and the machine has another system"}, nil
	}
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.Invalid) {
		return said{failed: "SSM does not send the lock document to the machine: " + fault.Safe(err)}, nil
	}
	if err != nil {
		return said{}, err
	}
	_, err = h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		if g.Command == nil || g.Command.Nonce != c.Nonce {
			return nil, false
		}
		sent := *g.Command
		sent.ID = id
		g.Command = &sent
		return nil, true
	})
	return said{waiting: true}, err
}

// otherPlatform says whether SSM refused the document since it has no step for the machine's system (SendCommand
// API reference, UnsupportedPlatformType).
func otherPlatform(err error) bool {
	var aws interface{ ErrorCode() string } // what every error of the SDK has, without importing it
	return errors.As(err, &aws) && aws.ErrorCode() == "UnsupportedPlatformType"
}

// pin compares the script inside the registered document with the one this program was built with: another
// one is not ours to run as root.
func (h *Handler) pin(d inspection.Document) error {
	script, err := documents.Script(d.Content)
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "checking document %s version %s: its script cannot be read", d.Name, d.Version)
	}
	if documents.Digest(script) != h.Digest {
		return fault.New(fault.Conflict, "checking document %s version %s: its script is not the one this version of Keyward was built with", d.Name, d.Version)
	}
	return nil
}

func (h *Handler) read(ctx context.Context, now time.Time, t enforcement.Task, c record.LockCommand, names safeguard.Names) (said, error) {
	invocations, err := h.Machines.Invocations(ctx, c.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return said{}, err
	}
	for _, i := range invocations {
		switch {
		case i.Machine != t.Input.Machine || !i.Ended:
			continue
		case !i.Success:
			return said{failed: "SSM says " + strings.ToLower(i.Status)}, nil
		}
		answer, err := safeguard.Parse(i.Output, safeguard.Asked{Action: c.Action, Nonce: c.Nonce, Names: names})
		if refusal := (*evidence.Refusal)(nil); errors.As(err, &refusal) {
			return said{failed: "the machine's answer cannot be used: " + string(refusal.Reason)}, nil
		}
		if err == nil && !answer.Root {
			return said{failed: "the lock document does not run as root there"}, nil
		}
		return said{answer: answer}, err
	}
	if now.After(c.By) {
		return said{failed: "the machine did not answer in time"}, nil
	}
	return said{waiting: true}, nil
}
