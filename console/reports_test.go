package console_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keyward/keyward/console"
)

// paper makes reports when the test says so.
type paper struct {
	wish  console.ReportWish
	ready chan struct{}
	title string
	gaps  []string
	begin error
	fail  error
}

func (p *paper) report(_ context.Context, wish console.ReportWish) (console.MakeReport, error) {
	p.wish = wish
	if p.begin != nil {
		return nil, p.begin
	}
	return func(_ context.Context, w io.Writer, progress func(done, all int)) (string, []string, error) {
		progress(3, 7)
		<-p.ready
		if p.fail != nil {
			return "", nil, p.fail
		}
		_, err := io.WriteString(w, "<script>the report</script>")
		return p.title, p.gaps, err
	}, nil
}

var reportLink = regexp.MustCompile(`href="(/reports/[A-Z0-9]+)"`)

// TestReport: a report is made beside the pages, shows how far it is and what could not be read, and is a file, never a page.
func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := place(), &paper{ready: make(chan struct{}), title: "March <b>2026\u202e", gaps: []string{"<i>ledger</i> of i-1"}}
		a.reports = p.report
		b := open(t, a)
		b.follow(b.post("/reports", "last", "weekly", "from", "", "to", "", "zone", "Europe/Berlin", "as", "html"))
		synctest.Wait()
		wants(t, "reading", b.get("/reports").Body.String(), "reading, 3 of 7")
		if p.wish != (console.ReportWish{Last: "weekly", Zone: "Europe/Berlin", Form: "html"}) {
			t.Errorf("asked for %+v", p.wish)
		}
		w := b.post("/reports", "last", "daily", "zone", "typed/zone", "as", "pdf")
		if w.Code != http.StatusConflict {
			t.Errorf("a second one: %d", w.Code)
		}
		wants(t, "a second one", w.Body.String(), "Another report is being made", `value="typed/zone"`, `value="daily" selected`, `value="pdf" selected`)
		close(p.ready)
		synctest.Wait()
		page := b.get("/reports").Body.String()
		wants(t, "made", page, "March &lt;b&gt;2026\uFFFD", "&lt;i&gt;ledger&lt;/i&gt; of i-1", "27 bytes")
		link := reportLink.FindStringSubmatch(page)
		if link == nil {
			t.Fatal("no link to the report")
		}
		file := b.get(link[1])
		if file.Body.String() != "<script>the report</script>" || file.Header().Get("Content-Disposition") != `attachment; filename="keyward-report.html"` || file.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("the file: %v %s", file.Header(), file.Body)
		}
		if w := b.get("/reports/NONE"); w.Code != http.StatusNotFound {
			t.Errorf("a report that there is not: %d", w.Code)
		}
		for range 12 { // the oldest are dropped
			b.post("/reports", "last", "daily", "zone", "UTC", "as", "csv")
			synctest.Wait()
		}
		if page = b.get("/reports").Body.String(); len(reportLink.FindAllString(page, -1)) != 10 || strings.Contains(page, link[1]) {
			t.Errorf("%d reports are kept, want the newest 10", len(reportLink.FindAllString(page, -1)))
		}
	})
}

func TestReportRefused(t *testing.T) {
	t.Parallel()
	a, p := place(), &paper{}
	a.reports = p.report
	b := open(t, a)
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"a wrong wish": {&console.WrongWish{Err: errors.New("there is no zone Berlin")}, 400, "there is no zone Berlin"},
		"no API":       {errors.New("calling the Keyward API: connection refused"), 502, "The Keyward API does not answer"},
		"not allowed":  {refused(403, "", "Forbidden"), 403, "Your AWS identity may not do this"},
	} {
		p.begin = c.err
		w := b.post("/reports", "from", "a while", "zone", "Berlin", "as", "html")
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
		wants(t, name, w.Body.String(), c.says, `value="a while"`, `value="Berlin"`)
	}
}

func TestReportFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := place(), &paper{ready: make(chan struct{}), fail: refused(503, "Transient", "<b>DynamoDB</b>")}
		a.reports = p.report
		close(p.ready)
		b := open(t, a)
		b.post("/reports", "last", "daily", "zone", "UTC", "as", "json")
		synctest.Wait()
		wants(t, "failed", b.get("/reports").Body.String(), "not made: AWS does not answer Keyward or limits it", "&lt;b&gt;DynamoDB&lt;/b&gt;")
	})
}
