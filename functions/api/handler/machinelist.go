package handler

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// The words that machines are asked for by; what the store has as nothing has a word too.
var (
	standings = map[string]integrity.Standing{"Good": integrity.Good, "Bad": integrity.Bad, "Unknown": integrity.Unknown}
	keyStates = map[string]integrity.KeyState{
		"Untouched": integrity.KeyUntouched, "Released": integrity.KeyReleased, "Revoking": integrity.KeyRevoking,
		"Revoked": integrity.KeyRevoked, "Withdrawn": integrity.KeyWithdrawn,
	}
)

// listMachines is a page of the enrolled machines, by id, and after which one the next page begins: those under a policy,
// with a standing, with a key in a state. A page may be empty and not be the last.
func (h *Handler) listMachines(ctx context.Context, c boot.Call) (int, any, error) {
	q := c.URL.Query()
	if err := known(q, "standing", standings); err != nil {
		return 0, nil, err
	}
	if err := known(q, "key", keyStates); err != nil {
		return 0, nil, err
	}
	kept, err := h.Store.MachinesFrom(ctx, q.Get("after"), pageMachines)
	if err != nil {
		return 0, nil, err
	}
	page := record.MachinePage{}
	if page.Machines, err = fitting(kept); err != nil {
		return 0, nil, err
	}
	if n := len(page.Machines); n > 0 && (n < len(kept) || n == pageMachines) {
		page.Next = page.Machines[n-1].ID
	}
	page.Machines = slices.DeleteFunc(page.Machines, func(m record.Machine) bool {
		return q.Get("policy") != "" && m.Policy != q.Get("policy") ||
			q.Get("standing") != "" && m.State.Standing != standings[q.Get("standing")] ||
			q.Get("key") != "" && m.State.Key != keyStates[q.Get("key")]
	})
	return http.StatusOK, boot.Tagged{Value: page}, nil // who watches reads it again and again
}

// known refuses a word that nothing can have.
func known[T any](q url.Values, field string, words map[string]T) error {
	word := q.Get(field)
	if _, ok := words[word]; ok || !q.Has(field) {
		return nil
	}
	var all []string
	for w := range words {
		all = append(all, w)
	}
	slices.Sort(all)
	return fault.Wrong(field, "reading what is asked for: %s is %q, expected one of %s", field, word, strings.Join(all, ", "))
}
