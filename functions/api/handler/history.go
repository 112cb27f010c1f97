package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Bounds of a page. Lambda answers with at most 6 MB, in which this text is quoted once more, and one record has less
// than 1 MB: its lists are capped when evidence is accepted.
const (
	pageRecords  = 50
	pageMachines = 500
	pageBytes    = 1 << 20
)

// history is a page of what is kept of a machine: the evidence from since until a time, with ledger and notices of that
// time on the first page. It changes nothing.
func (h *Handler) history(ctx context.Context, c boot.Call) (int, any, error) {
	id, after := c.PathValue("id"), c.URL.Query().Get("after")
	since, until, err := window(c)
	if err != nil {
		return 0, nil, err
	}
	m, err := h.Store.Machine(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	page := record.History{Evidence: []record.Evidence{}, Ledger: []record.Entry{}, Notices: []record.Notice{}}
	kept, err := h.Store.EvidenceFrom(ctx, m.ID, since, until, after, pageRecords)
	if err != nil {
		return 0, nil, err
	}
	if page.Evidence, err = fitting(kept); err != nil {
		return 0, nil, err
	}
	if n := len(page.Evidence); n > 0 && (n < len(kept) || n == pageRecords) {
		page.Next = store.Cursor(page.Evidence[n-1])
	}
	if after == "" {
		err = h.happened(ctx, m.ID, since, until, &page)
	}
	return http.StatusOK, page, err
}

// window is the time that is asked for.
func window(c boot.Call) (since, until time.Time, err error) {
	read := func(name string, instead time.Time) (time.Time, error) {
		text := c.URL.Query().Get(name)
		if text == "" && !instead.IsZero() {
			return instead, nil
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return t, fault.Wrong(name, "reading the history: %s is %q, expected a time such as 2026-03-01T12:00:00Z", name, text)
		}
		return t.UTC(), nil
	}
	if since, err = read("since", time.Time{}); err != nil {
		return since, until, err
	}
	if until, err = read("until", c.Now); err != nil {
		return since, until, err
	}
	if until.Before(since) {
		return since, until, fault.Wrong("until", "reading the history: until is %s, expected a time after since, %s", until.Format(time.RFC3339), since.Format(time.RFC3339))
	}
	return since, until, nil
}

// fitting are the first records that fit into a page, one at least.
func fitting[T any](kept []T) ([]T, error) {
	size := 0
	for i, e := range kept {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encoding a page: %w", err)
		}
		if size += len(text); size > pageBytes && i > 0 {
			return kept[:i], nil
		}
	}
	return append([]T{}, kept...), nil
}

// happened adds what was done and told.
func (h *Handler) happened(ctx context.Context, id string, since, until time.Time, page *record.History) error {
	entries, err := h.Store.Ledger(ctx, id, 0)
	if err != nil {
		return err
	}
	notices, err := h.Store.Notices(ctx, id)
	if err != nil {
		return err
	}
	outside := func(t time.Time) bool { return t.Before(since) || t.After(until) }
	page.Ledger = append(page.Ledger, slices.DeleteFunc(entries, func(e record.Entry) bool { return outside(e.At) })...)
	slices.Reverse(page.Ledger)
	page.Notices = append(page.Notices, slices.DeleteFunc(notices, func(n record.Notice) bool { return outside(n.BegunAt) })...)
	return nil
}
