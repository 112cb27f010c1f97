package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	first := record.ActionLink{ID: "a", Machine: m.ID, Action: "hold", Expires: noon.Add(7 * day)}
	second := record.ActionLink{ID: "b", Machine: m.ID, Action: "check", Expires: noon.Add(7 * day)}
	must(t, p.PutLinks(t.Context(), []record.ActionLink{first, second}))
	awstest.Wrapped(t, p.PutLinks(t.Context(), []record.ActionLink{{ID: "c"}, first}), fault.Conflict, "there is such a link")
	_, err := p.ActionLink(t.Context(), "c")
	awstest.Wrapped(t, err, fault.NotFound, "there is none") // all or none
	l, err := p.ActionLink(t.Context(), "a")
	if err != nil || l.Version != 1 || l.Action != "hold" {
		t.Fatalf("ActionLink = %+v, %v", l, err)
	}
	row := p.row(t, "link#a", "link")
	if got, want := row["expiresAt"].(*types.AttributeValueMemberN).Value, strconv.FormatInt(noon.Add(39*day).Unix(), 10); got != want {
		t.Errorf("the row is kept until %s, want %s", got, want)
	}
	if row["listPk"] != nil {
		t.Error("the row is in the list")
	}

	// It is used once, in the transaction of what it does.
	l.UsedAt = noon
	hold := record.Hold{Scope: record.Scope("machine:" + m.ID), By: "link", SetAt: noon, Expires: noon.Add(time.Hour)}
	m, err = p.Apply(t.Context(), store.Change{Machine: m, Link: &l, Hold: &hold, At: noon})
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: m, Link: &l, At: noon})
	awstest.Wrapped(t, err, fault.Conflict, "the link was used already")
	if used, err := p.ActionLink(t.Context(), "a"); err != nil || !used.UsedAt.Equal(noon) || used.Version != 2 {
		t.Errorf("ActionLink = %+v, %v", used, err)
	}

	// A hold is not written over another, until that has ended, and then nothing else of the change is.
	other, err := p.ActionLink(t.Context(), "b")
	must(t, err)
	later := hold
	later.Expires = noon.Add(3 * time.Hour)
	_, err = p.Apply(t.Context(), store.Change{Machine: m, Link: &other, Hold: &later, At: noon.Add(time.Minute)})
	awstest.Wrapped(t, err, fault.Conflict, "it is held already: machine:"+m.ID)
	if unused, err := p.ActionLink(t.Context(), "b"); err != nil || unused.Version != 1 {
		t.Errorf("ActionLink = %+v, %v, want it as it was", unused, err)
	}
	_, err = p.Apply(t.Context(), store.Change{Machine: m, Link: &other, Hold: &later, At: noon.Add(time.Hour)})
	must(t, err)
}
