package handler

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/record"
)

// pageEntries is how many ledger entries a page has; each is some hundred bytes.
const pageEntries = 1000

// audit is a page of a machine's ledger as it was written, with the heads of its chains on the first one. The heads are
// read before any entry is, so that a chain can have grown since and can never be short of its head.
func (h *Handler) audit(ctx context.Context, c boot.Call) (int, any, error) {
	id, after := c.PathValue("id"), c.URL.Query().Get("after")
	page := record.Audit{Entries: []record.Entry{}}
	if after == "" {
		m, err := h.Store.Machine(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		waivers, err := h.Store.WaiverHead(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		page.Heads = map[string]record.Head{"": m.Ledger, record.ChainWaivers: waivers}
	}
	entries, next, err := h.Store.LedgerFrom(ctx, id, after, pageEntries)
	page.Entries, page.Next = append(page.Entries, entries...), next
	return http.StatusOK, page, err
}
