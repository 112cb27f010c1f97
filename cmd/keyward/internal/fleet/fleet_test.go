package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/cmd/keyward/internal/fleet"
	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// stack answers as the people's API does.
type stack struct {
	status   record.Status
	machines []record.Machine
	holds    []record.Hold
	breaker  record.BreakerView
	ledgers  map[string][]record.Entry
	err      map[string]error // by call
	read     int              // ledgers
}

func (s *stack) Status(context.Context) (record.Status, error) { return s.status, s.err["status"] }
func (s *stack) Machines(context.Context, people.Asked) ([]record.Machine, error) {
	return slices.Clone(s.machines), s.err["machines"]
}
func (s *stack) Holds(context.Context) ([]record.Hold, error) { return s.holds, s.err["holds"] }
func (s *stack) Breaker(context.Context) (record.BreakerView, error) {
	return s.breaker, s.err["breaker"]
}
func (s *stack) Ledger(_ context.Context, id string) ([]record.Entry, error) {
	s.read++
	return s.ledgers[id], s.err["ledger "+id]
}

// happens adds an entry to a machine's ledger.
func (s *stack) happens(n int, kind record.EntryKind, text string) {
	m := &s.machines[n]
	m.Ledger.Number++
	s.status.Time = s.status.Time.Add(time.Minute)
	e := record.Entry{Machine: m.ID, At: s.status.Time, Kind: kind, Text: text, Number: m.Ledger.Number, Policy: m.Policy, Standing: m.State.Standing, Key: m.State.Key}
	s.ledgers[m.ID] = slices.Insert(s.ledgers[m.ID], 0, e)
}

func place(machines int) *stack {
	s := &stack{ledgers: map[string][]record.Entry{}, err: map[string]error{}, status: record.Status{Time: at, Machines: map[string]int{"Good": machines}}}
	for n := range machines {
		s.machines = append(s.machines, record.Machine{ID: fmt.Sprintf("i-%03d", n), Name: "web", Policy: "p", State: integrity.State{Standing: integrity.Good}, Ledger: record.Head{Number: 1}})
		s.ledgers[s.machines[n].ID] = []record.Entry{{Machine: s.machines[n].ID, At: at.Add(-time.Hour), Kind: record.EntryEnrolled, Text: "enrolled", Number: 1}}
	}
	return s
}

func lines(changes []fleet.Change) string {
	var all strings.Builder
	for _, c := range changes {
		all.WriteString(c.Line() + "\n")
	}
	return all.String()
}

func looks(t *testing.T, w *fleet.Watcher, want string) {
	t.Helper()
	_, changes, err := w.Look(t.Context())
	if diff := cmp.Diff(want, lines(changes)); err != nil || diff != "" {
		t.Errorf("Look: %v (-want +got):\n%s", err, diff)
	}
}

// Everything that happened between two looks is told once, in its order, and nothing that was before.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := place(3)
	w := &fleet.Watcher{API: s, Now: func() time.Time { return at }}
	looks(t, w, "2026-03-01 04:31:00Z  watching  3 Good, 0 Bad, 0 Unknown\n")
	looks(t, w, "")
	s.machines[1].State.Standing = integrity.Bad
	s.happens(1, record.EntryVerdict, "Bad: no plain web")
	s.happens(0, record.EntryMissed, "no answer")
	s.happens(1, record.EntryWarned, "warned until 08:33")
	s.holds = []record.Hold{{Scope: "global", Reason: "bad day", By: "ada", SetAt: s.status.Time}}
	s.breaker.Events = []record.BreakerEvent{{At: s.status.Time.Add(time.Second), Kind: record.BreakerOpened, Scope: "global", Text: "too many"}}
	s.status.Paused = map[string]record.Pause{"p": {Since: at, Why: "2 of 3 do not answer"}}
	looks(t, w, `2026-03-01 04:32:00Z  verdict  i-001 web  Bad: no plain web
2026-03-01 04:33:00Z  missed  i-000 web  no answer
2026-03-01 04:34:00Z  hold  global  bad day, until it is lifted (by ada)
2026-03-01 04:34:00Z  paused  policy p: clocks stand still since 2026-03-01 04:31:00Z: 2 of 3 do not answer
2026-03-01 04:34:00Z  warned  i-001 web  warned until 08:33
2026-03-01 04:34:01Z  breaker-opened  global  too many
`)
	looks(t, w, "")
	s.holds, s.status.Paused, s.status.Time = nil, nil, at.Add(time.Hour)
	looks(t, w, "2026-03-01 05:31:00Z  goes-on  policy p: clocks go on\n2026-03-01 05:31:00Z  lifted  global  was lifted\n")
	s.machines = append(s.machines, record.Machine{ID: "i-9", Name: "new"})
	s.happens(3, record.EntryEnrolled, "enrolled")
	looks(t, w, "2026-03-01 05:32:00Z  enrolled  i-9 new  enrolled\n")
	newest, err := w.Newest(t.Context(), 2)
	if got := lines(newest); err != nil || got != "2026-03-01 04:31:00Z" && strings.Count(got, "\n") != 2 {
		t.Errorf("Newest = %q, %v", got, err)
	}
}

