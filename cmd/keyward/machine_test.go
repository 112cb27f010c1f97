package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Which calendar it is belongs to the line that people look for, held or not yet.
func TestWhatFollowsNamesTheCalendar(t *testing.T) {
	t.Parallel()
	closed := record.Stop{Reason: "calendar-closed", Text: "a change calendar of the policy is closed", Detail: "month-end, until 2026-03-02 04:30:00 UTC"}
	tail := " because a change calendar of the policy is closed: month-end, until 2026-03-02 04:30:00 UTC"
	begin := "would be revoked once the warning was accepted and the grace is over; held"
	bad := record.Machine{State: integrity.State{Standing: integrity.Bad}}
	held := bad
	held.State.HeldFor = closed.Reason
	for name, c := range map[string]struct {
		view record.MachineView
		want string
	}{
		"stopped by it":   {record.MachineView{Machine: bad, Stops: []record.Stop{closed}}, begin + tail},
		"held for it":     {record.MachineView{Machine: held, Stops: []record.Stop{closed}}, begin + " since -" + tail},
		"held, open now":  {record.MachineView{Machine: held}, begin + " since - because a change calendar of the policy is closed"},
		"nothing to say":  {record.MachineView{Machine: record.Machine{}}, "nothing"},
		"without details": {record.MachineView{Machine: bad, Stops: []record.Stop{{Text: "a person stopped it"}}}, begin + " because a person stopped it"},
	} {
		if got := follows(c.view); got != c.want {
			t.Errorf("%s: follows = %q, want %q", name, got, c.want)
		}
	}
}

// What became of each mail is shown for each of its recipients, the last that was heard.
func TestNoticesOfAMachine(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 3, 2, 4, minute, 0, 0, time.UTC) }
	got := notices([]record.Notice{
		{Kind: "revoked", To: []string{"ops@example.com"}, BegunAt: at(9)},
		{Kind: "warning", To: []string{"owner@example.com", "ops@example.com"}, BegunAt: at(1), AcceptedAt: at(2), Outcomes: []record.Outcome{
			{Address: "owner@example.com", Kind: record.Bounced, At: at(4), Detail: "Permanent General"},
			{Address: "owner@example.com", Kind: record.Delayed, At: at(3)},
			{Address: "ops@example.com", Kind: record.Delivered, At: at(3), Detail: "250 ok"},
		}},
	})
	want := [][]string{
		{"warning", show.Time(at(2)), "owner@example.com", "bounced: Permanent General"},
		{"warning", show.Time(at(2)), "ops@example.com", "delivered"},
		{"revoked", "-", "ops@example.com", "nothing heard"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if got := notices(make([]record.Notice, 30)); len(got) != 0 {
		t.Errorf("notices to nobody = %v", got)
	}
}
