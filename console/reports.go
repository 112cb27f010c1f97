package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// ReportWish is the report that a form asks for: of the day, week or month before, or from one time to another.
type ReportWish struct{ Last, From, To, Zone, Form string }

// Reporter begins a report. What is wrong with the wish is a *WrongWish; what it returns reads and writes the report, says
// how far it is, and names what could not be read.
type Reporter func(ctx context.Context, wish ReportWish) (MakeReport, error)

// MakeReport makes one report.
type MakeReport func(ctx context.Context, w io.Writer, progress func(done, all int)) (title string, gaps []string, err error)

// WrongWish is the error of a wish that cannot be granted.
type WrongWish struct{ Err error }

func (e *WrongWish) Error() string { return e.Err.Error() }
func (e *WrongWish) Unwrap() error { return e.Err }

// Bounds of the reports of one start.
const (
	keptReports   = 10
	longestReport = 30 * time.Minute
)

// reportForms are the forms of a report with their media types.
var reportForms = []struct{ Name, Label, Kind string }{
	{"html", "HTML, with charts", "text/html; charset=utf-8"}, {"pdf", "PDF", "application/pdf"},
	{"xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}, {"csv", "CSV", "text/csv; charset=utf-8"}, {"json", "JSON", "application/json"},
}

// reportJob is a report that is made, or was.
type reportJob struct {
	ID, Form, Title string
	Begun           time.Time
	Done, All       int
	Ready           bool
	Size            int
	Gaps            []string
	Trouble         *trouble
	file            []byte
}

// reports are the newest reports of this start, newest first.
type reports struct {
	mu   sync.Mutex
	jobs []*reportJob
}

// list is how they stand.
func (r *reports) list() []reportJob {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []reportJob
	for _, j := range r.jobs {
		all = append(all, *j)
	}
	return all
}

// add begins a job, nil when one goes on: each reads everything.
func (r *reports) add(form string) *reportJob {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.jobs, func(j *reportJob) bool { return !j.Ready && j.Trouble == nil }) {
		return nil
	}
	j := &reportJob{ID: rand.Text(), Form: form, Begun: time.Now().UTC()}
	r.jobs = append([]*reportJob{j}, r.jobs[:min(len(r.jobs), keptReports-1)]...)
	return j
}

// run makes the report of a job.
func (r *reports) run(j *reportJob, make MakeReport) {
	ctx, cancel := context.WithTimeout(context.Background(), longestReport)
	defer cancel()
	var file bytes.Buffer
	title, gaps, err := make(ctx, &file, func(done, all int) {
		r.mu.Lock()
		j.Done, j.All = done, all
		r.mu.Unlock()
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.Trouble = wrong(err, "GET /v1/machines"); err == nil {
		j.Title, j.Gaps, j.file, j.Size, j.Ready = title, gaps, file.Bytes(), file.Len(), true
	}
}

type reportsBody struct {
	Jobs  []reportJob
	Forms []choice
	Lasts []choice
}

func (c *Console) reportsPage(w http.ResponseWriter, r *http.Request) { c.showReports(w, r, nil) }

func (c *Console) showReports(w http.ResponseWriter, r *http.Request, failed *form) {
	b := reportsBody{Jobs: c.reports.list(), Lasts: []choice{{"monthly", "the month before"}, {"weekly", "the week before"}, {"daily", "the day before"}, {"", "from and to, below"}}}
	for _, f := range reportForms {
		b.Forms = append(b.Forms, choice{f.Name, f.Label})
	}
	c.show(w, r, view{Template: "reports", Title: "Reports", Tab: "reports", Body: b, Failed: failed})
}

// makeReport begins a report. It goes on beside the pages.
func (c *Console) makeReport(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	wish := ReportWish{Last: f.Get("last"), From: f.Get("from"), To: f.Get("to"), Zone: f.Get("zone"), Form: f.Get("as")}
	begun, t := c.beginReport(r.Context(), wish)
	if t != nil {
		c.showReports(w, r, &form{"report", f, t})
		return
	}
	go c.reports.run(begun.job, begun.make)
	http.Redirect(w, r, "/reports", http.StatusSeeOther)
}

type begunReport struct {
	job  *reportJob
	make MakeReport
}

func (c *Console) beginReport(ctx context.Context, wish ReportWish) (begunReport, *trouble) {
	make, err := c.Report(ctx, wish)
	if bad := (*WrongWish)(nil); errors.As(err, &bad) {
		return begunReport{}, noted("", bad.Error())
	}
	if err != nil {
		return begunReport{}, wrong(err, "GET /v1/status")
	}
	job := c.reports.add(wish.Form)
	if job == nil {
		return begunReport{}, &trouble{Status: http.StatusConflict, Title: "Another report is being made", Text: "Each reads everything that is kept: wait until it is there."}
	}
	return begunReport{job, make}, nil
}

// reportFile is a report as a file.
func (c *Console) reportFile(w http.ResponseWriter, r *http.Request) {
	c.reports.mu.Lock()
	var file []byte
	at := slices.IndexFunc(c.reports.jobs, func(j *reportJob) bool { return j.ID == r.PathValue("id") && j.Ready })
	form := 0
	if at >= 0 {
		j := c.reports.jobs[at]
		file, form = j.file, max(0, slices.IndexFunc(reportForms, func(f struct{ Name, Label, Kind string }) bool { return f.Name == j.Form }))
	}
	c.reports.mu.Unlock()
	if at < 0 {
		c.nowhere(w, r)
		return
	}
	download(w, "keyward-report."+reportForms[form].Name, reportForms[form].Kind)
	_, _ = w.Write(file) // who is gone does not read it
}

// File is the address of a report.
func (j reportJob) File() string { return "/reports/" + url.PathEscape(j.ID) }
