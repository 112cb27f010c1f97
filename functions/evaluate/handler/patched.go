package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// rollout is how long a command that patches may take to reach its last machine, as a maintenance window sends it.
const rollout = 12 * time.Hour

// patchings are the commands that patch; what a first question gave answers the next ones.
type patchings struct {
	since    time.Time
	commands []string
	asked    bool
}

// patched is when somebody last had a machine patched, as SSM was asked to. It asks only where that can matter. What
// SSM does not say keeps no machine from being judged: what follows is a warning with its whole grace.
func (h *Handler) patched(ctx context.Context, now time.Time, machine string, s integrity.State, verdict policy.Verdict, terms policy.Integrity, k *known) time.Time {
	if drill.Is(machine) || !integrity.StartMatters(s, verdict, now, terms) {
		return time.Time{}
	}
	since := now.Add(-terms.Settle - rollout)
	if !k.asked || since.Before(k.since) {
		found, err := h.Answers.Patchings(ctx, since)
		if err != nil {
			h.Log.WarnContext(ctx, "SSM does not say what was patched", boot.KeyMachine, machine, boot.KeyError, err.Error())
		}
		k.patchings = patchings{since: since, commands: found, asked: true}
	}
	var last time.Time
	for _, command := range k.commands {
		at, err := h.Answers.Asked(ctx, command, machine)
		if err != nil {
			h.Log.WarnContext(ctx, "SSM does not say whom it patched", boot.KeyMachine, machine, boot.KeyCommand, command, boot.KeyError, err.Error())
			continue
		}
		if at.After(last) && !at.After(now) {
			last = at
		}
	}
	return last
}
