package notice

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/plain"
)

// columns are the names of what CSV writes of each line.
var columns = []string{
	"event", "at", "machine", "name", "owner", "zone", "policy", "policyVersion", "why", "fix", "by", "dueAt", "oldDueAt", "silence",
}

// CSV is all lines for spreadsheets and programs, as RFC 4180 has it, in UTF-8, in the order of the mail, with times in UTC as RFC
// 3339. No field begins with a character by which a spreadsheet takes it for a formula.
func CSV(b Batch) []byte {
	if len(b.Lines) > 0 {
		b = b.cleaned(maxText)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	_ = w.Write(columns) // nothing can go wrong in a buffer
	for _, l := range b.Lines {
		cells := []string{
			string(l.Event), utc(l.At), l.Machine, l.Name, l.Owner, l.Zone, l.Policy, version(l.Version), l.Why, l.Fix, l.By,
			utc(l.DueAt), utc(l.OldDueAt), strconv.FormatBool(l.Silence),
		}
		for i := range cells {
			cells[i] = plain.Inert(cells[i])
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return out.Bytes()
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
