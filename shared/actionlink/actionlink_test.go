package actionlink_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

var (
	now   = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	since = now.Add(-time.Hour)
	due   = now.Add(4 * time.Hour)
)

func bad(edits ...func(*record.Machine)) record.Machine {
	m := record.Machine{ID: "i-1234567890abcdef0", State: integrity.State{Standing: integrity.Bad, Since: since, DueAt: due, Key: integrity.KeyReleased, Generation: 2}}
	for _, edit := range edits {
		edit(&m)
	}
	return m
}

func link(t *testing.T, a actionlink.Action) record.ActionLink {
	t.Helper()
	l, _, err := actionlink.New(a, bad(), []string{"ada@example.com"}, "r/warning", now, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNew(t *testing.T) {
	t.Parallel()
	random := bytes.NewReader([]byte(strings.Repeat("a", 32) + strings.Repeat("b", 32)))
	l, token, err := actionlink.New(actionlink.Hold, bad(), []string{"ada@example.com"}, "r/warning", now, random)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) != 43 || actionlink.ID(token) != l.ID || len(l.ID) != 64 || strings.Contains(l.ID, token) {
		t.Errorf("token %q has the id %q, want the link's %q", token, actionlink.ID(token), l.ID)
	}
	if !l.Expires.Equal(now.Add(7*24*time.Hour)) || !l.Violation.Equal(since) || l.Machine != "i-1234567890abcdef0" {
		t.Errorf("New = %+v", l)
	}
	if next, _, _ := actionlink.New(actionlink.Hold, bad(), nil, "", now, random); next.ID == l.ID {
		t.Error("two links have one id")
	}
	broken := errors.New("no entropy")
	if _, _, err := actionlink.New(actionlink.Hold, bad(), nil, "", now, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("New without random bytes = %v, want %v", err, broken)
	}
}

func TestOffered(t *testing.T) {
	t.Parallel()
	revoked := func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }
	silent := func(m *record.Machine) { m.State.Silence = true }
	good := func(m *record.Machine) { m.State.Standing = integrity.Good }
	for name, c := range map[string]struct {
		m    record.Machine
		want []actionlink.Action
	}{
		"due":                 {bad(), []actionlink.Action{actionlink.Check, actionlink.Hold, actionlink.OnIt, actionlink.AskWaiver}},
		"due for silence":     {bad(silent), []actionlink.Action{actionlink.Check, actionlink.Hold, actionlink.OnIt}},
		"revoked":             {bad(revoked), []actionlink.Action{actionlink.Check, actionlink.OnIt, actionlink.AskWaiver}},
		"revoked for silence": {bad(revoked, silent), []actionlink.Action{actionlink.Check, actionlink.OnIt}},
		"good":                {bad(good), nil},
	} {
		if got := actionlink.Offered(c.m); !slices.Equal(got, c.want) {
			t.Errorf("%s: Offered = %v, want %v", name, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	held := func(n int, since time.Time) func(*record.Machine) {
		return func(m *record.Machine) { m.LinkHolds = &record.LinkHolds{Violation: since, Count: n} }
	}
	for name, c := range map[string]struct {
		action actionlink.Action
		link   func(*record.ActionLink)
		m      func(*record.Machine)
		at     time.Time
		want   actionlink.Refusal
	}{
		"may":                      {},
		"used":                     {link: func(l *record.ActionLink) { l.UsedAt = now }, want: actionlink.Used},
		"the last moment":          {at: now.Add(actionlink.Valid - time.Nanosecond)},
		"expired":                  {at: now.Add(actionlink.Valid), want: actionlink.Expired},
		"another machine":          {m: func(m *record.Machine) { m.ID = "i-0abcdef1234567890" }, want: actionlink.Other},
		"no such action":           {link: func(l *record.ActionLink) { l.Action = "restore" }, want: actionlink.Other},
		"no action":                {link: func(l *record.ActionLink) { l.Action = "" }, want: actionlink.Other},
		"good":                     {m: func(m *record.Machine) { m.State.Standing = integrity.Good }, want: actionlink.Over},
		"unknown":                  {m: func(m *record.Machine) { m.State.Standing = integrity.Unknown }, want: actionlink.Over},
		"another violation":        {m: func(m *record.Machine) { m.State.Since = now }, want: actionlink.Over},
		"revoked":                  {m: func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }, want: actionlink.Revoked},
		"revoked, to be looked at": {action: actionlink.Check, m: func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }},
		"held twice":               {m: held(2, since)},
		"held three times":         {m: held(3, since), want: actionlink.Enough},
		"held in another one":      {m: held(3, since.Add(-time.Hour))},
	} {
		a := c.action
		if a == "" {
			a = actionlink.Hold
		}
		l, m, at := link(t, a), bad(), c.at
		if c.link != nil {
			c.link(&l)
		}
		if c.m != nil {
			c.m(&m)
		}
		if at.IsZero() {
			at = now
		}
		if got := actionlink.Judge(l, m, at); got != c.want {
			t.Errorf("%s: Judge = %q, want %q", name, got, c.want)
		}
	}
}

// Whatever a link does, the standing, the deadline, the key and the generation of the machine stay.
func TestUseMovesNothing(t *testing.T) {
	t.Parallel()
	for _, a := range []actionlink.Action{actionlink.Check, actionlink.Hold, actionlink.OnIt, actionlink.AskWaiver} {
		before := bad(func(m *record.Machine) { m.State.RemindAt = now.Add(time.Hour) })
		act := actionlink.Use(link(t, a), before, now)
		after := act.Machine
		after.LinkHolds, after.State.RemindAt = before.LinkHolds, before.State.RemindAt
		if after.State != before.State {
			t.Errorf("%s: the state is %+v, was %+v", a, act.Machine.State, before.State)
		}
		if (act.Hold != nil) != (a == actionlink.Hold) {
			t.Errorf("%s: hold is %+v", a, act.Hold)
		}
		if act.Machine.State.RemindAt.Equal(now.Add(24*time.Hour)) != (a == actionlink.OnIt) {
			t.Errorf("%s: the next reminder is at %s", a, act.Machine.State.RemindAt)
		}
		if !act.Link.UsedAt.Equal(now) || act.Entry.Kind != record.EntryLink || act.Entry.By != "link of the mail to ada@example.com" || act.Entry.Text == "" {
			t.Errorf("%s: Use = %+v", a, act)
		}
	}
}

func TestHolding(t *testing.T) {
	t.Parallel()
	act := actionlink.Use(link(t, actionlink.Hold), bad(), now)
	if h := act.Hold; h.Scope != "machine:i-1234567890abcdef0" || !h.Expires.Equal(due.Add(time.Hour)) || h.By != "link of the mail to ada@example.com" {
		t.Errorf("the hold is %+v, want it until an hour after the deadline", h)
	}
	late := due.Add(10*time.Minute + time.Nanosecond)
	again := actionlink.Use(link(t, actionlink.Hold), act.Machine, late)
	if !again.Hold.Expires.Equal(due.Add(70 * time.Minute)) {
		t.Errorf("after the deadline it is held until %s", again.Hold.Expires)
	}
	if again.Machine.LinkHolds.Count != 2 || act.Machine.LinkHolds.Count != 1 {
		t.Errorf("links held it %d and then %d times", act.Machine.LinkHolds.Count, again.Machine.LinkHolds.Count)
	}
}

// A machine whose reminders are off, or later, keeps that.
func TestRemindersAreNotBroughtNearer(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, now.Add(48 * time.Hour)} {
		act := actionlink.Use(link(t, actionlink.OnIt), bad(func(m *record.Machine) { m.State.RemindAt = at }), now)
		if got := act.Machine.State.RemindAt; !got.Equal(at) {
			t.Errorf("the next reminder is at %s, was at %s", got, at)
		}
	}
}

func TestBy(t *testing.T) {
	t.Parallel()
	if got := actionlink.By(record.ActionLink{To: []string{"ada@example.com", "ops@example.com"}}); got != "link of the mail to one of ada@example.com, ops@example.com" {
		t.Errorf("By = %q", got)
	}
}

func FuzzID(f *testing.F) {
	f.Add("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	f.Add("")
	f.Add(strings.Repeat("a", 44))
	f.Add(strings.Repeat("a", 42) + "\n")
	f.Fuzz(func(t *testing.T, token string) {
		id := actionlink.ID(token)
		valid := len(token) == 43 && strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
		if valid != (len(id) == 64) || !valid && id != "" {
			t.Errorf("ID(%q) = %q", token, id)
		}
	})
}
