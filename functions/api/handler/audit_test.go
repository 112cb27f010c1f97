package handler

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/record"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	audit := func(w *fake.World, id, after string) (int, string) {
		in := request(t, "list-machines.json")
		in.RawPath, in.RawQueryString = "/v1/machines/"+id+"/audit", url.Values{"after": {after}}.Encode()
		return serve(t, w, in)
	}
	w := fake.New()
	head := record.Head{Number: 7, Hash: "hash"}
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.Ledger = head }))
	w.Store.Heads = record.Head{Number: 1, Hash: "waiver"}
	for i := range pageEntries + 1 {
		w.Store.Entries = append(w.Store.Entries, record.Entry{Machine: fake.ID, Text: fmt.Sprint(i)})
	}
	status, body := audit(w, fake.ID, "")
	first := decode[record.Audit](t, body)
	if status != http.StatusOK || len(first.Entries) != pageEntries || first.Heads[""] != head || first.Heads[record.ChainWaivers].Hash != "waiver" || first.Next == "" {
		t.Errorf("the first page: %d, %d entries, heads %v, next %q", status, len(first.Entries), first.Heads, first.Next)
	}
	_, body = audit(w, fake.ID, first.Next)
	if last := decode[record.Audit](t, body); len(last.Entries) != 1 || last.Entries[0].Text != fmt.Sprint(pageEntries) || last.Heads != nil || last.Next != "" {
		t.Errorf("the last page: %s", body)
	}
	if status, body := audit(fake.New(), "i-0", ""); status != http.StatusNotFound {
		t.Errorf("a machine that is not there: %d %s", status, body)
	}
	for _, failing := range []string{"store.Machine", "store.WaiverHead", "store.LedgerFrom"} {
		w := fake.New()
		w.Store.Put(fake.Machine())
		w.Fail(failing, fake.Down)
		if status, _ := audit(w, fake.ID, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}
