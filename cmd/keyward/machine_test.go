package main

import (
	"testing"

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
