package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another one; look at it with -update and git diff", name)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	r := report.Build(sample.Data(), sample.Period(), report.All())
	for name, write := range map[string]func(*bytes.Buffer) error{
		"report.json": func(b *bytes.Buffer) error { return report.JSON(b, r) },
		"report.csv":  func(b *bytes.Buffer) error { return report.CSV(b, r) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func section(t *testing.T, r report.Report, id report.ID) report.Section {
	t.Helper()
	for _, s := range r.Sections {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("there is no section %s", id)
	return report.Section{}
}

func figures(s report.Section, zone *time.Location) map[string]string {
	all := map[string]string{}
	for _, f := range s.Figures {
		all[f.Name] = f.Value.In(zone)
	}
	return all
}

// TestNumbers holds the figures against the story of the sample, worked out by hand.
func TestNumbers(t *testing.T) {
	t.Parallel()
	p := sample.Period()
	r := report.Build(sample.Data(), p, report.All())
	for id, want := range map[report.ID]map[string]string{
		report.KeysApproved:   {"approved": "2", "by people": "1", "by policies": "1", "machines": "2"},
		report.KeysDenied:     {"denied": "1", "by people": "0", "by policies": "1"},
		report.KeyRequests:    {"asked": "2", "Delivered": "1", "Approved": "1"},
		report.TimeToApproval: {"approvals": "2", "longest": "2 h 30 min", "shortest": "0 s", "by people: median": "2 h 30 min"},
		report.Instances:      {"machines": "3", "Good now": "2", "Unknown now": "1"},
		report.Images:         {"images": "2", "machines whose image is not known": "1"},
		report.Devices:        {"volumes encrypted by EBS": "2", "volumes not encrypted by EBS": "2", "file systems": "6", "machines of which neither is known": "1"},
		report.TimeToCorrect:  {"violations": "2", "corrected": "2", "corrected before the key was revoked": "1", "shortest": "1 h 30 min", "longest": "2 d 3 h"},
		report.Revocations:    {"revoked": "1", "given back": "1", "begun and not confirmed": "0"},
		report.Holds:          {"held": "1", "people's holds that stand": "1"},
		report.ConsoleAudit:   {"acts": "8", "people": "2"},
		report.PolicyAudit:    {"changes": "2", "policies at the end": "1"},
		// The period has 14 days less an hour. Web ran from its beginning, 22 March 23:00 UTC, to 5 April 04:30, 13 days
		// 5:30; shop an hour on the 31st and 5 minutes after it was enrolled.
		report.ComputeTime: {"surely running": "13 d 6 h", "enrolled": "38 d 22 h"},
		report.Compliance:  {"machines": "3", "Bad, of all machines' time": "5.6 %"},
	} {
		got := figures(section(t, r, id), p.Zone)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, want %q", id, name, got[name], value)
			}
		}
	}
}

// TestComplianceByDay: at the end of the 25th web was Bad, on the 26th too, on the 27th nobody.
func TestComplianceByDay(t *testing.T) {
	t.Parallel()
	s := section(t, report.Build(sample.Data(), sample.Period(), []report.ID{report.Compliance}), report.Compliance)
	c := s.Charts[0]
	if len(c.Labels) != 14 || c.Labels[2] != "2026-03-25" || c.Series[2].Values[2] != 1 || c.Series[2].Values[3] != 1 || c.Series[2].Values[4] != 0 {
		t.Errorf("chart %v %v", c.Labels, c.Series)
	}
	if c.Series[0].Values[0] != 1 || c.Series[0].Values[13] != 2 || c.Series[1].Values[13] != 1 {
		t.Errorf("chart %v", c.Series)
	}
}

// TestAPeriodThatIsNotOver ends when the data was read, and says so.
func TestAPeriodThatIsNotOver(t *testing.T) {
	t.Parallel()
	d := sample.Data()
	d.ReadAt = sample.Day(26, 0, 0)
	r := report.Build(d, sample.Period(), report.All())
	if !r.To.Equal(d.ReadAt) || !strings.Contains(strings.Join(r.Notes, " "), "was not over") {
		t.Errorf("it ends at %v and says %q", r.To, r.Notes)
	}
	got := figures(section(t, r, report.TimeToCorrect), time.UTC)
	if got["not corrected by the end"] != "1" || got["corrected"] != "0" {
		t.Errorf("figures %v", got)
	}
	if got := figures(section(t, r, report.Revocations), time.UTC); got["revoked"] != "0" {
		t.Errorf("figures %v", got)
	}
}

// TestNothing: an empty stack gives an empty report, in each form.
func TestNothing(t *testing.T) {
	t.Parallel()
	r := report.Build(report.Data{ReadAt: sample.Day(40, 0, 0)}, sample.Period(), report.All())
	var b bytes.Buffer
	if err := report.CSV(&b, r); err != nil || !r.Complete() {
		t.Fatal(err)
	}
	for _, s := range r.Sections {
		for _, table := range s.Tables {
			if len(table.Rows) == 0 && table.Empty == "" {
				t.Errorf("%s, %s: nothing is said of nothing", s.ID, table.Name)
			}
		}
	}
}

// TestEveryRowFits: each row has a cell for each column, also of hostile data.
func TestEveryRowFits(t *testing.T) {
	t.Parallel()
	for _, d := range []report.Data{sample.Data(), sample.Hostile()} {
		for _, s := range report.Build(d, sample.Period(), report.All()).Sections {
			for _, table := range s.Tables {
				for _, r := range table.Rows {
					if len(r) != len(table.Columns) {
						t.Fatalf("%s, %s: %d cells, want %d", s.ID, table.Name, len(r), len(table.Columns))
					}
				}
			}
		}
	}
}

func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	r := report.Build(sample.Hostile(), sample.Period(), report.All())
	if r.Complete() {
		t.Error("it says that it is complete")
	}
	var asCSV, asJSON bytes.Buffer
	if err := report.CSV(&asCSV, r); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&asJSON, r); err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(&asCSV)
	reader.FieldsPerRecord = -1
	all, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	formula := false
	for _, line := range all {
		for _, field := range line {
			if field == "" {
				continue
			}
			if strings.ContainsAny(field[:1], "=+@\t\r") || field[0] == '-' || strings.HasPrefix(field, "＝") {
				t.Errorf("a spreadsheet would calculate %.40q", field)
			}
			formula = formula || strings.HasPrefix(field, "'=HYPERLINK")
			if i := strings.IndexFunc(field, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 || len(field) > report.MaxText+40 {
				t.Errorf("%.80q has what acts on a terminal, or is too long: %d", field, len(field))
			}
		}
	}
	if !formula || !strings.Contains(strings.Join(all[9], " "), "NO: 1 thing could not be read") {
		t.Errorf("the bait is not shown, or the gap is not: %q", all[9])
	}
	if bytes.ContainsAny(asJSON.Bytes(), "<>\x1b\u202e") || !json.Valid(asJSON.Bytes()) {
		t.Error("the JSON has markup or what turns text around")
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\r\n b\t": "a b", "\u202ex": `\u202ex`, "\x1b[1m": `\x1b[1m`, "\xff": "\ufffd", "\ufffd": "\ufffd", "\U000e0041": `\U000e0041`, "漢": "漢", "  ": "",
	} {
		if got := report.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := report.Clean(strings.Repeat("é", 1<<20)); len(got) > report.MaxText || !strings.HasSuffix(got, "é [cut]") {
		t.Errorf("a long text: %d bytes, %q", len(got), got[len(got)-10:])
	}
}

func TestBrokenLedgers(t *testing.T) {
	t.Parallel()
	entries := sample.Data().Ledger[sample.Web]
	heads := map[string]record.Head{"": {Number: int64(len(entries)), Hash: entries[len(entries)-1].Hash}}
	edit := func(do func(e []record.Entry) []record.Entry) []record.Entry {
		return do(append([]record.Entry{}, entries...))
	}
	for name, tt := range map[string]struct {
		entries []record.Entry
		want    string
	}{
		"whole":      {entries, ""},
		"older":      {append([]record.Entry{{Machine: sample.Web, Text: "from before there was a chain"}}, entries...), ""},
		"changed":    {edit(func(e []record.Entry) []record.Entry { e[2].Text = "Pass"; return e }), "entry 3 is not as it was written"},
		"missing":    {edit(func(e []record.Entry) []record.Entry { return append(e[:3], e[4:]...) }), "entries before 5 are missing"},
		"at the end": {entries[:4], "entries up to 10 are missing"},
		"another":    {edit(func(e []record.Entry) []record.Entry { e[2].Before = "x"; e[2].Hash = e[2].Sum(); return e }), "entry 3 names another one before it"},
	} {
		got := strings.Join(report.Broken(tt.entries, heads), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestChosen(t *testing.T) {
	t.Parallel()
	got, err := report.Chosen([]string{"holds", "compliance", "holds"})
	if err != nil || len(got) != 2 || got[0] != report.Compliance {
		t.Errorf("Chosen = %v, %v", got, err)
	}
	if _, err := report.Chosen([]string{"colour"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown section: %v", err)
	}
	if n := report.NeedsOf([]report.ID{report.Instances}); n.Looks || n.Requests || !n.Ledger {
		t.Errorf("NeedsOf = %+v", n)
	}
}
