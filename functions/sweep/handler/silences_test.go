package handler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// telling has the outbox tell of the silence of so many of the silentOnes, decided so long ago.
func telling(w *fake.World, n int, ago time.Duration) {
	for i := range n {
		id := fmt.Sprintf("i-%017x", i+1)
		w.Store.Waiting = append(w.Store.Waiting, record.Start{
			Name: id + "-1-tell-cannotCheck-5", Machine: id, At: fake.Start.Add(-ago), Silence: true,
			Input: []byte(`{"version": 1, "kind": "tell", "notice": "cannotCheck"}`),
		})
	}
}

// toldOf are the executions that tell of one machine's silence.
func toldOf(w *fake.World) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(w.Flow.Executions)), func(name string) bool { return !strings.Contains(name, "tell-cannotCheck") })
}

// One mail stands for those of single machines while many are silent, and says how many.
func TestManySilencesAreOneMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		silent, of int
		ago        time.Duration
		told, left int
	}{
		"many":                        {4, 10, time.Hour, 0, 4},
		"few":                         {2, 20, time.Hour, 2, 0},
		"few, and others may follow":  {2, 20, silenceWait - time.Second, 0, 2},
		"few, and no others followed": {2, 20, silenceWait, 2, 0},
	} {
		w := swept(5 * time.Minute)
		silentOnes(w, c.silent, c.of)
		telling(w, c.silent, c.ago)
		sweepAt(t, w, fake.Start)
		if got := len(toldOf(w)); got != c.told || len(w.Store.Waiting) != c.left {
			t.Errorf("%s: %d machines told of, %d wait; want %d and %d", name, got, len(w.Store.Waiting), c.told, c.left)
		}
		mails := outageMails(w)
		if many := c.left == c.silent && c.silent > 2; many != (len(mails) == 1) {
			t.Fatalf("%s: mails %v", name, mails)
		} else if many && !strings.Contains(string(w.Flow.Inputs[mails[0]]), "machines whose own mails wait for its end: 4") {
			t.Errorf("%s: the mail says %s", name, w.Flow.Inputs[mails[0]])
		}
	}
}

// When it is over, those that answered again are not told of, and those that did not are.
func TestSilencesAfterAnOutage(t *testing.T) {
	t.Parallel()
	w := swept(5 * time.Minute)
	silentOnes(w, 2, 20)
	telling(w, 5, time.Hour)
	w.Store.Waiting = append(w.Store.Waiting, record.Start{Name: "i-gone-1-tell-cannotCheck-1", Machine: "i-gone", At: fake.Start.Add(-time.Hour), Silence: true})
	w.Store.Change("i-00000000000000002", func(m *record.Machine) { m.State.SilentSince = fake.Start.Add(-time.Minute) })
	w.Store.Watched.Paused = map[string]record.Pause{fake.Machine().Policy: {Since: fake.Start.Add(-time.Hour)}}
	sweepAt(t, w, fake.Start)
	// One is silent all the time; one fell silent anew, of which another notice tells; one is not enrolled any more.
	if got := len(toldOf(w)); got != 2 || len(w.Store.Waiting) != 0 {
		t.Errorf("%d told of, outbox %+v; want two of six and nothing left", got, w.Store.Waiting)
	}
	for _, id := range []string{"i-00000000000000001", "i-gone"} {
		if !slices.ContainsFunc(toldOf(w), func(name string) bool { return strings.HasPrefix(name, id) }) {
			t.Errorf("%s is not told of: %v", id, toldOf(w))
		}
	}
}

// What stands still because of everything, or because the machine could not be looked at, has its mail as well.
func TestSilencesWithinOtherOutages(t *testing.T) {
	t.Parallel()
	blind := fake.Machine(func(m *record.Machine) { m.State.BlindSince = fake.Start })
	seen := fake.Machine()
	for name, c := range map[string]struct {
		of   string
		m    record.Machine
		want bool
	}{
		"everything": {record.Everything, seen, true}, "its policy": {seen.Policy, seen, true}, "another policy": {"other", seen, false},
		"blind": {record.Blind, blind, true}, "others are blind": {record.Blind, seen, false},
	} {
		if got := within(map[string]record.Pause{c.of: {}}, &c.m); got != c.want {
			t.Errorf("%s: within = %t, want %t", name, got, c.want)
		}
	}
}

func TestOutageMailWithoutTheOutbox(t *testing.T) {
	t.Parallel()
	w := swept(5 * time.Minute)
	silentOnes(w, 4, 10)
	w.Fail("store.Outbox", fake.Down)
	_, err := newHandler(w).Handle(t.Context(), fake.Start, Event{})
	fake.Kind(t, err, fault.Transient)
	if len(outageMails(w)) != 0 {
		t.Error("a mail was sent that does not know its numbers")
	}
	sweepAt(t, w, fake.Start.Add(5*time.Minute))
	if len(outageMails(w)) != 1 {
		t.Errorf("the next sweep: mails %v", outageMails(w))
	}
}
