package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const (
	function = "arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction"
	machine  = "arn:aws:states:us-east-1:123456789012:stateMachine:keyward"
	role     = "arn:aws:iam::123456789012:role/keyward-schedules"
)

// world is a Scheduler behind the real server and a real SDK client.
type world struct {
	*sdk.Client
	scheduler *scheduler.Scheduler
	clock     *clock.Clock

	mu      sync.Mutex
	fired   []time.Time
	inputs  []string
	letters []string
	fail    int // how many attempts fail
}

func newWorld(t *testing.T, start time.Time) *world {
	t.Helper()
	w := &world{clock: clock.New(func() time.Time { return start })}
	w.scheduler = scheduler.New(scheduler.Config{Clock: w.clock, Region: "us-east-1", Account: "123456789012",
		Invoke: func(_ context.Context, _, target string, input []byte) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.fired = append(w.fired, w.clock.Now())
			w.inputs = append(w.inputs, target+" "+string(input))
			if w.fail > 0 {
				w.fail--
				return errors.New("no such function")
			}
			return nil
		},
		DeadLetter: func(queue string, l scheduler.Letter) {
			w.letters = append(w.letters, fmt.Sprintf("%s %s %s %s %d %s", queue, l.Schedule, l.Target, l.Error, l.Attempts, l.Body))
		}})
	if err := w.scheduler.AddGroup("keyward"); err != nil {
		t.Fatal(err)
	}
	keys := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: keys})
	if err := server.Register(w.scheduler.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	key := keys.Issue(wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: "123456789012"})
	w.Client = sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(listener.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")})
	return w
}

func (w *world) forward(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.clock.Forward(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

// schedule is a declaration that is well formed; change may spoil it.
func schedule(expression, zone string, change ...func(*scheduler.Schedule)) scheduler.Schedule {
	s := scheduler.Schedule{Name: "daily", ScheduleExpression: expression, ScheduleExpressionTimezone: zone,
		FlexibleTimeWindow: scheduler.Window{Mode: "OFF"}, Target: scheduler.Target{Arn: function, RoleArn: role, Input: `{}`}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func (w *world) create(t *testing.T, s scheduler.Schedule) {
	t.Helper()
	if _, err := w.scheduler.Create(s); err != nil {
		t.Fatal(err)
	}
}

// times are the instants at which targets were invoked, in a zone.
func (w *world) times(t *testing.T, zone string) string {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, at := range w.fired {
		all = append(all, at.In(z).Format("01-02T15:04:05Z07"))
	}
	return strings.Join(all, " ")
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	var own *wire.Error
	got, text := "", ""
	switch {
	case errors.As(err, &e):
		got, text = e.ErrorCode(), e.ErrorMessage()
	case errors.As(err, &own):
		got, text = own.Code, own.Message
	}
	if got != code || !strings.Contains(text, message) {
		t.Errorf("error = %v\nwant    %s: %s", err, code, message)
	}
}
