package console

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyward/keyward/shared/audit"
	"github.com/keyward/keyward/shared/record"
)

// perLedger is how many entries a page of a ledger has.
const perLedger = 200

type auditBody struct {
	Machine     string
	Entries     []record.Entry // newest first
	Total       int
	Page, Pages int
	Report      *audit.Report
}

// audit shows everything that was done about one machine, and whether the chain of that is whole.
func (c *Console) audit(w http.ResponseWriter, r *http.Request) {
	machine := strings.TrimSpace(r.URL.Query().Get("machine"))
	v := view{Template: "audit", Title: "Audit", Tab: "audit"}
	b := auditBody{Machine: machine}
	if machine != "" {
		entries, heads, err := c.API.Audit(r.Context(), machine)
		if v.Trouble = wrong(err, "GET /v1/machines/{id}/audit"); err == nil {
			_, b.Report = exported(machine, entries, heads)
			slices.Reverse(entries)
			asked, _ := strconv.Atoi(r.URL.Query().Get("page"))
			b.Total, b.Pages = len(entries), max(1, (len(entries)+perLedger-1)/perLedger)
			b.Page = min(b.Pages, max(1, asked))
			b.Entries = entries[(b.Page-1)*perLedger : min(len(entries), b.Page*perLedger)]
		}
	}
	v.Body = b
	c.show(w, r, v)
}

// exported is a ledger as a file that keyward audit verify reads, and what that finds. Writing to memory does not fail.
func exported(machine string, entries []record.Entry, heads map[string]record.Head) ([]byte, *audit.Report) {
	var text bytes.Buffer
	x := audit.NewExporter(&text)
	if x.Machine(machine, entries, heads) != nil {
		return nil, nil
	}
	if _, err := x.Close(); err != nil {
		return nil, nil
	}
	found, err := audit.Verify(bytes.NewReader(text.Bytes()), nil)
	if err != nil {
		found.Problems = append(found.Problems, err.Error())
	}
	return text.Bytes(), &found
}

// auditFile is that file.
func (c *Console) auditFile(w http.ResponseWriter, r *http.Request) {
	machine := r.PathValue("id")
	entries, heads, err := c.API.Audit(r.Context(), machine)
	if err != nil {
		c.show(w, r, view{Template: "trouble", Title: "Audit", Tab: "audit", Trouble: wrong(err, "GET /v1/machines/{id}/audit")})
		return
	}
	text, _ := exported(machine, entries, heads)
	download(w, "ledger.jsonl", "application/x-ndjson")
	_, _ = w.Write(text) // who is gone does not read it
}

// Turn is the address of another page of the ledger, "" when there is none.
func (b auditBody) Turn(by int) string {
	to := b.Page + by
	if to < 1 || to > b.Pages {
		return ""
	}
	return "/audit?" + url.Values{"machine": {b.Machine}, "page": {strconv.Itoa(to)}}.Encode()
}
