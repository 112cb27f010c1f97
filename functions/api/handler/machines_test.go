package handler

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// A fleet does not fit into one answer: pages follow each other until there is no more, bounded by number and by size.
func TestMachinesComeInPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		count, findings int
		most            int // machines a page
		pages           int
	}{
		"none":          {0, 0, 0, 1},
		"one page":      {499, 0, 499, 1},
		"many":          {1203, 0, 500, 3},
		"by their size": {60, 100, 40, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			delete(w.Store.ByID, fake.ID)
			for i := range c.count {
				w.Store.Put(fake.Machine(func(m *record.Machine) {
					m.ID = fmt.Sprintf("i-%017x", i)
					for range c.findings {
						m.Findings = append(m.Findings, policy.Finding{Rule: "r", Actual: strings.Repeat("x", 250)})
					}
				}))
			}
			var ids []string
			pages := 0
			for after := ""; ; {
				in := request(t, "list-machines.json")
				in.RawQueryString = url.Values{"after": {after}}.Encode()
				status, body := serve(t, w, in)
				if status != http.StatusOK || !strings.Contains(body, `"machines":[`) {
					t.Fatalf("list = %d %.200s", status, body)
				}
				page := decode[record.MachinePage](t, body)
				if pages++; len(page.Machines) > c.most || len(body) > 2<<20 {
					t.Errorf("a page has %d machines and %d bytes, want at most %d", len(page.Machines), len(body), c.most)
				}
				for _, m := range page.Machines {
					ids = append(ids, m.ID)
				}
				if after = page.Next; after == "" {
					break
				}
			}
			if len(ids) != c.count || !slices.IsSorted(ids) || pages != c.pages {
				t.Errorf("%d machines on %d pages, want %d on %d", len(ids), pages, c.count, c.pages)
			}
		})
	}
}
