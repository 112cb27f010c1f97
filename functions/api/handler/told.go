package handler

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// waived is the execution that tells of waivers that are set together: those of a machine, or one of many.
func (h *Handler) waived(m record.Machine, now time.Time, all ...record.Waiver) (record.Start, error) {
	w := all[len(all)-1]
	what := make([]string, len(all))
	for i, one := range all {
		what[i] = fmt.Sprintf("rule %q: %s", one.Rule, strings.Join(one.Values, "; "))
	}
	in := enforcement.Input{Why: w.Reason, By: w.By, DueAt: w.Expires, Request: w.ID, What: strings.Join(what, "; ")}
	if m.ID == "" {
		in.Machine, in.Policy = w.ID, w.Policy
		return tell.Of(h.place(), notice.Waived, in, 1, now)
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(w.ID, "w-"), 16, 64) // keeps it apart from those of other waivers
	if err != nil {
		return record.Start{}, fmt.Errorf("naming the notice of waiver %s: %w", w.ID, err)
	}
	in.Machine, in.Generation, in.Policy = m.ID, m.State.Generation, m.Policy
	return tell.Of(h.place(), notice.Waived, in, int(number), now)
}

// policyChanged is the execution that tells what a person did to a policy; version is the one that is written.
func (h *Handler) policyChanged(c boot.Call, name string, version int, what string) (record.Start, error) {
	return tell.Of(h.place(), notice.PolicyChanged, enforcement.Input{
		Machine: "policy-" + name, Generation: int64(version), Policy: name, By: c.Caller, What: what,
	}, 1, c.Now)
}
