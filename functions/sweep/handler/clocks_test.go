package handler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// warned makes a machine that failed and is due an hour from the start.
func warned(m *record.Machine) {
	fake.Bad(m)
	m.State.DueAt = fake.Start.Add(time.Hour)
	m.Execution = "i-1234567890abcdef0-2-enforce-1"
}

// swept is a world whose last completed sweep was so long ago.
func swept(ago time.Duration, edits ...func(*record.Machine)) *fake.World {
	w := with(edits...)
	w.Store.Watched = record.Watch{SweptAt: fake.Start.Add(-ago)}
	w.Store.EvaluatedAt = fake.Start.Add(-ago)
	w.Flow.Executions["i-1234567890abcdef0-2-enforce-1"] = "RUNNING"
	return w
}

// silentOnes enrols so many machines more, of which the first do not answer since an hour.
func silentOnes(w *fake.World, silent, of int) {
	for n := range of {
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			m.ID = fmt.Sprintf("i-%017x", n+1)
			m.State.KnownAt = fake.Start.Add(-6 * time.Hour)
			if n < silent {
				m.State.LastVerdict, m.State.SilentSince = "Unknown", fake.Start.Add(-time.Hour)
			}
		}))
	}
}

func outageMails(w *fake.World) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(w.Flow.Executions)) {
		if strings.Contains(name, "tell-outage") {
			names = append(names, name)
		}
	}
	return names
}

func (w world) dueAt() time.Time { return w.Store.ByID[fake.ID].State.DueAt }

type world struct{ *fake.World }

func TestADowntimeMovesDeadlines(t *testing.T) {
	t.Parallel()
	w := swept(5*time.Hour, func(m *record.Machine) {
		warned(m)
		m.State.WarnedAt, m.State.DueAt = fake.Start.Add(-6*time.Hour), fake.Start.Add(-2*time.Hour)
	})
	run(t, w)
	if got, want := (world{w}).dueAt(), fake.Start.Add(3*time.Hour); !got.Equal(want) {
		t.Errorf("due at %v, want it moved by 5 h to %v", got, want)
	}
	if got := w.Store.Kinds(); !slices.Equal(got, []record.EntryKind{record.EntryMoved}) {
		t.Errorf("ledger = %v", got)
	}
	mails := outageMails(w)
	if len(mails) != 1 {
		t.Fatalf("mails = %v, want one", mails)
	}
	in := string(w.Flow.Inputs[mails[0]])
	if !strings.Contains(in, "Keyward itself did not run from 2026-03-01T23:30:00Z to 2026-03-02T04:30:00Z; deadlines moved so far: 1") ||
		!strings.Contains(in, enforcement.AllMachines) {
		t.Errorf("input = %s", in)
	}
	if got := w.Store.Watched; !got.SweptAt.Equal(fake.Start) || len(got.Paused) != 0 {
		t.Errorf("heartbeat = %+v", got)
	}
	due := (world{w}).dueAt()
	sweepAt(t, w, fake.Start.Add(5*time.Minute))
	if got := (world{w}).dueAt(); !got.Equal(due) || len(outageMails(w)) != 1 {
		t.Errorf("the next sweep moved it to %v, mails %v", got, outageMails(w))
	}
}

func TestNoDowntime(t *testing.T) {
	t.Parallel()
	first := swept(0, warned)
	first.Store.Watched = record.Watch{}
	for name, w := range map[string]*fake.World{"half an hour": swept(30*time.Minute, warned), "the very first": first} {
		run(t, w)
		if got := (world{w}).dueAt(); !got.Equal(fake.Start.Add(time.Hour)) || len(outageMails(w)) > 0 {
			t.Errorf("%s: due at %v, mails %v", name, got, outageMails(w))
		}
	}
	w := swept(5*time.Hour, func(m *record.Machine) {})
	run(t, w)
	if mails := outageMails(w); len(mails) > 0 {
		t.Errorf("no deadline ran, and the mails are %v", mails)
	}
}