// A change as programs read it.
func TestChangesForPrograms(t *testing.T) {
	t.Parallel()
	s := place(1)
	w := &fleet.Watcher{API: s, Now: time.Now}
	_, _, _ = w.Look(t.Context())
	s.machines[0].State = integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, DueAt: at.Add(4 * time.Hour)}
	s.happens(0, record.EntryWarned, "warned")
	_, changes, err := w.Look(t.Context())
	text, _ := json.Marshal(changes)
	want := `[{"at":"2026-03-01T04:32:00Z","kind":"warned","text":"warned","machine":"i-000","name":"web","policy":"p","standing":"Bad","key":"Released","due":"2026-03-01T08:31:00Z","number":2}]`
	if err != nil || string(text) != want {
		t.Errorf("%v: %s, want %s", err, text, want)
	}
}

// A storm is read in parts; nothing of it is lost, whatever fails meanwhile.
func TestStorms(t *testing.T) {
	t.Parallel()
	s := place(50)
	w := &fleet.Watcher{API: s, Now: time.Now}
	_, _, _ = w.Look(t.Context())
	for n := range 50 {
		s.happens(n, record.EntryVerdict, "Bad")
	}
	s.err["ledger i-003"] = errors.New("down")
	seen := map[string]int{}
	for range 5 {
		s.read = 0
		_, changes, _ := w.Look(t.Context())
		for _, c := range changes {
			seen[c.Machine]++
		}
		if s.read > 20 {
			t.Errorf("one look reads %d ledgers", s.read)
		}
	}
	if len(seen) != 49 || w.Owed() != 1 {
		t.Errorf("%d machines were told, %d are owed, want 49 and 1", len(seen), w.Owed())
	}
	delete(s.err, "ledger i-003")
	s.happens(3, record.EntryWarned, "warned")
	_, changes, err := w.Look(t.Context())
	for _, c := range changes {
		seen[c.Machine]++
	}
	for id, n := range seen {
		if want := map[bool]int{true: 2, false: 1}[id == "i-003"]; n != want {
			t.Errorf("%s was told %d times, want %d", id, n, want)
		}
	}
	if err != nil || len(seen) != 50 || w.Owed() != 0 {
		t.Errorf("%v: %d machines were told, %d are owed", err, len(seen), w.Owed())
	}
}

// What a role may not read is said, and the rest goes on; a look that failed changes nothing.
func TestPartsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := place(1)
	forbidden := &people.Refusal{Status: http.StatusForbidden, Message: "Forbidden"}
	s.err["holds"], s.err["breaker"] = forbidden, forbidden
	w := &fleet.Watcher{API: s, Now: time.Now}
	look, _, err := w.Look(t.Context())
	if err != nil || !slices.Equal(look.Closed, []string{"holds", "breaker"}) {
		t.Errorf("Look = %+v, %v", look, err)
	}
	s.err["holds"], s.err["breaker"] = nil, nil
	s.holds, s.breaker.Events = []record.Hold{{Scope: "global"}}, []record.BreakerEvent{{Kind: "opened"}}
	looks(t, w, "") // they are no news: nobody knows since when
	for _, call := range []string{"status", "machines", "holds", "breaker"} {
		s.err = map[string]error{call: errors.New("down")}
		if look, changes, err := w.Look(t.Context()); err == nil || look != nil || changes != nil {
			t.Errorf("without %s Look = %v, %v, %v", call, look, changes, err)
		}
	}
	s.err = map[string]error{"ledger i-000": errors.New("down")}
	if _, err := w.Newest(t.Context(), 5); err == nil {
		t.Error("what cannot be read is nothing")
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := fleet.Pace{Every: 5 * time.Second}
	busy := &people.Refusal{Status: http.StatusTooManyRequests, Wait: 5 * time.Minute}
	for i, tt := range []struct {
		took time.Duration
		err  error
		want time.Duration
	}{
		{0, nil, 5 * time.Second}, {3 * time.Second, nil, 12 * time.Second}, {0, errors.New("down"), 10 * time.Second}, {0, errors.New("down"), 20 * time.Second},
		{0, busy, 5 * time.Minute}, {0, errors.New("down"), 80 * time.Second}, {0, errors.New("down"), 2 * time.Minute}, {0, errors.New("down"), 2 * time.Minute},
		{0, nil, 5 * time.Second}, {0, &people.Refusal{Status: 503, Wait: 24 * time.Hour}, 15 * time.Minute},
	} {
		if got := p.Next(tt.took, tt.err); got != tt.want {
			t.Errorf("look %d: Next = %s, want %s", i, got, tt.want)
		}
	}
	slow := fleet.Pace{Every: time.Hour}
	if got := slow.Next(0, busy); got != time.Hour {
		t.Errorf("who looks every hour waits %s after a failure", got)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("down"), false}, {&net.OpError{Op: "dial", Err: errors.New("refused")}, false},
		{&people.Refusal{Status: 403}, true}, {&people.Refusal{Status: 404}, true}, {fmt.Errorf("x: %w", &people.Refusal{Status: 401}), true},
		{&people.Refusal{Status: 429}, false}, {&people.Refusal{Status: 408}, false}, {&people.Refusal{Status: 500}, false}, {&people.Refusal{Status: 503}, false},
		{&people.NoCredentials{Err: errors.New("expired")}, true}, {&people.NoCredentials{Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, false},
	} {
		if got := fleet.Ends(tt.err); got != tt.want {
			t.Errorf("Ends(%v) = %t, want %t", tt.err, got, tt.want)
		}
	}
}
