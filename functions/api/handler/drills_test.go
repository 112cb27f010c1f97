package handler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/record"
)

func TestDrills(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if status, body := call(t, w, "GET", "/v1/drills", ""); status != http.StatusOK || body != `{"drills":[]}` {
		t.Errorf("without drills: %d %s", status, body)
	}
	for n := range 40 {
		w.Store.AllDrills = append(w.Store.AllDrills, record.Drill{ID: fmt.Sprint(n)})
	}
	status, body := call(t, w, "GET", "/v1/drills", "")
	if got := decode[struct{ Drills []record.Drill }](t, body).Drills; status != http.StatusOK || len(got) != 31 || got[0].ID != "39" {
		t.Errorf("%d, %d drills, the first %+v", status, len(got), got[0])
	}
	w.Fail("store.Drills", fake.Down)
	if status, _ := call(t, w, "GET", "/v1/drills", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without the store: %d", status)
	}
}

func TestRunDrill(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if status, body := call(t, w, "POST", "/v1/drills", ""); status != http.StatusAccepted || !strings.Contains(body, "askedAt") {
		t.Errorf("%d %s", status, body)
	}
	if want := `{"version":1,"op":"begin","by":"` + alice + `"}`; w.Drill.Events[0] != want {
		t.Errorf("event = %s, want %s", w.Drill.Events[0], want)
	}
	w.Fail("drill.Invoke", fake.Down)
	if status, _ := call(t, w, "POST", "/v1/drills", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without Lambda: %d", status)
	}
	h := newHandler(w)
	h.DrillsOff = true
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method = "/v1/drills", "POST"
	out, err := boot.HTTP(h.Routes(), w.Log)(t.Context(), fake.Start, in)
	if err != nil || out.StatusCode != http.StatusConflict || !strings.Contains(out.Body, "Drill=on") {
		t.Errorf("switched off: %d %s, %v", out.StatusCode, out.Body, err)
	}
}

// Nobody gets the drill's key, policy or machine for a machine of their own.
func TestNobodyElseIsTheDrill(t *testing.T) {
	t.Parallel()
	w := fake.New()
	k := w.Keys.ByARN[fake.KeyARN]
	k.Drill = true
	w.Keys.ByARN[fake.KeyARN] = k
	w.Store.PutPolicyText(drill.Policy())
	enrolment := func(policy string) string {
		return `{"role":"arn:aws:iam::123456789012:role/web","policy":"` + policy + `","key":"` + fake.KeyARN + `"}`
	}
	for _, tt := range []struct{ method, path, body, want string }{
		{"PUT", "/v1/machines/" + fake.Other, enrolment("web-tier"), "is the fire drill's"},
		{"PUT", "/v1/machines/" + fake.Other, enrolment(drill.PolicyName), "is the fire drill's"},
		{"PUT", "/v1/machines/" + drill.Machine, enrolment("web-tier"), "expected an instance id"},
		{"PUT", "/v1/policies/" + drill.PolicyName, drill.Policy(), "is the fire drill's"},
		{"POST", "/v1/policies/" + drill.PolicyName + "/preview", drill.Policy(), "is the fire drill's"},
	} {
		if status, body := call(t, w, tt.method, tt.path, tt.body); status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s = %d %s, want 400 and %q", tt.method, tt.path, status, body, tt.want)
		}
	}
	w.Never(t, "store.Apply", "store.PutPolicy")
}
