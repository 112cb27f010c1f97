package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func waived(id string, scope record.Scope) record.Waiver {
	return record.Waiver{
		ID: id, Scope: scope, Policy: "web", Rule: "no plain web", Values: []string{"tcp/80, /usr/sbin/nginx"}, Reason: "r", By: "b",
		SetAt: noon, Expires: noon.Add(24 * time.Hour),
	}
}

func revisions(numbers ...int64) []record.Revision {
	all := make([]record.Revision, len(numbers))
	for i, scope := range record.Scopes(awstest.Machine, "web") {
		all[i] = record.Revision{Scope: scope, Number: numbers[i]}
	}
	return all
}

func TestWaivers(t *testing.T) {
	t.Parallel()
	p := begin(t)
	scopes := record.Scopes(awstest.Machine, "web")
	same(t, "WaiversOn", record.Waivers{Revisions: revisions(0, 0, 0)})(p.WaiversOn(t.Context(), scopes))
	own, all, other := waived("w-2", "machine:"+awstest.Machine), waived("w-1", "global"), waived("w-3", "machine:"+awstest.Other)
	for _, w := range []record.Waiver{own, all, other} {
		must(t, p.SetWaiver(t.Context(), w, nil))
	}
	same(t, "WaiversOn", record.Waivers{All: []record.Waiver{all, own}, Revisions: revisions(1, 0, 1)})(p.WaiversOn(t.Context(), scopes))
	same(t, "Waivers", record.Waivers{All: []record.Waiver{all, own, other}})(p.Waivers(t.Context()))
	same(t, "Waiver", own)(p.Waiver(t.Context(), "w-2"))
	_, err := p.Waiver(t.Context(), "w-9")
	awstest.Wrapped(t, err, fault.NotFound, "reading waiver w-9: there is none")
	awstest.Wrapped(t, p.SetWaiver(t.Context(), own, nil), fault.Conflict, "setting waiver w-2: it is there already")

	own.Lifted = &record.Lift{At: noon.Add(time.Hour), By: "c", Reason: "done"}
	must(t, p.LiftWaiver(t.Context(), own))
	same(t, "Waiver", own)(p.Waiver(t.Context(), "w-2"))
	same(t, "WaiversOn", record.Waivers{All: []record.Waiver{all, own}, Revisions: revisions(1, 0, 2)})(p.WaiversOn(t.Context(), scopes))
	awstest.Wrapped(t, p.LiftWaiver(t.Context(), own), fault.Conflict, "lifting waiver w-2: it was lifted already")
	awstest.Wrapped(t, p.LiftWaiver(t.Context(), waived("w-9", "global")), fault.NotFound, "reading waiver w-9: there is none")
}

func TestWaiversInTheLedger(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	w := waived("w-2", record.Scope("machine:"+m.ID))
	set := record.Entry{Machine: m.ID, At: noon, Kind: record.EntryWaiver, Text: "set", By: "b"}
	must(t, p.SetWaiver(t.Context(), w, nil, set))
	lifted := record.Entry{Machine: m.ID, At: noon.Add(time.Hour), Kind: record.EntryWaiver, Text: "lifted", By: "c"}
	w.Lifted = &record.Lift{At: lifted.At}
	must(t, p.LiftWaiver(t.Context(), w, lifted))
	linked, head := record.Link(record.Head{}, record.ChainWaivers, []record.Entry{set, lifted})
	same(t, "Ledger", []record.Entry{linked[1], linked[0]})(p.Ledger(t.Context(), m.ID, 0))
	same(t, "WaiverHead", head)(p.WaiverHead(t.Context(), m.ID))
}

// A year and a bit after its end a waiver is deleted; until then people can ask who allowed what.
func TestEndedWaiversAreKept(t *testing.T) {
	t.Parallel()
	p := begin(t)
	must(t, p.SetWaiver(t.Context(), waived("w-1", "global"), nil))
	p.Forward(400 * 24 * time.Hour)
	same(t, "Waiver", waived("w-1", "global"))(p.Waiver(t.Context(), "w-1"))
	p.Forward(3 * 24 * time.Hour)
	_, err := p.Waiver(t.Context(), "w-1")
	awstest.Wrapped(t, err, fault.NotFound, "there is none")
}

