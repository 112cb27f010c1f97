package scenario_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/shared/record"
)

// reports are the mails about reports.
func (w *world) reports() (found []ses.Message) {
	w.t.Helper()
	var all []ses.Message
	control(w.t, w.Server, http.MethodGet, "mail", nil, &all)
	for _, m := range all {
		if strings.HasPrefix(m.Subject, "[Keyward] Report ") {
			found = append(found, m)
		}
	}
	return found
}

// archived is a file of the archive of reports.
func (w *world) archived(key string) (string, *s3.GetObjectOutput) {
	w.t.Helper()
	client := s3.New(s3.Options{Region: w.Region(), Credentials: w.operator.key, BaseEndpoint: aws.String(w.URL())})
	out, err := client.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: aws.String("keyward-reportarchive"), Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body), out
}

// A day in which a key was revoked and given back is a report on the next morning: mailed, archived and locked, with
// what happened in it.
func TestTheDayIsReported(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{limits: map[string]string{"ReportEvery": "daily", "ScheduleTimeZone": "Europe/Berlin", "ReportRetentionDays": "30", "AccountContact": "ops@example.com"}})
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.correct()
	w.wantStanding("Good")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := tuesday.In(berlin).Date()
	w.until(time.Date(y, m, d+1, 4, 59, 0, 0, berlin))
	if got := w.reports(); len(got) != 0 {
		t.Fatalf("a report before its time: %q", got[0].Subject)
	}
	w.until(time.Date(y, m, d+1, 5, 2, 0, 0, berlin))
	w.settle()
	day := tuesday.In(berlin).Format(time.DateOnly)
	mails := w.reports()
	if len(mails) != 1 || mails[0].Subject != "[Keyward] Report stack: "+day || len(mails[0].Attachments) != 5 || mails[0].To[0] != "ops@example.com" {
		t.Fatalf("mails %+v", mails)
	}
	if !strings.Contains(mails[0].Text, "revoked: 1\n") || !strings.Contains(mails[0].Text, "It is complete") {
		t.Errorf("the mail says\n%s", mails[0].Text)
	}
	text, about := w.archived("reports/stack/daily/" + day + "/keyward-daily-" + day + ".csv")
	if left := aws.ToTime(about.ObjectLockRetainUntilDate).Sub(tuesday); about.ObjectLockMode != "GOVERNANCE" || left < 29*24*time.Hour {
		t.Errorf("it is locked as %s for %s", about.ObjectLockMode, left)
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]string{}
	for _, l := range lines {
		if len(l) == 3 {
			figures[l[0]+": "+l[1]] = l[2]
		}
	}
	for name, want := range map[string]string{
		"Revocations: revoked": "1", "Revocations: given back": "1", "Time to correct: corrected": "1", "Keys approved: approved": "1", "Instances: machines": "1", "Policy audit: changes": "1",
	} {
		if figures[name] != want {
			t.Errorf("%s is %q, want %q", name, figures[name], want)
		}
	}
	if page, _ := w.archived("reports/stack/daily/" + day + "/keyward-daily-" + day + ".html"); !strings.Contains(page, "<svg ") {
		t.Error("the page has no chart")
	}
}

// A person has a report made again and again; what EventBridge Scheduler keeps of it makes it, until it is deleted.
func TestAReportIsMadeByThePersonsSchedule(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{sweep: "rate(15 minutes)"})
	const path = "/v1/report-schedules/board"
	wish := record.ReportWish{Every: "weekly", Zone: "Asia/Kolkata", Forms: []string{"csv"}, To: []string{"board@example.com"}}
	w.operator.must("PUT", path, wish, nil)
	wish.Every = "daily"
	w.operator.must("PUT", path, wish, nil)
	var all record.ReportScheduleList
	w.operator.must("GET", "/v1/report-schedules", nil, &all)
	if len(all.Schedules) != 1 || all.Schedules[0].Every != "daily" || !strings.Contains(all.Schedules[0].By, "operator") {
		t.Fatalf("schedules %+v", all.Schedules)
	}
	w.forward(24 * time.Hour)
	mails := w.reports()
	if len(mails) != 1 || mails[0].To[0] != "board@example.com" || len(mails[0].Attachments) != 1 {
		t.Fatalf("mails %+v", mails)
	}
	w.operator.must("DELETE", path, nil, nil)
	w.forward(24 * time.Hour)
	if n := len(w.reports()); n != 1 {
		t.Errorf("deleted, and %d reports were mailed, want the one", n)
	}
}
