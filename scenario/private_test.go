package scenario_test

import (
	"net/http"
	"strings"
	"testing"
)

// With endpoints for the private API there is no public one, and the people's is as it was.
func TestThePrivateAPIIsInsteadOfThePublicOne(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{private: true})
	public := w.machine
	public.base = w.URL() + "/execute-api/MachineApi"
	if status, body := public.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, nil); status != http.StatusNotFound || w.API("MachineApi") != "" {
		t.Errorf("the public API is at %q and answers %d %s", w.API("MachineApi"), status, body)
	}
	if got := w.Status().Outputs["MachineApiUrl"]; got != w.machine.base || !strings.HasSuffix(got, "/PrivateMachineApi/machines") {
		t.Errorf("machines are told %s, and the private API is at %s", got, w.machine.base)
	}
	if status, body := w.machine.call("GET", "/v1/machines", nil, nil); status != http.StatusForbidden || !strings.Contains(body, "Missing Authentication Token") {
		t.Errorf("a route that is none of it is answered %d %s", status, body)
	}
	if status, body := w.machine.call("POST", "/v1/key-requests", `{"bootId":`, nil); status != http.StatusBadRequest || !strings.Contains(body, `"kind":"Invalid"`) {
		t.Errorf("what is no JSON is answered %d %s", status, body)
	}
	if status, r := w.ask(); status != http.StatusOK || r.GrantToken == "" {
		t.Errorf("the machine is answered %d %s", status, r.Reason)
	}

	open := begin(t, setup{})
	if open.API("PrivateMachineApi") != "" {
		t.Error("without endpoints there is a private API")
	}
}
