package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/faults"
	local "github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/local/wire"
)

type place struct {
	*faults.Faults
	now   time.Time
	slept time.Duration
}

func start(t *testing.T, wanted ...faults.Fault) *place {
	t.Helper()
	p := &place{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	p.Faults = faults.New(faults.Config{Now: func() time.Time { return p.now }, Sleep: func(_ context.Context, d time.Duration) { p.slept += d }})
	for _, f := range wanted {
		if _, err := p.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// calls asks n times and writes a dot for each that passes and an x for each that does not.
func (p *place) calls(n int, service, operation string) string {
	text := ""
	for range n {
		if p.Intercept(context.Background(), &wire.Request{Service: service, Operation: operation}) == nil {
			text += "."
		} else {
			text += "x"
		}
	}
	return text
}

func TestWhichCallsAreHit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		fault              faults.Fault
		service, operation string
		want               string
	}{
		{"all", faults.Fault{Kind: faults.Throttle}, "kms", "Decrypt", "xxxxxxxxxx"},
		{"another service", faults.Fault{Kind: faults.Throttle, Service: "ssm"}, "kms", "Decrypt", ".........."},
		{"another operation", faults.Fault{Kind: faults.Error, Service: "kms", Operation: "Encrypt", Code: "A"}, "kms", "Decrypt", ".........."},
		{"three", faults.Fault{Kind: faults.Error, Service: "kms", Operation: "Decrypt", Code: "A", Count: 3}, "kms", "Decrypt", "xxx......."},
		{"every other", faults.Fault{Kind: faults.Throttle, Rate: 0.5}, "kms", "Decrypt", ".x.x.x.x.x"},
		{"a tenth", faults.Fault{Kind: faults.Throttle, Rate: 0.1}, "kms", "Decrypt", ".........x"},
		{"every other, twice", faults.Fault{Kind: faults.Throttle, Rate: 0.5, Count: 2}, "kms", "Decrypt", ".x.x......"},
		{"real quota", faults.Fault{Kind: faults.Throttle, RealQuotas: true}, "kms", "DisableKey", ".....xxxxx"},
		{"no real quota", faults.Fault{Kind: faults.Throttle, RealQuotas: true}, "ssm", "SendCommand", ".........."},
		{"real quota, twice", faults.Fault{Kind: faults.Throttle, RealQuotas: true, Count: 2}, "kms", "EnableKey", ".....xx..."},
		{"events do not touch calls", faults.Fault{Kind: faults.Drop}, "kms", "Decrypt", ".........."},
	} {
		if got := start(t, c.fault).calls(10, c.service, c.operation); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestRealQuotasUseVirtualTime(t *testing.T) {
	t.Parallel()
	p := start(t, faults.Fault{Kind: faults.Throttle, RealQuotas: true})
	got := p.calls(6, "kms", "DisableKey")
	p.now = p.now.Add(400 * time.Millisecond)
	got += " " + p.calls(3, "kms", "DisableKey")
	p.now = p.now.Add(time.Hour)
	got += " " + p.calls(6, "kms", "DisableKey") + " " + p.calls(1, "kms", "EnableKey")
	if want := ".....x ..x .....x ."; got != want {
		t.Errorf("calls = %q, want %q", got, want)
	}
	if n := strings.Count(p.calls(60, "kms", "RevokeGrant"), "."); n != 50 {
		t.Errorf("%d of 60 RevokeGrant passed, want 50", n)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	p := start(t, faults.Fault{Kind: faults.Latency, Service: "kms", Delay: faults.Duration(2 * time.Second), Count: 2},
		faults.Fault{Kind: faults.Latency, Delay: faults.Duration(time.Second)}, faults.Fault{Kind: faults.Error, Code: "A", Service: "ssm"})
	if got := p.calls(3, "kms", "Decrypt"); got != "..." || p.slept != 7*time.Second {
		t.Errorf("calls %s took %s, want 7s", got, p.slept)
	}
	if got := p.calls(1, "ssm", "SendCommand"); got != "x" || p.slept != 8*time.Second {
		t.Errorf("a late error: %s after %s", got, p.slept)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	real := faults.New(faults.Config{})
	if _, err := real.Add(faults.Fault{Kind: faults.Latency, Delay: faults.Duration(5 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	real.Intercept(ended, &wire.Request{Service: "kms"}) // returns at once, or the test times out
}

func TestEventsAndMachines(t *testing.T) {
	t.Parallel()
	p := start(t, faults.Fault{Kind: faults.Drop, DetailType: "lost", Count: 1}, faults.Fault{Kind: faults.Duplicate, DetailType: "twice"},
		faults.Fault{Kind: faults.Silent, Machine: "i-1234567890abcdef0"})
	got := []int{p.Event("lost"), p.Event("lost"), p.Event("twice"), p.Event("other")}
	if diff := cmp.Diff([]int{0, 1, 2, 1}, got); diff != "" {
		t.Errorf("copies: %s", diff)
	}
	q := start(t, faults.Fault{Kind: faults.Late, DetailType: "Bounce", Delay: faults.Duration(2 * time.Hour), Count: 1})
	if got := []time.Duration{q.Late("Delivery"), q.Late("Bounce"), q.Late("Bounce"), p.Late("lost")}; !cmp.Equal(got, []time.Duration{0, 2 * time.Hour, 0, 0}) {
		t.Errorf("late by %v, want the first bounce by two hours", got)
	}
	if !p.Silent("i-1234567890abcdef0") || p.Silent("i-0598c7d356eba48d7") {
		t.Error("the wrong machine is silent")
	}
	if !p.Clear("3") || p.Clear("3") || p.Silent("i-1234567890abcdef0") {
		t.Error("a cleared fault still acts")
	}
	p.ClearAll()
	if p.Event("twice") != 1 || len(p.List()) != 0 {
		t.Error("ClearAll left a fault")
	}
	if !start(t, faults.Fault{Kind: faults.Silent}).Silent("i-0598c7d356eba48d7") {
		t.Error("a silence of all machines lets one answer")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`{"kind": "late", "detailType": "Bounce"}`, "delay \"0s\", expected more than 0s and at most 720h0m0s"},
		{`{"kind": "late", "delay": "721h"}`, "at most 720h0m0s"},
		{`{`, "reading the fault"},
		{`{"kind":"drop"} {}`, "more than one JSON document"},
		{`{"kind":"drop","colour":"red"}`, `unknown field "colour"`},
		{`{}`, `kind "", expected one of [throttle latency error drop duplicate late silent]`},
		{`{"kind":"explode"}`, `kind "explode", expected one of`},
		{`{"kind":"throttle","service":"s3"}`, `service "s3", expected one of [dynamodb ec2`},
		{`{"kind":"throttle","operation":"DisableKey"}`, `operation "DisableKey", expected an operation's name beside its service`},
		{`{"kind":"throttle","rate":1.5}`, `rate 1.5, expected a number above 0 and up to 1`},
		{`{"kind":"throttle","count":-1}`, `count -1, expected 0 or more`},
		{`{"kind":"throttle","rate":0.5,"realQuotas":true}`, `rate 0.5, expected none beside realQuotas`},
		{`{"kind":"throttle","delay":"1s"}`, `delay is set, expected only [service operation rate count realQuotas] with kind "throttle"`},
		{`{"kind":"latency"}`, `delay "0s", expected more than 0s and at most 5m0s`},
		{`{"kind":"latency","delay":"1h"}`, `delay "1h0m0s", expected more than 0s and at most 5m0s`},
		{`{"kind":"latency","delay":"soon"}`, `delay "soon", expected a duration such as "2s"`},
		{`{"kind":"latency","delay":5}`, `delay 5, expected a text such as "2s"`},
		{`{"kind":"error"}`, `code "", expected AWS's error code`},
		{`{"kind":"error","code":"A","status":200}`, `status 200, expected 400 to 599`},
		{`{"kind":"silent","machine":"web"}`, `machine "web", expected i- or mi-`},
		{`{"kind":"silent","count":2}`, `count is set, expected only [machine] with kind "silent"`},
		{`{"kind":"drop","count":-1,"rate":2}`, `rate 2, expected`},
	} {
		if _, err := faults.Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%s) = %v, want %q in it", c.text, err, c.want)
		}
	}
	if _, err := start(t).Add(faults.Fault{}); err == nil {
		t.Error("Add took the zero fault")
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	p := start(t)
	h := p.Handler("/_local/faults")
	ask := func(method, path, body string, status int) string {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		if w.Code != status {
			t.Errorf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
		}
		text, _ := io.ReadAll(w.Body)
		return string(text)
	}
	got := ask(http.MethodPost, "/_local/faults", `{"kind":"latency","service":"kms","delay":"90s"}`, http.StatusCreated)
	if want := `{"id":"1","hits":0,"kind":"latency","service":"kms","delay":"1m30s"}`; got != want {
		t.Errorf("POST = %s, want %s", got, want)
	}
	ask(http.MethodPost, "/_local/faults", `{"kind":"drop"}`, http.StatusCreated)
	p.Event("any")
	var list []faults.Active
	if err := json.Unmarshal([]byte(ask(http.MethodGet, "/_local/faults", "", http.StatusOK)), &list); err != nil {
		t.Fatal(err)
	}
	want := []faults.Active{{ID: "1", Fault: faults.Fault{Kind: faults.Latency, Service: "kms", Delay: faults.Duration(90 * time.Second)}}, {ID: "2", Hits: 1, Fault: faults.Fault{Kind: faults.Drop}}}
	if diff := cmp.Diff(want, list, cmpopts.IgnoreUnexported(faults.Active{})); diff != "" {
		t.Error(diff)
	}
	if got := ask(http.MethodPost, "/_local/faults", `{"kind":"x"}`, http.StatusBadRequest); !strings.Contains(got, `kind \"x\"`) {
		t.Errorf("POST = %s", got)
	}
	ask(http.MethodPost, "/_local/faults", strings.Repeat(" ", 20<<10), http.StatusRequestEntityTooLarge)
	ask(http.MethodDelete, "/_local/faults/7", "", http.StatusNotFound)
	if got := ask(http.MethodDelete, "/_local/faults/1", "", http.StatusOK); strings.Contains(got, "latency") {
		t.Errorf("DELETE 1 = %s", got)
	}
	if got := ask(http.MethodDelete, "/_local/faults", "", http.StatusOK); got != "[]" {
		t.Errorf("DELETE = %s", got)
	}
}

// TestOnTheWire has the real client meet the faults: it retries what it should, and no more.
func TestOnTheWire(t *testing.T) {
	t.Parallel()
	p := start(t)
	issued := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: issued, Intercept: p.Intercept})
	if err := server.Register(local.New(local.Config{Account: "123456789012", Region: "us-east-1"}).Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	k := issued.Issue(wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: "123456789012"})
	c := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &listener.URL, Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.Backoff = 3, retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})})
	for _, fault := range []faults.Fault{
		{Kind: faults.Throttle, Service: "kms", Operation: "CreateKey", Count: 2},
		{Kind: faults.Error, Code: "KMSInternalException", Status: 500, Count: 2},
	} {
		if _, err := p.Add(fault); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
			t.Errorf("%s twice: %v", fault.Kind, err)
		}
	}
	if got := server.Calls()["kms.CreateKey"]; got != 6 {
		t.Errorf("%d calls, want 6", got)
	}
	if _, err := p.Add(faults.Fault{Kind: faults.Error, Code: "KMSInvalidStateException", Message: "pending", Count: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	var state *types.KMSInvalidStateException
	if !errors.As(err, &state) || aws.ToString(state.Message) != "pending" {
		t.Errorf("error = %v, want KMSInvalidStateException", err)
	}
	if _, err := p.Add(faults.Fault{Kind: faults.Throttle}); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ThrottlingException" {
		t.Errorf("error = %v, want ThrottlingException", err)
	}
}
