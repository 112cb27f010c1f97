package ssm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// shut is a calendar that is closed from ten to twelve.
const shut = "BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_OPEN\nBEGIN:VEVENT\nDTSTART:20260301T100000Z\nDTEND:20260301T120000Z\nEND:VEVENT\nEND:VCALENDAR\n"

func calendarInput(name, content string, edit ...func(*client.CreateDocumentInput)) *client.CreateDocumentInput {
	in := &client.CreateDocumentInput{
		Name: &name, Content: &content, DocumentType: types.DocumentTypeChangeCalendar, DocumentFormat: types.DocumentFormatText,
	}
	for _, e := range edit {
		e(in)
	}
	return in
}

func (p *place) state(t *testing.T, at string, names ...string) (*client.GetCalendarStateOutput, error) {
	t.Helper()
	in := &client.GetCalendarStateInput{CalendarNames: names}
	if at != "" {
		in.AtTime = &at
	}
	return p.client.GetCalendarState(t.Context(), in)
}

func TestCalendarState(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for name, content := range map[string]string{
		"month-end": shut, "night": strings.NewReplacer("T10", "T11", "T12", "T14").Replace(shut),
		"never": "BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_CLOSED\nEND:VCALENDAR\n",
	} {
		out, err := p.client.CreateDocument(t.Context(), calendarInput(name, content))
		if err != nil || out.DocumentDescription.DocumentType != types.DocumentTypeChangeCalendar || *out.DocumentDescription.Name != name {
			t.Fatalf("CreateDocument = %+v, %v", out, err)
		}
	}
	for name, c := range map[string]struct {
		at          string
		names       []string
		state, next string
	}{
		"open":                 {"", []string{"month-end"}, "OPEN", "2026-03-01T10:00:00Z"},
		"closed":               {"2026-03-01T11:00:00Z", []string{"arn:aws:ssm:us-east-1:123456789012:document/month-end"}, "CLOSED", "2026-03-01T12:00:00Z"},
		"open for good":        {"2026-03-01T12:00:00Z", []string{"month-end"}, "OPEN", ""},
		"one closed is closed": {"", []string{"month-end", "never"}, "CLOSED", ""},
		"one after another":    {"2026-03-01T10:00:00Z", []string{"month-end", "night"}, "CLOSED", "2026-03-01T14:00:00Z"},
		"in another zone":      {"2026-03-01T12:30:00+02:00", []string{"month-end"}, "CLOSED", "2026-03-01T12:00:00Z"},
	} {
		out, err := p.state(t, c.at, c.names...)
		if err != nil || string(out.State) != c.state || aws.ToString(out.NextTransitionTime) != c.next {
			t.Errorf("%s: GetCalendarState = %+v, %v, want %s until %q", name, out, err, c.state, c.next)
		}
	}
	p.forward(t, 6*time.Hour)
	if out, err := p.state(t, "", "month-end"); err != nil || out.State != types.CalendarStateClosed || *out.AtTime != "2026-03-01T10:30:00Z" {
		t.Errorf("six hours later GetCalendarState = %+v, %v, want it closed", out, err)
	}
	if _, err := p.client.DeleteDocument(t.Context(), &client.DeleteDocumentInput{Name: aws.String("month-end")}); err != nil {
		t.Error(err)
	}
	if _, err := p.state(t, "", "month-end"); code(err) != "InvalidDocument" {
		t.Errorf("a deleted calendar: %v, want InvalidDocument", err)
	}
}

func TestCalendarErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, "keyward-inspect", script("true"))
	if _, err := p.client.CreateDocument(t.Context(), calendarInput("month-end", shut)); err != nil {
		t.Fatal(err)
	}
	create := func(in *client.CreateDocumentInput) error {
		_, err := p.client.CreateDocument(t.Context(), in)
		return err
	}
	remove := func(name string) error {
		_, err := p.client.DeleteDocument(t.Context(), &client.DeleteDocumentInput{Name: &name})
		return err
	}
	state := func(at string, names ...string) error {
		_, err := p.state(t, at, names...)
		return err
	}
	_, described := p.client.DescribeDocument(t.Context(), &client.DescribeDocumentInput{Name: aws.String("month-end")})
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"there already":        {create(calendarInput("month-end", shut)), "DocumentAlreadyExists"},
		"named like a command": {create(calendarInput("keyward-inspect", shut)), "DocumentAlreadyExists"},
		"no calendar":          {create(calendarInput("other", "hello")), "InvalidDocumentContent"},
		"recurrence":           {create(calendarInput("other", strings.Replace(shut, "DTEND", "RRULE:FREQ=DAILY\nDTEND", 1))), "NotImplemented"},
		"bad name":             {create(calendarInput("a b", shut)), "ValidationException"},
		"as JSON": {create(calendarInput("other", shut, func(in *client.CreateDocumentInput) { in.DocumentFormat = types.DocumentFormatJson })),
			"InvalidDocumentContent"},
		"a command": {create(calendarInput("other", shut, func(in *client.CreateDocumentInput) { in.DocumentType = types.DocumentTypeCommand })),
			"NotImplemented"},
		"a parameter": {create(calendarInput("other", shut, func(in *client.CreateDocumentInput) { in.DisplayName = aws.String("x") })),
			"NotImplemented"},
		"deleting none":         {remove("none"), "InvalidDocument"},
		"deleting a command":    {remove("keyward-inspect"), "NotImplemented"},
		"state of none":         {state("", "month-end", "none"), "InvalidDocument"},
		"state of a command":    {state("", "keyward-inspect"), "InvalidDocumentType"},
		"another account's":     {state("", "arn:aws:ssm:us-east-1:999999999999:document/month-end"), "InvalidDocument"},
		"no names":              {state("", []string{}...), "ValidationException"},
		"no time":               {state("tomorrow", "month-end"), "ValidationException"},
		"the past":              {state("2026-03-01T04:29:59Z", "month-end"), "NotImplemented"},
		"described as document": {described, "NotImplemented"},
	} {
		if got := code(c.err); got != c.want {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
}

func TestCalendarsAreKept(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if _, err := p.client.CreateDocument(t.Context(), calendarInput("month-end", shut)); err != nil {
		t.Fatal(err)
	}
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	q := begin(t)
	if err := q.Load(saved); err != nil {
		t.Fatal(err)
	}
	if out, err := q.state(t, "2026-03-01T11:00:00Z", "month-end"); err != nil || out.State != types.CalendarStateClosed {
		t.Errorf("after Load GetCalendarState = %+v, %v, want it closed", out, err)
	}
	broken := []byte(strings.Replace(string(saved), "DEFAULT_OPEN", "DEFAULT", 1))
	if err := q.Load(broken); err == nil || !strings.Contains(err.Error(), "month-end") {
		t.Errorf("Load of a broken calendar = %v, want an error that names it", err)
	}
}
