package handler

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/record"
)

// ask reads a page of the machine's history.
func ask(t *testing.T, w *fake.World, query url.Values) (int, string) {
	t.Helper()
	in := request(t, "list-machines.json")
	in.RawPath, in.RawQueryString = "/v1/machines/"+fake.ID+"/history", query.Encode()
	return serve(t, w, in)
}

func since(t time.Time) url.Values { return url.Values{"since": {t.Format(time.RFC3339Nano)}} }

// keep adds n inspections, an hour apart from a time on, whose records are about this long.
func keep(w *fake.World, n, long int, from time.Time) {
	for i := range n {
		w.Store.Kept = append(w.Store.Kept, record.Evidence{
			Machine: fake.ID, Command: fmt.Sprintf("c%03d", i), Sent: from.Add(time.Duration(i) * time.Hour), Digest: strings.Repeat("x", long),
		})
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := fake.New()
	keep(w, 3, 1, fake.Start.Add(-2*time.Hour))
	w.Store.Kept = append(w.Store.Kept, record.Evidence{Machine: fake.Other, Sent: fake.Start})
	for i, at := range []time.Time{fake.Start.Add(-3 * time.Hour), fake.Start.Add(-time.Hour), fake.Start.Add(-time.Minute)} {
		w.Store.Entries = append(w.Store.Entries, record.Entry{Machine: fake.ID, At: at, Text: fmt.Sprint(i)})
		w.Store.Told[fmt.Sprint(i)] = record.Notice{Machine: fake.ID, Reference: fmt.Sprint(i), BegunAt: at}
	}
	status, body := ask(t, w, since(fake.Start.Add(-time.Hour)))
	got := decode[record.History](t, body)
	if status != http.StatusOK || len(got.Evidence) != 2 || got.Evidence[0].Command != "c001" || got.Next != "" {
		t.Errorf("history = %d %s, want what was sent from since until now, oldest first", status, body)
	}
	if len(got.Ledger) != 2 || got.Ledger[0].Text != "1" || got.Ledger[1].Text != "2" || len(got.Notices) != 2 {
		t.Errorf("ledger %v, notices %v, want those of that time, oldest first", got.Ledger, got.Notices)
	}
	w.Never(t, "store.Apply", "kms.", "states.", "inspect.")

	until := since(fake.Start.Add(-2 * time.Hour))
	until.Set("until", fake.Start.Add(-time.Hour).Format(time.RFC3339))
	if _, body := ask(t, w, until); len(decode[record.History](t, body).Evidence) != 2 {
		t.Errorf("until an hour ago = %s", body)
	}
	if status, body := ask(t, fake.New(), since(fake.Start)); status != http.StatusOK || body != `{"evidence":[],"ledger":[],"notices":[]}` {
		t.Errorf("nothing is kept: %d %s, want empty lists", status, body)
	}
}

// Every page stays below what Lambda can answer, all pages together are everything, once and in order.
func TestPagesOfHistory(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ n, long, pages int }{
		"by number":           {120, 10, 3},
		"by size":             {20, 300 << 10, 7},
		"one that is alone":   {2, 2 << 20, 2},
		"exactly a page":      {50, 10, 2}, // the second is empty
		"less than one page":  {49, 10, 1},
		"one more than that":  {51, 10, 2},
		"one inspection more": {1, 10, 1},
	} {
		w := fake.New()
		keep(w, tt.n, tt.long, fake.Start.Add(-200*time.Hour))
		query, pages, seen := since(fake.Start.Add(-300*time.Hour)), 0, 0
		for {
			_, body := ask(t, w, query)
			page := decode[record.History](t, body)
			for _, e := range page.Evidence {
				if e.Command != fmt.Sprintf("c%03d", seen) {
					t.Fatalf("%s: record %d is %s", name, seen, e.Command)
				}
				seen++
			}
			if pages++; len(body) > 3<<20 {
				t.Errorf("%s: page %d has %d bytes", name, pages, len(body))
			}
			if page.Next == "" {
				break
			}
			query.Set("after", page.Next)
		}
		if seen != tt.n || pages != tt.pages {
			t.Errorf("%s: %d records on %d pages, want %d on %d", name, seen, pages, tt.n, tt.pages)
		}
		w.Times(t, "store.Ledger", 1)
		w.Times(t, "store.Notices", 1)
	}
}

func TestHistoryRefused(t *testing.T) {
	t.Parallel()
	now := fake.Start.Format(time.RFC3339)
	for query, want := range map[string]string{
		"":                          `since is \"\", expected a time such as 2026-03-01T12:00:00Z`,
		"since=yesterday":           `since is \"yesterday\", expected a time`,
		"since=" + now + "&until=x": `until is \"x\", expected a time`,
		"since=" + now + "&until=2020-01-01T00:00:00Z": `until is 2020-01-01T00:00:00Z, expected a time after since, ` + now,
	} {
		values, _ := url.ParseQuery(query)
		w := fake.New()
		if status, body := ask(t, w, values); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s = %d %s, want 400 %s", query, status, body, want)
		}
		w.Never(t, "store.EvidenceFrom")
	}
	w := fake.New()
	clear(w.Store.ByID)
	if status, _ := ask(t, w, since(fake.Start)); status != http.StatusNotFound {
		t.Errorf("of a machine that is not enrolled = %d, want 404", status)
	}
	for _, failing := range []string{"store.Machine", "store.EvidenceFrom", "store.Ledger", "store.Notices"} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := ask(t, w, since(fake.Start)); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}