// A sweep that could not move everything is none: the next one knows the gap still.
func TestADowntimeIsMovedForUntilItIsDone(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Apply", "states.Start"} {
		w := swept(5*time.Hour, warned)
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		if !w.Store.Watched.SweptAt.Equal(fake.Start.Add(-5 * time.Hour)) {
			t.Errorf("%s failed, and the heartbeat is of %v", failing, w.Store.Watched.SweptAt)
		}
		sweepAt(t, w, fake.Start.Add(5*time.Minute))
		if got, want := (world{w}).dueAt(), fake.Start.Add(6*time.Hour+5*time.Minute); !got.Equal(want) || len(outageMails(w)) != 1 {
			t.Errorf("%s failed once: due at %v, want %v; mails %v", failing, got, want, outageMails(w))
		}
	}
	w := swept(5*time.Hour, warned)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	run(t, w)
	if got, want := (world{w}).dueAt(), fake.Start.Add(6*time.Hour); !got.Equal(want) {
		t.Errorf("changed by somebody else meanwhile: due at %v, want %v", got, want)
	}
	w = swept(5*time.Hour, warned)
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	for _, failing := range []string{"store.Watch", "store.Evaluated", "store.PutWatch"} {
		w := swept(time.Minute, warned)
		w.Fail(failing, fake.Down)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
	}
}

func TestManySilentMachinesPauseTheirPolicy(t *testing.T) {
	t.Parallel()
	w := swept(5*time.Minute, warned)
	silentOnes(w, 3, 9)
	run(t, w)
	if got, want := (world{w}).dueAt(), fake.Start.Add(time.Hour+5*time.Minute); !got.Equal(want) {
		t.Errorf("due at %v, want %v", got, want)
	}
	if p := w.Store.Watched.Paused["web-tier"]; p.Why != "3 of 10 machines of policy web-tier give no usable answer at once" {
		t.Errorf("paused = %+v", w.Store.Watched.Paused)
	}
	for n := 1; n <= 12; n++ {
		sweepAt(t, w, fake.Start.Add(time.Duration(n)*5*time.Minute))
	}
	if got, want := (world{w}).dueAt(), fake.Start.Add(2*time.Hour+5*time.Minute); !got.Equal(want) {
		t.Errorf("an hour later due at %v, want %v", got, want)
	}
	silence := w.Store.ByID["i-00000000000000001"].State.SilentSince
	if want := fake.Start.Add(5 * time.Minute); !silence.Equal(want) {
		t.Errorf("silent since %v, want %v", silence, want)
	}
	if mails := outageMails(w); len(mails) != 1 || !strings.HasSuffix(mails[0], "-web-tier") {
		t.Errorf("mails = %v, want one", mails)
	}
	entries := slices.DeleteFunc(w.Store.Kinds(), func(k record.EntryKind) bool { return k != record.EntryMoved })
	if len(entries) != 4 { // one a machine whose clock runs
		t.Errorf("%d entries say that clocks are moved", len(entries))
	}
	w.Store.Change("i-00000000000000001", func(m *record.Machine) { m.State.LastVerdict, m.State.SilentSince = "Pass", time.Time{} })
	due := (world{w}).dueAt()
	sweepAt(t, w, fake.Start.Add(65*time.Minute))
	if got := (world{w}).dueAt(); !got.Equal(due) || len(w.Store.Watched.Paused) > 0 {
		t.Errorf("they answer: due at %v, want %v; paused %v", got, due, w.Store.Watched.Paused)
	}
}

func TestADayOfItIsForAPerson(t *testing.T) {
	t.Parallel()
	w := swept(5*time.Minute, warned)
	silentOnes(w, 3, 9)
	at := fake.Start
	for ; at.Before(fake.Start.Add(25 * time.Hour)); at = at.Add(10 * time.Minute) {
		sweepAt(t, w, at)
	}
	m := w.Store.ByID[fake.ID]
	if m.State.HeldFor != integrity.HeldFrozen || m.ToldHeld == "" {
		t.Fatalf("after 25 h: %+v", m.State)
	}
	held := slices.DeleteFunc(slices.Sorted(maps.Keys(w.Flow.Executions)), func(n string) bool { return !strings.Contains(n, "tell-held") })
	if len(held) != 1 || len(outageMails(w)) != 2 {
		t.Errorf("told %v and %v, want the machine's once and the account's once a day", held, outageMails(w))
	}
	m.State = integrity.Resumed(m.State, at)
	w.Store.Put(m)
	due := m.State.DueAt
	sweepAt(t, w, at.Add(10*time.Minute))
	if got := (world{w}).dueAt(); !got.Equal(due) {
		t.Errorf("a person decided, and the deadline moves from %v to %v", due, got)
	}
}

