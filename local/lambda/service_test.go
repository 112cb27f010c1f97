package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/wire"
)

func TestServiceInvoke(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	call := func(name, payload string, header map[string]string, kind wire.Kind) (any, error) {
		r := httptest.NewRequest("POST", "/2015-03-31/functions/x/invocations", nil)
		names := map[string]string{"FunctionName": name}
		for k, v := range header {
			if k == "Qualifier" {
				names[k] = v
				continue
			}
			r.Header.Set(k, v)
		}
		body, err := json.Marshal(names)
		if err != nil {
			t.Fatal(err)
		}
		return p.Service().Operations["Invoke"](context.Background(), &wire.Request{
			Service: "lambda", Operation: "Invoke", HTTP: r, Body: body, Raw: []byte(payload), Caller: wire.Principal{Kind: kind},
		})
	}
	const name = "keyward-InspectFunction"
	event := map[string]string{"X-Amz-Invocation-Type": "Event"}
	for title, tt := range map[string]struct {
		function, payload string
		header            map[string]string
		kind              wire.Kind
		code              string // of the error, or "" and then:
		status            int
		functionError     string
		body              string
	}{
		"synchronous":     {name, `{"do":"deadlin"}`, nil, wire.Function, "", 200, "", `"calls"`},
		"function error":  {name, `{"do":"error"}`, nil, wire.Function, "", 200, "Unhandled", `"brokenError"`},
		"event":           {name, `{}`, event, wire.Function, "", 202, "", ""},
		"unknown":         {"nobody", `{}`, nil, wire.Function, "ResourceNotFoundException", 404, "", ""},
		"not JSON":        {name, `{`, nil, wire.Function, "InvalidRequestContentException", 0, "", ""},
		"machine":         {name, `{}`, nil, wire.Machine, "AccessDeniedException", 403, "", ""},
		"large":           {name, `"` + strings.Repeat("x", 6<<20) + `"`, nil, wire.Function, "RequestTooLargeException", 413, "", ""},
		"large event":     {name, `"` + strings.Repeat("x", 1<<20) + `"`, event, wire.Function, "RequestTooLargeException", 413, "", ""},
		"dry run":         {name, `{}`, map[string]string{"X-Amz-Invocation-Type": "DryRun"}, wire.Function, "NotImplemented", 501, "", ""},
		"log tail":        {name, `{}`, map[string]string{"X-Amz-Log-Type": "Tail"}, wire.Function, "NotImplemented", 501, "", ""},
		"client context":  {name, `{}`, map[string]string{"X-Amz-Client-Context": "e30="}, wire.Function, "NotImplemented", 501, "", ""},
		"alias":           {name, `{}`, map[string]string{"Qualifier": "live"}, wire.Function, "NotImplemented", 501, "", ""},
		"latest by query": {name, `{}`, map[string]string{"Qualifier": "$LATEST"}, wire.Function, "", 200, "", `"calls"`},
	} {
		got, err := call(tt.function, tt.payload, tt.header, tt.kind)
		if tt.code != "" {
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != tt.code || e.Status != tt.status {
				t.Errorf("%s: %v, want %s %d", title, err, tt.code, tt.status)
			}
			continue
		}
		raw, ok := got.(wire.Raw)
		if err != nil || !ok || raw.Status != tt.status || raw.Header.Get("X-Amz-Function-Error") != tt.functionError || !strings.Contains(string(raw.Body), tt.body) {
			t.Errorf("%s: %v, %v, want status %d, function error %q, %s", title, got, err, tt.status, tt.functionError, tt.body)
		}
	}
	if err := p.clock.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
}
