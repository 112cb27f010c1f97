package scenario_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/local/faults"
)

// closedFrom creates the change calendar month-end, closed from one time to before another.
func (w *world) closedFrom(start, end time.Time) {
	w.t.Helper()
	const at = "20060102T150405Z"
	content := fmt.Sprintf("BEGIN:VCALENDAR\r\nX-CALENDAR-TYPE:DEFAULT_OPEN\r\nBEGIN:VEVENT\r\nSUMMARY:closing of the books\r\n"+
		"DTSTART:%s\r\nDTEND:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", start.UTC().Format(at), end.UTC().Format(at))
	if _, err := w.systems().CreateDocument(context.Background(), &ssm.CreateDocumentInput{
		Name: aws.String("month-end"), Content: &content, DocumentType: types.DocumentTypeChangeCalendar, DocumentFormat: types.DocumentFormatText,
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) systems() *ssm.Client {
	return ssm.New(ssm.Options{Region: w.Region(), Credentials: provider(w.Credentials()), BaseEndpoint: aws.String(w.URL())})
}

var calendarPolicy = setup{integrity: "calendar: [month-end]\nremind: 1h"}

func TestNothingIsRevokedWhileACalendarIsClosed(t *testing.T) {
	t.Parallel()
	w := begin(t, calendarPolicy)
	begun := w.Clock().Now()
	opens := begun.Add(3 * time.Hour).Truncate(time.Second)
	w.closedFrom(begun.Add(-time.Minute), opens)
	due := w.violate() // the warning goes out under the closed calendar
	detail := "month-end, until " + opens.UTC().Format("2006-01-02 15:04:05 UTC")
	if v := w.view(); len(v.Stops) != 1 || v.Stops[0].Reason != "calendar-closed" || v.Stops[0].Detail != detail {
		t.Errorf("before the deadline the machine shows the stops %+v, want the calendar: %s", v.Stops, detail)
	}
	w.until(due.Add(30 * time.Minute))
	w.wantHeld("calendar-closed")
	w.wantKept()
	w.check()
	w.wantMails("warning", "held", "reminder")
	w.wantText("held", "a change calendar of the policy is closed: "+detail)
	w.until(opens.Add(-time.Second))
	w.wantHeld("calendar-closed")
	w.wantKept()
	w.until(opens.Add(7 * time.Minute)) // the sweep finds it open and looks again first
	w.wantRevoked(opens)
}

func TestAnOpenedCalendarLooksAgainFirst(t *testing.T) {
	t.Parallel()
	w := begin(t, calendarPolicy)
	opens := w.Clock().Now().Add(2 * time.Hour).Truncate(time.Second)
	w.closedFrom(w.Clock().Now().Add(-time.Minute), opens)
	due := w.violate()
	w.until(due.Add(5 * time.Minute))
	w.wantHeld("calendar-closed")
	w.guest.listen() // nobody looks until the calendar is open
	w.until(opens.Add(7 * time.Minute))
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "held", "stoodDown")
}

func TestUnderACalendarThatCannotBeReadNothingIsRevoked(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*world){
		"there is none": func(*world) {},
		"deleted": func(w *world) {
			w.closedFrom(w.Clock().Now().Add(-2*time.Hour), w.Clock().Now().Add(-time.Hour))
			if _, err := w.systems().DeleteDocument(context.Background(), &ssm.DeleteDocumentInput{Name: aws.String("month-end")}); err != nil {
				w.t.Fatal(err)
			}
		},
		"SSM is away": func(w *world) {
			w.closedFrom(w.Clock().Now().Add(-2*time.Hour), w.Clock().Now().Add(-time.Hour))
			w.fault(faults.Fault{Kind: faults.Error, Service: "ssm", Operation: "GetCalendarState", Code: "InternalServerError", Status: 500})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, calendarPolicy)
			lose(w)
			due := w.violate()
			w.until(due.Add(20 * time.Minute))
			w.wantHeld("calendar-unread")
			w.wantKept()
			w.wantMails("warning", "held")
			w.wantText("held", "a change calendar of the policy could not be read: month-end")
			w.clear()
			if name != "SSM is away" {
				w.closedFrom(due.Add(-2*time.Hour), due.Add(-time.Hour)) // there again, and open
			}
			back := w.Clock().Now()
			w.forward(7 * time.Minute)
			w.wantRevoked(back)
		})
	}
}
