package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/page"
	"github.com/keyward/keyward/report/sample"
)

var update = flag.Bool("update", false, "write the golden file")

func html(t *testing.T, d report.Data) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.HTML(&b, report.Build(d, sample.Period(), report.All())); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got := html(t, sample.Data())
	const path = "testdata/report.html"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the page is another one; look at it with -update and git diff")
	}
}

// elements are the names and attributes of all elements, as a parser that is not ours finds them.
func elements(t *testing.T, text string) map[string][]string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	found := map[string][]string{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				found[e.Name.Local] = append(found[e.Name.Local], a.Name.Local)
			}
			found[e.Name.Local] = append(found[e.Name.Local], "")
		}
	}
}

// TestHostileTextIsText: the hostile story makes the same elements and attributes as the other, but for more rows.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	kinds := func(d report.Data) []string {
		var all []string
		for name, attributes := range elements(t, html(t, d)) {
			for _, a := range attributes {
				all = append(all, name+" "+a)
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	calm := sample.Data()
	calm.Gaps = []string{"something"}
	got, want := kinds(sample.Hostile()), kinds(calm)
	if !slices.Equal(got, want) {
		t.Errorf("elements %q, want %q", got, want)
	}
	text := html(t, sample.Hostile())
	if strings.ContainsAny(text, "\x1b\u202e\u2066\x07\r") || len(text) > 2<<20 {
		t.Errorf("the page has what turns text around, or %d bytes", len(text))
	}
	for _, name := range want {
		if strings.HasPrefix(name, "script") || strings.Contains(name, " on") || strings.HasPrefix(name, "img") || strings.HasPrefix(name, "link") {
			t.Errorf("the page has %s", name)
		}
	}
}

// TestWhatScrollsCanBeReached: what may be wider than the screen takes the focus, so that keys scroll it, and has a name; it is
// no landmark, which its section is already.
func TestWhatScrollsCanBeReached(t *testing.T) {
	t.Parallel()
	text := html(t, sample.Data())
	boxes := strings.Count(text, `<div class="wide"`)
	if n := strings.Count(text, `<div class="wide" role="group" tabindex="0" aria-label="`); n != boxes || boxes == 0 || strings.Contains(text, `role="region"`) {
		t.Errorf("%d of %d boxes that scroll are named groups", n, boxes)
	}
}

// TestEachChartIsSaid: a chart has a name, a description, and its numbers in a table.
func TestEachChartIsSaid(t *testing.T) {
	t.Parallel()
	text := html(t, sample.Data())
	charts := strings.Count(text, "<svg ")
	for _, part := range []string{`role="img"`, "-title\">", "-desc\">", "<figcaption>"} {
		if n := strings.Count(text, part); n < charts || charts == 0 {
			t.Errorf("%d of %d charts have %s", n, charts, part)
		}
	}
	for _, figure := range strings.Split(text, "<figure>")[1:] {
		if body, _, _ := strings.Cut(figure, "</figure>"); !strings.Contains(body, "<table>") {
			t.Errorf("a chart without its numbers: %.80s", body)
		}
	}
}

// TestManyRows: what is left out is said.
func TestManyRows(t *testing.T) {
	t.Parallel()
	d := sample.Data()
	for range page.MaxRows {
		d.Holds = append(d.Holds, d.Holds[0])
	}
	if text := html(t, d); !strings.Contains(text, "1 more rows are in the CSV, XLSX and JSON forms") {
		t.Error("rows are missing silently")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if err := page.HTML(full{}, report.Build(sample.Data(), sample.Period(), report.All())); err == nil {
		t.Error("no error")
	}
}
