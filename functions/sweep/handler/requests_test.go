package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// waitsFor is a machine whose request waits until a time.
func waitsFor(until time.Time) func(*record.Machine) {
	return func(m *record.Machine) {
		m.State.Key, m.Grant = integrity.KeyUntouched, ""
		m.Asking = &record.Asking{Request: "boot", Until: until}
	}
}

func asked(w *fake.World, s keyrequest.State, ends time.Time, ruling *record.Ruling) *fake.World {
	w.Store.Asked[fake.ID+" boot"] = record.Request{ID: "boot", Machine: fake.ID, State: string(s), ExpiresAt: ends, Revision: 1, Ruling: ruling}
	return w
}

func TestAnExpiredRequestIsToldOnce(t *testing.T) {
	t.Parallel()
	approved := &record.Ruling{Approved: true}
	for name, tt := range map[string]struct {
		world *fake.World
		state keyrequest.State
		why   string // of the mail; empty: there is none
		waits bool   // the next sweep looks again
	}{
		"nobody decided":            {asked(with(waitsFor(fake.Start)), keyrequest.Pending, fake.Start, nil), keyrequest.Expired, "nobody decided in time", false},
		"nobody came for it":        {asked(with(waitsFor(fake.Start)), keyrequest.Approved, fake.Start, approved), keyrequest.Expired, "the machine did not come for it in time", false},
		"it has time yet":           {asked(with(waitsFor(fake.Start.Add(1))), keyrequest.Pending, fake.Start.Add(1), nil), keyrequest.Pending, "", true},
		"it was denied since":       {asked(with(waitsFor(fake.Start)), keyrequest.Denied, time.Time{}, nil), keyrequest.Denied, "", false},
		"it waits anew":             {asked(with(waitsFor(fake.Start)), keyrequest.Pending, fake.Start.Add(time.Hour), nil), keyrequest.Pending, "", false},
		"its record is not there":   {with(waitsFor(fake.Start)), "", "", false},
		"no request of it is noted": {asked(with(func(*record.Machine) {}), keyrequest.Pending, fake.Start, nil), keyrequest.Pending, "", false},
	} {
		w := tt.world
		for range 2 {
			run(t, w)
		}
		r, m := w.Store.Asked[fake.ID+" boot"], w.Store.ByID[fake.ID]
		if r.State != string(tt.state) || (m.Asking != nil) != tt.waits {
			t.Errorf("%s: the request is %q, the machine waits for %+v", name, r.State, m.Asking)
		}
		var told []string
		for _, c := range w.Store.Changes {
			for _, o := range c.Start {
				told = append(told, string(o.Input))
			}
		}
		if tt.why == "" {
			if len(told) > 0 {
				t.Errorf("%s: told %s", name, told)
			}
			continue
		}
		if len(told) != 1 || !strings.Contains(told[0], `"notice":"requestExpired"`) || !strings.Contains(told[0], tt.why) || len(w.Flow.Made("states.Start")) != 1 {
			t.Errorf("%s: told %s, started %v", name, told, w.Flow.Made("states.Start"))
		}
		if e := w.Store.Entries; len(e) != 1 || !strings.Contains(e[0].Text, "key request boot has expired: "+tt.why) || len(r.Moves) != 1 || r.Reason != tt.why {
			t.Errorf("%s: ledger %+v, request %+v", name, e, r)
		}
	}
}

// What cannot be read or written now stays for the next sweep.
func TestAnExpiredRequestIsNotLost(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Request", "store.Apply", "states.Start"} {
		w := asked(with(waitsFor(fake.Start)), keyrequest.Pending, fake.Start, nil)
		w.Fail(call, fake.Down)
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, Event{}); !fault.Is(err, fault.Transient) {
			t.Errorf("%s fails: %v", call, err)
		}
		run(t, w)
		if r := w.Store.Asked[fake.ID+" boot"]; r.State != string(keyrequest.Expired) || len(w.Store.Waiting) != 0 {
			t.Errorf("%s: the request is %s, %d wait in the outbox", call, r.State, len(w.Store.Waiting))
		}
	}
}
