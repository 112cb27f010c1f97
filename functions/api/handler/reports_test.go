package handler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/record"
)

const board = `{"every":"monthly","zone":"Europe/Berlin","forms":["pdf"],"to":["board@example.com"]}`

func TestReportSchedules(t *testing.T) {
	t.Parallel()
	w := fake.New()
	status, body := call(t, w, "PUT", "/v1/report-schedules/board", board)
	if s := decode[record.ReportSchedule](t, body); status != http.StatusOK || s.Name != "board" || s.By != alice || s.To[0] != "board@example.com" {
		t.Errorf("set = %d %s", status, body)
	}
	if got := w.Reports.Puts[0]; got.Expression != "cron(0 5 1 * ? *)" || got.TimeZone != "Europe/Berlin" || got.Input.(report.Order).By != alice {
		t.Errorf("Scheduler was asked for %+v", got)
	}
	status, body = call(t, w, "GET", "/v1/report-schedules", "")
	if all := decode[record.ReportScheduleList](t, body).Schedules; status != http.StatusOK || len(all) != 1 || all[0].Every != "monthly" {
		t.Errorf("list = %d %s", status, body)
	}
	if status, body = call(t, w, "DELETE", "/v1/report-schedules/board", ""); status != http.StatusOK || len(w.Reports.Puts) != 0 {
		t.Errorf("delete = %d %s", status, body)
	}
	if status, _ = call(t, w, "DELETE", "/v1/report-schedules/board", ""); status != http.StatusNotFound {
		t.Errorf("deleted twice = %d, want 404", status)
	}
}

func TestReportSchedulesRefused(t *testing.T) {
	t.Parallel()
	w := fake.New()
	for name, tt := range map[string]struct{ path, body, want string }{
		"no JSON":      {"board", `{`, "reading the body"},
		"another word": {"board", strings.Replace(board, "monthly", "yearly", 1), "every"},
		"no zone":      {"board", strings.Replace(board, "Europe/Berlin", "Mars", 1), "zone"},
		"no form":      {"board", strings.Replace(board, "pdf", "doc", 1), "form"},
		"no address":   {"board", strings.Replace(board, "board@", "board", 1), "address"},
		"a long name":  {strings.Repeat("x", 33), board, "name"},
	} {
		if status, body := call(t, w, "PUT", "/v1/report-schedules/"+tt.path, tt.body); status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s = %d %s", name, status, body)
		}
	}
	for i := range maxReports {
		w.Reports.Puts = append(w.Reports.Puts, schedule.Schedule{Name: fmt.Sprintf("r%d", i), Input: report.Order{Name: fmt.Sprintf("r%d", i)}})
	}
	if status, body := call(t, w, "PUT", "/v1/report-schedules/board", board); status != http.StatusConflict {
		t.Errorf("one more = %d %s, want 409", status, body)
	}
	w.Always("scheduler.Inputs", fake.Down)
	for _, c := range [][2]string{{"GET", ""}, {"PUT", "/board"}, {"DELETE", "/board"}} {
		body := ""
		if c[0] == "PUT" {
			body = board
		}
		if status, _ := call(t, w, c[0], "/v1/report-schedules"+c[1], body); status != http.StatusServiceUnavailable {
			t.Errorf("%s while Scheduler is down = %d, want 503", c[0], status)
		}
	}
	odd := fake.New()
	odd.Reports.Puts = []schedule.Schedule{{Name: "odd", Input: "what is no order"}}
	if status, _ := call(t, odd, "GET", "/v1/report-schedules", ""); status != http.StatusInternalServerError {
		t.Errorf("what is no order = %d, want 500", status)
	}
}
