package ssmcalendar_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/ssmcalendar"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

// Closed from 13 to 14; the place begins at noon.
const content = "BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_OPEN\nBEGIN:VEVENT\nDTSTART:20260301T130000Z\nDTEND:20260301T140000Z\nEND:VEVENT\nEND:VCALENDAR\n"

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	s := ssm.New(ssm.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region, TempDir: t.TempDir()})
	t.Cleanup(s.Close)
	p.Register(s.Service())
	if _, err := client.NewFromConfig(p.Config).CreateDocument(t.Context(), &client.CreateDocumentInput{
		Name: aws.String("month-end"), Content: aws.String(content), DocumentType: types.DocumentTypeChangeCalendar, DocumentFormat: types.DocumentFormatText,
	}); err != nil {
		t.Fatal(err)
	}
	p.Calls()
	return p
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	p := begin(t)
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	for _, want := range []guard.Calendar{
		{Read: true, Open: true, Changes: at(13)}, {Read: true, Changes: at(14)}, {Read: true, Open: true},
	} {
		got, err := ssmcalendar.New(p.Config).Calendar(t.Context(), "month-end")
		if err != nil || got != want {
			t.Errorf("Calendar = %+v, %v, want %+v", got, err, want)
		}
		p.Forward(time.Hour)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	got, err := ssmcalendar.New(p.Config).Calendar(t.Context(), "arn:aws:ssm:us-east-1:123456789012:document/none")
	if got != (guard.Calendar{}) {
		t.Errorf("Calendar of none = %+v, want nothing read", got)
	}
	awstest.Wrapped(t, err, fault.Conflict, "InvalidDocument")
	p.Mapped(t, "GetCalendarState", map[string]fault.Kind{"ThrottlingException": fault.Transient, "AccessDeniedException": fault.Denied},
		func(ctx context.Context, cfg aws.Config) error {
			_, err := ssmcalendar.New(cfg).Calendar(ctx, "month-end")
			return err
		})
}

// A state that is neither word is no state, and a next change that is no time is none.
func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]fault.Kind{`{"State":"AJAR"}`: fault.Internal, `{}`: fault.Internal} {
		p := awstest.New(t)
		p.Register(answering(answer))
		got, err := ssmcalendar.New(p.Config).Calendar(t.Context(), "month-end")
		if got != (guard.Calendar{}) || !fault.Is(err, want) {
			t.Errorf("Calendar of %s = %+v, %v, want an error", answer, got, err)
		}
	}
	p := awstest.New(t)
	p.Register(answering(`{"State":"CLOSED","NextTransitionTime":"soon"}`))
	got, err := ssmcalendar.New(p.Config).Calendar(t.Context(), "month-end")
	if err != nil || got != (guard.Calendar{Read: true}) {
		t.Errorf("Calendar = %+v, %v, want it closed", got, err)
	}
}

func answering(text string) wire.Service {
	return wire.Service{
		Name: "ssm", Protocol: wire.JSON11, TargetPrefix: "AmazonSSM", Version: "2014-11-06",
		Operations: map[string]wire.Operation{
			"GetCalendarState": func(context.Context, *wire.Request) (any, error) { return raw(text), nil },
		},
	}
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }
