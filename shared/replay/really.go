package replay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// done are the ledger's entries that are events of their own.
var done = map[record.EntryKind]Kind{
	record.EntryWarned: Warned, record.EntryConfirmed: Revoked, record.EntryRestored: Restored, record.EntryWithdrawn: Withdrawn,
}

// told are the notices whose event has no entry of its own in the ledger.
var told = map[notice.Kind]Kind{
	notice.NotifyBad: Told, notice.CannotCheck: Silent, notice.Held: Held, notice.StoodDown: StoodDown,
}

// Really is what happened to a machine from one time until another, oldest first: what was done by its ledger, and
// what people were told, by the mails that the mail service accepted.
func Really(ledger []record.Entry, notices []record.Notice, from, until time.Time) []Event {
	events := []Event{}
	within := func(t time.Time) bool { return !t.Before(from) && !t.After(until) }
	for _, e := range ledger {
		if kind, ok := done[e.Kind]; ok && within(e.At) {
			events = append(events, Event{Kind: kind, At: e.At.UTC(), Due: due(e), Why: e.Text})
		}
	}
	for _, n := range notices {
		if kind, ok := told[notice.Kind(n.Kind)]; ok && !n.AcceptedAt.IsZero() && within(n.AcceptedAt) {
			events = append(events, Event{Kind: kind, At: n.AcceptedAt.UTC(), Why: n.Subject})
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	return events
}

// due is the deadline that an accepted warning promised; the entry says it in words.
func due(e record.Entry) time.Time {
	_, after, _ := strings.Cut(e.Text, "; due ")
	t, err := time.Parse(time.RFC3339, after)
	if e.Kind != record.EntryWarned || err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Row is one event of a machine, as it would have been, as it was, or both when they are of one kind and close together.
type Row struct {
	Machine string `json:"machine"`
	Would   *Event `json:"would,omitempty"`
	Really  *Event `json:"really,omitempty"`
}

// Event is the one that there is, first what would have been.
func (r Row) Event() Event {
	if r.Would != nil {
		return *r.Would
	}
	return *r.Really
}

// Close is how far apart two events may be and still count as the same.
const Close = time.Hour

// Compare puts what would have happened beside what did, oldest first. Both have to be in order of time.
func Compare(machine string, would, really []Event) []Row {
	rows := []Row{}
	paired := make([]bool, len(really))
	for i := range would {
		row := Row{Machine: machine, Would: &would[i]}
		for j := range really {
			if !paired[j] && really[j].Kind == would[i].Kind && really[j].At.Sub(would[i].At).Abs() <= Close {
				paired[j], row.Really = true, &really[j]
				break
			}
		}
		rows = append(rows, row)
	}
	for j := range really {
		if !paired[j] {
			rows = append(rows, Row{Machine: machine, Really: &really[j]})
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(a.Event().At.Compare(b.Event().At))
	})
	return rows
}