// One bad row hides no other, and is told.
func TestWaiversThatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := begin(t)
	good, strayed := waived("w-1", "global"), waived("w-3", "policy:web")
	must(t, p.SetWaiver(t.Context(), good, nil))
	must(t, p.SetWaiver(t.Context(), strayed, nil))
	put := func(sk string, doc types.AttributeValue) {
		row := key("waivers#global", sk)
		row["listPk"], row["listSk"] = text(prefix+"waivers"), text(sk)
		if doc != nil {
			row["doc"] = doc
		}
		_, err := p.sdk.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(table), Item: row})
		must(t, err)
	}
	put("waiver#w-2", text("not JSON"))
	put("waiver#w-4", nil)
	put("waiver#w-5", &types.AttributeValueMemberB{Value: []byte("no gzip")})
	put("waiver#w-6", text(`{}`))
	put("waiver#w-7", p.row(t, "waivers#policy:web", "waiver#w-3")["doc"]) // for others than the rows around it
	same(t, "WaiversOn", record.Waivers{All: []record.Waiver{good}, Unread: 5, Revisions: []record.Revision{{Scope: "global", Number: 1}}})(p.WaiversOn(t.Context(), []record.Scope{"global"}))
	all, err := p.Waivers(t.Context())
	if err != nil || all.Unread != 4 || len(all.All) != 3 {
		t.Errorf("Waivers = %+v, %v, want the three that decode and 4 that do not", all, err)
	}
}

// Whoever decided by the waivers that it read writes nothing once another was set or lifted on one of the scopes.
func TestApplyAsksForWaivers(t *testing.T) {
	t.Parallel()
	scopes := record.Scopes(awstest.Machine, "web")
	lift := func(w record.Waiver) record.Waiver { w.Lifted = &record.Lift{At: noon}; return w }
	for name, c := range map[string]struct {
		before, between func(*place) error
		want            string
	}{
		"none ever":  {},
		"none since": {before: func(p *place) error { return p.SetWaiver(context.Background(), waived("w-1", "global"), nil) }},
		"on another scope": {between: func(p *place) error {
			return p.SetWaiver(context.Background(), waived("w-1", "machine:"+awstest.Other), nil)
		}},
		"the first one": {between: func(p *place) error {
			return p.SetWaiver(context.Background(), waived("w-1", "machine:"+awstest.Machine), nil)
		}, want: "a waiver was set or lifted: machine:" + awstest.Machine},
		"another one": {
			before:  func(p *place) error { return p.SetWaiver(context.Background(), waived("w-1", "policy:web"), nil) },
			between: func(p *place) error { return p.SetWaiver(context.Background(), waived("w-2", "policy:web"), nil) },
			want:    "a waiver was set or lifted: policy:web",
		},
		"one was lifted": {
			before:  func(p *place) error { return p.SetWaiver(context.Background(), waived("w-1", "global"), nil) },
			between: func(p *place) error { return p.LiftWaiver(context.Background(), lift(waived("w-1", "global"))) },
			want:    "a waiver was set or lifted: global",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			m := p.enrol(t, awstest.Machine)
			if c.before != nil {
				must(t, c.before(p))
			}
			w, err := p.WaiversOn(t.Context(), scopes)
			must(t, err)
			if c.between != nil {
				must(t, c.between(p))
			}
			_, err = p.Apply(t.Context(), store.Change{Machine: m, At: noon, Waivers: w.Revisions})
			if c.want == "" {
				must(t, err)
				return
			}
			awstest.Wrapped(t, err, fault.Conflict, c.want)
		})
	}
}

// Waivers that are set at once are all there, and each raised the revision.
func TestWaiversSetAtOnce(t *testing.T) {
	t.Parallel()
	p := begin(t)
	ids := []string{"w-1", "w-2", "w-3", "w-4"}
	var all sync.WaitGroup
	errs := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() { errs[i] = p.SetWaiver(t.Context(), waived(id, "global"), nil) })
	}
	all.Wait()
	set := int64(0)
	for i, err := range errs {
		switch {
		case err == nil:
			set++
		case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Transient):
			t.Errorf("%s: %v", ids[i], err)
		}
	}
	w, err := p.WaiversOn(t.Context(), []record.Scope{"global"})
	if err != nil || int64(len(w.All)) != set || w.Revisions[0].Number != set || set == 0 {
		t.Errorf("WaiversOn = %d waivers, revision %v, %v; %d were set", len(w.All), w.Revisions, err, set)
	}
}

func TestWaiversBeyondOnePage(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const count = 80
	for n := range count {
		w := waived(nth(n), "global")
		w.Reason = noise(15 << 10)
		must(t, p.SetWaiver(t.Context(), w, nil))
	}
	p.Calls()
	w, err := p.WaiversOn(t.Context(), []record.Scope{"global"})
	if pages := len(slices.DeleteFunc(p.Operations(), func(o string) bool { return o != "Query" })); err != nil || len(w.All) != count || pages < 2 {
		t.Errorf("WaiversOn = %d waivers, %v by %d queries, want %d by several", len(w.All), err, pages, count)
	}
}
