package handler

import (
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// TestListsReadLittle: the requests of one machine are read from its own rows, and machines only for requests whose state
// they may change.
func TestListsReadLittle(t *testing.T) {
	t.Parallel()
	get := func(w *fake.World, query string) (int, record.RequestPage) {
		in := request(t, "list-machines.json")
		in.RawPath, in.RawQueryString = "/v1/requests", query
		status, body := serve(t, w, in)
		return status, decode[record.RequestPage](t, body)
	}
	w := asking(keyrequest.Pending)
	for _, n := range []string{"3", "1", "2"} {
		at, _ := strconv.Atoi(n)
		w.Store.Asked[fake.ID+" z"+n] = record.Request{ID: "z" + n, Machine: fake.ID, State: "Denied", AskedAt: fake.Start.Add(time.Duration(5-at) * time.Hour)}
	}
	w.Always("store.RequestsFrom", fault.New(fault.Transient, "not asked for"))
	status, page := get(w, "machine="+fake.ID)
	var ids []string
	for _, r := range page.Requests {
		ids = append(ids, r.ID)
	}
	if status != 200 || len(ids) != 4 || !slices.Equal(ids[1:], []string{"z3", "z2", "z1"}) || page.Next != "" {
		t.Errorf("of one machine: %d %v, next %q, want all of them, oldest first", status, ids, page.Next)
	}
	if _, page := get(w, "machine="+fake.ID+"&after="+url.QueryEscape(store.RequestCursor(page.Requests[2]))); len(page.Requests) != 1 || page.Requests[0].ID != "z1" {
		t.Errorf("after another: %+v", page.Requests)
	}
	w.Always("store.Machine", fault.New(fault.Transient, "not asked for"))
	if status, page := get(w, "state=Failure&machine="+fake.ID); status != 200 || len(page.Requests) != 0 {
		t.Errorf("a state that none is kept in: %d %+v", status, page.Requests)
	}
	if status, _ := get(w, "state=Expired&machine="+fake.ID); status != 503 {
		t.Errorf("a state that machines bring about: %d, want the machine read", status)
	}
}
