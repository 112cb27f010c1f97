package handler

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// wished is what a person says of whatever he does with a key request. Expires is zero where there is no end.
type wished struct {
	reason  string
	expires time.Time
}

// act does one thing with one key request. Its answer has the request as it is after it.
type act func(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error)

// one is the route of an act on the request that the path names.
func one(do act) boot.Endpoint {
	return func(ctx context.Context, c boot.Call) (int, any, error) {
		var in record.Reason
		if err := c.Decode(&in); err != nil {
			return 0, nil, err
		}
		done, err := do(ctx, c, chosenBy(c), wished{reason: in.Reason})
		return done.Status, done.Request, err
	}
}

// several is the route of an act on each request of a selection.
func (h *Handler) several(word string, do act) boot.Endpoint {
	return func(ctx context.Context, c boot.Call) (int, any, error) {
		var in record.Selection
		if err := c.Decode(&in); err != nil {
			return 0, nil, err
		}
		return h.each(ctx, c, word, in.Requests, wished{reason: in.Reason}, do)
	}
}

func (h *Handler) ignoreOne(ctx context.Context, c boot.Call) (int, any, error) {
	var in record.IgnoreWish
	if err := c.Decode(&in); err != nil {
		return 0, nil, err
	}
	done, err := h.ignoreRequest(ctx, c, chosenBy(c), wished{in.Reason, in.Expires})
	if err != nil {
		return 0, nil, err
	}
	return done.Status, record.Ignored{Request: *done.Request, Waivers: done.Waivers}, nil
}

func (h *Handler) ignoreSeveral(ctx context.Context, c boot.Call) (int, any, error) {
	var in record.IgnoreSelection
	if err := c.Decode(&in); err != nil {
		return 0, nil, err
	}
	if err := checkIgnore(wished{in.Reason, in.Expires}, c.Now); err != nil {
		return 0, nil, err
	}
	return h.each(ctx, c, "ignore", in.Requests, wished{in.Reason, in.Expires}, h.ignoreRequest)
}

func chosenBy(c boot.Call) record.Chosen {
	return record.Chosen{Machine: c.PathValue("machine"), ID: c.PathValue("id")}
}

// each does the same with each request of a selection, one after the other, and tells of each what became of it: what
// refuses one says nothing of the others. What is wrong with the call itself refuses it whole, before anything is done.
func (h *Handler) each(ctx context.Context, c boot.Call, word string, chosen []record.Chosen, w wished, do act) (int, any, error) {
	doing := "acting on key requests (" + word + ")"
	if err := checkSelection(chosen, doing); err != nil {
		return 0, nil, err
	}
	if err := checkReason(record.Reason{Reason: w.reason}, doing); err != nil {
		return 0, nil, err
	}
	list := record.ActedList{Results: make([]record.Acted, 0, len(chosen))}
	for _, one := range chosen {
		done, err := do(ctx, c, one, w)
		if err != nil {
			row := fault.Of(fault.KindOf(err))
			done = record.Acted{Status: row.Status, Kind: row.Name, Detail: fault.Safe(err)}
			h.Log.InfoContext(ctx, "request refused", boot.KeyMachine, one.Machine, boot.KeyKind, row.Name, boot.KeyError, err.Error())
		}
		done.Machine, done.ID = one.Machine, one.ID
		list.Results = append(list.Results, done)
	}
	return http.StatusOK, list, nil
}

func checkSelection(chosen []record.Chosen, doing string) error {
	if n := len(chosen); n == 0 || n > record.MaxSelected {
		return fault.Wrong("requests", "%s: requests has %d entries, expected 1 to %d", doing, n, record.MaxSelected)
	}
	seen := map[record.Chosen]bool{}
	for i, one := range chosen {
		field := fmt.Sprintf("requests[%d]", i)
		switch {
		case one.Machine == "":
			return fault.Wrong(field+".machine", "%s: %s.machine is required", doing, field)
		case one.ID == "":
			return fault.Wrong(field+".id", "%s: %s.id is required", doing, field)
		case seen[one]:
			return fault.Wrong(field, "%s: %s is there before", doing, field)
		}
		seen[one] = true
	}
	return nil
}
