package scheduler_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/scheduler"
)

func TestFlexibleWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, begin)
	for i := range 20 {
		w.create(t, schedule("cron(0 4 * * ? *)", "", func(s *scheduler.Schedule) {
			s.Name = fmt.Sprint("s", i)
			s.FlexibleTimeWindow = scheduler.Window{Mode: "FLEXIBLE", MaximumWindowInMinutes: 15}
		}))
	}
	next, ok := w.scheduler.Next("", "s7")
	w.forward(t, 24*time.Hour)
	due, seen, seven := begin.Add(4*time.Hour), map[time.Time]bool{}, false
	for _, at := range w.fired {
		if at.Before(due) || !at.Before(due.Add(15*time.Minute)) {
			t.Errorf("fired at %s, want within 15 minutes of %s", at, due)
		}
		seen[at] = true
		seven = seven || at.Equal(next)
	}
	if len(w.fired) != 20 || len(seen) < 10 {
		t.Errorf("%d fired at %d instants, want 20 spread out", len(w.fired), len(seen))
	}
	if !ok || !seven {
		t.Errorf("Next = %s, %v: nothing fired then", next, ok)
	}
	first := w.fired
	w.fired = nil
	w.forward(t, 24*time.Hour)
	for i := range first {
		if !w.fired[i].Equal(first[i].Add(24 * time.Hour)) {
			t.Errorf("fired at %s the next day, want %s", w.fired[i], first[i].Add(24*time.Hour))
		}
	}
}

func TestContextWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, begin)
	w.fail = 1
	w.create(t, schedule("cron(0 4 * * ? *)", "Europe/Berlin", func(s *scheduler.Schedule) {
		s.Target.Arn = machine
		s.Target.Input = `{"at":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>","id":"<aws.scheduler.execution-id>","n":"<aws.scheduler.attempt-number>","x":"<aws.scheduler.other>"}`
		s.FlexibleTimeWindow = scheduler.Window{Mode: "FLEXIBLE", MaximumWindowInMinutes: 15}
	}))
	w.forward(t, 5*time.Hour)
	form := regexp.MustCompile(`^` + machine + ` \{"at":"2026-03-01T03:00:00Z","arn":"arn:aws:scheduler:us-east-1:123456789012:schedule/default/daily","id":"([0-9a-z]{32})","n":"([12])","x":"<aws.scheduler.other>"\}$`)
	if len(w.inputs) != 2 {
		t.Fatalf("invoked %q, want two attempts", w.inputs)
	}
	a, b := form.FindStringSubmatch(w.inputs[0]), form.FindStringSubmatch(w.inputs[1])
	if a == nil || b == nil || a[1] != b[1] || a[2] != "1" || b[2] != "2" {
		t.Errorf("inputs = %q", w.inputs)
	}
}

func TestDefaultInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, begin)
	w.create(t, schedule("rate(1 day)", "", func(s *scheduler.Schedule) { s.Target.Input = "" }))
	w.forward(t, time.Hour)
	for _, want := range []string{`"detail-type":"Scheduled Event"`, `"source":"aws.scheduler"`, `"time":"2026-03-01T00:00:00Z"`, `"resources":["arn:aws:scheduler:us-east-1:123456789012:schedule/default/daily"]`} {
		if !strings.Contains(w.inputs[0], want) {
			t.Errorf("input %s, want %s", w.inputs[0], want)
		}
	}
}

func TestRetriesAndDeadLetter(t *testing.T) {
	t.Parallel()
	one, minute := 1, 60
	const queue = "arn:aws:sqs:us-east-1:123456789012:letters"
	letter := queue + " arn:aws:scheduler:us-east-1:123456789012:schedule/default/daily " + function + " no such function "
	for name, c := range map[string]struct {
		policy   *scheduler.RetryPolicy
		queue    *scheduler.DeadLetterTo
		fail     int
		attempts int
		letters  []string
	}{
		"comes through":  {nil, nil, 3, 4, nil},
		"attempts end":   {&scheduler.RetryPolicy{MaximumRetryAttempts: &one}, &scheduler.DeadLetterTo{Arn: queue}, 99, 2, []string{letter + "2 {}"}},
		"age ends":       {&scheduler.RetryPolicy{MaximumEventAgeInSeconds: &minute}, &scheduler.DeadLetterTo{Arn: queue}, 99, 6, []string{letter + "6 {}"}},
		"no dead letter": {&scheduler.RetryPolicy{MaximumRetryAttempts: &one}, nil, 99, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, begin)
			w.fail = c.fail
			w.create(t, schedule("at(2026-03-01T00:00:00)", "", func(s *scheduler.Schedule) { s.Target.RetryPolicy, s.Target.DeadLetterConfig = c.policy, c.queue }))
			w.forward(t, 48*time.Hour)
			if len(w.fired) != c.attempts {
				t.Errorf("%d attempts at %s, want %d", len(w.fired), w.times(t, "UTC"), c.attempts)
			}
			if diff := cmp.Diff(c.letters, w.letters); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, begin)
	w.create(t, schedule("rate(1 day)", ""))
	w.create(t, schedule("at(2026-03-01T12:00:00)", "", func(s *scheduler.Schedule) { s.Name = "once" }))
	w.create(t, schedule("at(2026-03-01T00:00:00)", "", func(s *scheduler.Schedule) { s.Name = "done" }))
	w.create(t, schedule("rate(1 hour)", "", func(s *scheduler.Schedule) { s.Name, s.State, s.GroupName = "off", "DISABLED", "keyward" }))
	w.create(t, schedule("rate(1 day)", "", func(s *scheduler.Schedule) { s.Name = "template" }))
	w.fail = 1
	w.forward(t, 0)
	saved, err := w.scheduler.Save()
	if err != nil {
		t.Fatal(err)
	}

	later := newWorld(t, begin.Add(18*time.Hour)) // the once of noon was missed
	later.create(t, schedule("rate(1 day)", ""))  // as it was saved
	later.create(t, schedule("rate(2 days)", "", func(s *scheduler.Schedule) { s.Name = "template" }))
	if err := later.scheduler.Load(saved); err != nil {
		t.Fatal(err)
	}
	later.forward(t, 24*time.Hour)
	want := "03-01T18:00:00Z 03-01T18:00:00Z 03-01T18:00:00Z 03-02T00:00:00Z" // template, once and the retry at once; then the day of the rate
	if got := later.times(t, "UTC"); got != want {
		t.Errorf("fired %s\nwant  %s", got, want)
	}
	again, err := later.scheduler.Save()
	if err != nil || !strings.Contains(string(again), `"off"`) || !strings.Contains(string(again), "rate(2 days)") {
		t.Errorf("saved again: %s, %v", again, err)
	}
	for _, bad := range []string{"[", `{"Schedules": [{"Name": "x", "ScheduleExpression": "rate(x)"}]}`} {
		if err := later.scheduler.Load([]byte(bad)); err == nil {
			t.Errorf("Load(%s) = nil, want an error", bad)
		}
	}
}
