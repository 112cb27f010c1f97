package delivery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/record"
)

var all = delivery.Addressees{Owner: "owner@example.com", Policy: []string{"ops@example.com", "dev@example.com", "Owner@example.com"}, Account: "account@example.com"}

func TestAddressees(t *testing.T) {
	t.Parallel()
	nobody := delivery.Addressees{Account: "account@example.com"}
	team := delivery.Addressees{Policy: []string{"ops@example.com"}, Account: "ops@example.com"}
	for name, c := range map[string]struct {
		of              delivery.Addressees
		lost, count, to []string
	}{
		"owner first":           {all, nil, []string{"owner@example.com"}, []string{"owner@example.com", "ops@example.com", "dev@example.com"}},
		"then the policy":       {all, []string{"OWNER@example.com"}, []string{"ops@example.com", "dev@example.com"}, []string{"ops@example.com", "dev@example.com"}},
		"what is left of it":    {all, []string{"owner@example.com", "ops@example.com"}, []string{"dev@example.com"}, []string{"dev@example.com"}},
		"then the account":      {all, []string{"owner@example.com", "ops@example.com", "dev@example.com"}, []string{"account@example.com"}, []string{"account@example.com"}},
		"then nobody":           {all, []string{"owner@example.com", "ops@example.com", "dev@example.com", "account@example.com"}, nil, []string{"account@example.com"}},
		"nobody named":          {nobody, nil, []string{"account@example.com"}, []string{"account@example.com"}},
		"no owner":              {team, nil, []string{"ops@example.com"}, []string{"ops@example.com"}},
		"one for two, and lost": {team, []string{"ops@example.com"}, nil, []string{"ops@example.com"}},
		"another one was lost":  {all, []string{"ops@example.com"}, []string{"owner@example.com"}, []string{"owner@example.com", "dev@example.com"}},
	} {
		if diff := cmp.Diff(c.count, c.of.Count(c.lost)) + cmp.Diff(c.to, c.of.To(c.lost)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lost, missed, want []string }{
		"owner":                             {nil, []string{"owner@example.com"}, []string{"ops@example.com", "dev@example.com"}},
		"the warning did not either":        {[]string{"ops@example.com"}, []string{"owner@example.com"}, []string{"dev@example.com"}},
		"owner and policy":                  {nil, []string{"OWNER@example.com", "ops@example.com", "dev@example.com"}, []string{"account@example.com"}},
		"all":                               {nil, []string{"owner@example.com", "ops@example.com", "dev@example.com", "account@example.com"}, nil},
		"the contact, and the rest is lost": {[]string{"owner@example.com", "ops@example.com", "dev@example.com"}, []string{"account@example.com"}, nil},
	} {
		if got := all.Next(c.lost, c.missed); !slices.Equal(got, c.want) {
			t.Errorf("%s: Next = %v, want %v", name, got, c.want)
		}
	}
}

func TestReached(t *testing.T) {
	t.Parallel()
	n := record.Notice{To: []string{"owner@example.com", "ops@example.com"}, Outcomes: []record.Outcome{
		{Address: "owner@example.com", Kind: record.Delivered}, {Address: "owner@example.com", Kind: record.Complained},
	}}
	if !delivery.Reached(n) {
		t.Error("nothing was heard of one, who may have got it")
	}
	n.Outcomes = append(n.Outcomes, record.Outcome{Address: "ops@example.com", Kind: record.Bounced})
	if delivery.Reached(n) {
		t.Error("both are lost")
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var m record.Machine
	m.State.Since = begun
	if got := delivery.Of(m); !got.Violation.Equal(begun) || len(got.Lost) > 0 {
		t.Errorf("Of a machine that was never warned = %+v", got)
	}
	m.Warning = &record.Warning{Violation: begun, Reference: "e1", Lost: []string{"a@example.com"}}
	w := delivery.Lose(delivery.Of(m), []string{"A@example.com", "b@example.com"})
	if !slices.Equal(w.Lost, []string{"a@example.com", "b@example.com"}) || w.Reference != "e1" || len(m.Warning.Lost) != 1 {
		t.Errorf("Lose = %+v, machine %+v", w, m.Warning)
	}
	m.State.Since = begun.Add(time.Hour)
	if got := delivery.Of(m); got.Reference != "" || len(got.Lost) > 0 {
		t.Errorf("Of another violation = %+v, want nothing of the last one", got)
	}
}

func TestNote(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC) }
	n := record.Notice{To: []string{"owner@example.com", "ops@example.com"}}
	first := []record.Outcome{
		{Address: "OWNER@example.com", Kind: record.Delayed, At: at(1)}, {Address: "ops@example.com", Kind: record.Delivered, At: at(1)},
		{Address: "x@example.com", Kind: record.Bounced, At: at(1)},
	}
	n, fresh, lost := delivery.Note(n, first)
	if len(fresh) != 2 || len(lost) != 0 || n.Outcomes[0].Address != "owner@example.com" {
		t.Errorf("Note = %+v, %v, %v", n, fresh, lost)
	}
	if _, fresh, _ := delivery.Note(n, first); len(fresh) != 0 {
		t.Errorf("the same again: %v is new", fresh)
	}
	later, fresh, lost := delivery.Note(n, []record.Outcome{
		{Address: "owner@example.com", Kind: record.Delayed, At: at(2)}, {Address: "owner@example.com", Kind: record.Complained, At: at(3)},
	})
	if len(fresh) != 2 || !slices.Equal(lost, []string{"owner@example.com"}) || len(later.Outcomes) != 3 || !later.Outcomes[0].At.Equal(at(2)) || !n.Outcomes[0].At.Equal(at(1)) {
		t.Errorf("Note = %+v, %v, %v, want the newest delay and the complaint", later, fresh, lost)
	}
	for kind, want := range map[record.OutcomeKind]int{
		record.Delivered: 0, record.Delayed: 0, record.Deferred: 0, record.Bounced: 1, record.Complained: 1, record.Rejected: 1,
	} {
		if _, _, lost := delivery.Note(record.Notice{To: n.To}, []record.Outcome{{Address: n.To[0], Kind: kind, At: at(1)}}); len(lost) != want {
			t.Errorf("%s loses %v, want %d", kind, lost, want)
		}
	}
}