func TestAnswersThatNobodyJudges(t *testing.T) {
	t.Parallel()
	late := func(w *fake.World) record.Command {
		c := fake.Sent(record.Scheduled, fake.Start.Add(-40*time.Minute), fake.ID)
		w.Store.Sends[c.ID] = c
		return c
	}
	w := swept(5*time.Minute, warned)
	c := late(w)
	w.Store.EvaluatedAt = c.SentAt
	run(t, w)
	if got, want := (world{w}).dueAt(), fake.Start.Add(time.Hour+40*time.Minute); !got.Equal(want) {
		t.Errorf("due at %v, want %v: nobody judges since the command was sent", got, want)
	}
	sweepAt(t, w, fake.Start.Add(5*time.Minute))
	if got, want := (world{w}).dueAt(), fake.Start.Add(time.Hour+45*time.Minute); !got.Equal(want) || len(outageMails(w)) != 1 {
		t.Errorf("due at %v, want %v; mails %v", got, want, outageMails(w))
	}
	w = swept(5*time.Minute, warned)
	late(w)
	w.Store.EvaluatedAt = fake.Start.Add(-time.Minute) // others are judged: the trouble is the command's own
	run(t, w)
	if got := (world{w}).dueAt(); !got.Equal(fake.Start.Add(time.Hour)) {
		t.Errorf("due at %v, want it unmoved", got)
	}
}

// Machines whose clocks stand still each by itself are told of once, and moved by nothing.
func TestBlindMachinesAreTold(t *testing.T) {
	t.Parallel()
	w := swept(5*time.Minute, func(m *record.Machine) {
		warned(m)
		m.State = integrity.Blinded(m.State, fake.Start.Add(-time.Minute))
	})
	run(t, w)
	sweepAt(t, w, fake.Start.Add(5*time.Minute))
	if got := (world{w}).dueAt(); !got.Equal(fake.Start.Add(time.Hour)) {
		t.Errorf("due at %v, want it to stand still", got)
	}
	if mails := outageMails(w); len(mails) != 1 {
		t.Errorf("mails = %v", mails)
	}
}

// The word that the dead man's alarm waits for.
func TestLooking(t *testing.T) {
	t.Parallel()
	const daily, weekly = 52 * time.Hour, 16 * 24 * time.Hour
	at := func(ago time.Duration, weekly bool, edits ...func(*record.Machine)) *fake.World {
		w := swept(time.Minute, append([]func(*record.Machine){func(m *record.Machine) { m.EnrolledAt = time.Time{} }}, edits...)...)
		w.Store.EvaluatedAt = fake.Start.Add(-ago)
		if weekly {
			w.Store.PutPolicyText(fake.Policy(`daily: "04:30"`, `weekly: {on: sunday, at: "04:30"}`))
		}
		return w
	}
	nobody := at(weekly, false)
	nobody.Store.ByID = map[string]record.Machine{}
	for name, tt := range map[string]struct {
		world *fake.World
		want  string
	}{
		"two days":               {at(daily, false), "true"},
		"longer":                 {at(daily+time.Second, false), "false"},
		"two weeks":              {at(weekly, true), "true"},
		"longer than two weeks":  {at(weekly+time.Second, true), "false"},
		"enrolled since":         {at(weekly, false, func(m *record.Machine) { m.EnrolledAt = fake.Start }), "true"},
		"a policy that is gone":  {at(daily+time.Second, true, func(m *record.Machine) { m.Policy = "gone" }), "false"},
		"nobody to be looked at": {nobody, "true"},
	} {
		run(t, tt.world)
		if !strings.Contains(tt.world.Logged(), "looking="+tt.want) {
			t.Errorf("%s: want looking=%s in %s", name, tt.want, tt.world.Logged())
		}
	}
}
