package handler

import (
	"context"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// dependants are who else would lose the key. They are read once the answer to the look is there, since
// it costs a call for every 500 volumes and snapshots, and not at all where the policy lets others lose it.
func (h *Handler) dependants(ctx context.Context, f guard.Facts, m record.Machine) guard.Key {
	k := guard.Key{Mode: m.Key.Mode}
	if !f.Look.Answered && m.State.CommandedAt.IsZero() || f.Policy.Terms.SharedAllowed {
		return k
	}
	k.Dependants = dependants.Of(ctx, h.Keys, h.Instances, m)
	if d := k.Dependants; !d.Read {
		h.Log.WarnContext(ctx, "dependants of the key cannot be read", boot.KeyMachine, m.ID, boot.KeyError, d.Unread)
	}
	return k
}
