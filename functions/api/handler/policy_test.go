package handler

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func TestPutPolicy(t *testing.T) {
	t.Parallel()
	w := fake.New()
	in := request(t, "put-policy.json")
	status, body := serve(t, w, in)
	p := decode[record.Policy](t, body)
	if status != http.StatusOK || p.Version != 2 || p.PutBy != alice || !p.PutAt.Equal(fake.Start) || p.Text != in.Body || p.Digest == "" {
		t.Errorf("put = %d %+v", status, p)
	}
	want := schedule.Schedule{
		Name: "web-tier", Description: "Inspects the machines of policy web-tier; putting the policy makes this schedule anew", Expression: "cron(30 4 * * ? *)", TimeZone: "Europe/Berlin", Spread: 15,
		Input: inspection.Request{Version: 1, Purpose: record.Scheduled, Policy: "web-tier"},
	}
	if diff := cmp.Diff([]schedule.Schedule{want}, w.Schedules.Puts); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
	// The same text again is the same version; its schedule is put all the same, since it may have been lost.
	if _, body = serve(t, w, in); decode[record.Policy](t, body).Version != 2 || len(w.Schedules.Puts) != 2 {
		t.Errorf("the second = %s, %d schedules", body, len(w.Schedules.Puts))
	}
	w.Times(t, "store.PutPolicy", 1)

	// Without a schedule of its own the policy's is removed.
	text := strings.Replace(fake.Policy(), "schedule: {daily: \"04:30\", timeZone: Europe/Berlin}\n", "", 1)
	if status, body = call(t, w, "PUT", "/v1/policies/web-tier", text); status != http.StatusOK {
		t.Errorf("put = %d %s", status, body)
	}
	w.Times(t, "scheduler.Delete web-tier", 1)
}

func TestThePoliciesOfTheProject(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"demo", "linux-baseline", "secure-cloud", "web-tier"} {
		text, err := os.ReadFile("../../../policies/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		w := fake.New()
		clear(w.Store.ByName)
		if status, body := call(t, w, "PUT", "/v1/policies/"+name, string(text)); status != http.StatusOK {
			t.Errorf("%s = %d %s", name, status, body)
		}
	}
}

func TestPutPolicyRefused(t *testing.T) {
	t.Parallel()
	text := fake.Policy("web-tier", "other")
	tests := []struct {
		name, policy, text string
		status             int
		says               string
	}{
		{"another name", "web-tier", text, 400, "the document says policy: other"},
		{"the built-in one", "default", fake.Policy("web-tier", "default"), 400, "name of the built-in policy"},
		{"ambiguous", "other", text, 409, "policy web-tier has the same priority"},
		{"an unknown key", "web-tier", fake.Policy("grace:", "graze:"), 400, "graze"},
		{"no grace with revoke", "web-tier", fake.Policy("  grace: 4h\n", ""), 400, "grace"},
		{"40 kB of brackets", "web-tier", strings.Repeat("[", 40<<10), 400, "reading policy web-tier"},
		{"larger than a policy may be", "web-tier", "#" + strings.Repeat("x", policy.MaxBytes), 400, "reading policy web-tier"},
		{"larger than any body may be", "web-tier", strings.Repeat("[", 5<<20), 413, "reading the body"},
		{"nothing", "web-tier", "", 400, "reading policy"},
		{"a mistake in CEL", "web-tier", fake.Policy(`os: {kernel: ">= 5.10"}`, "each: mounts\n    expression: e.encrypte"), 400, "Mount has no field \\\"encrypte\\\""},
		{"CEL that could take long", "web-tier", fake.Policy(`os: {kernel: ">= 5.10"}`, "expression: evidence.listeners.all(l, evidence.listeners.all(k, k.port > l.port))"), 400, "expected at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			status, body := call(t, w, "PUT", "/v1/policies/"+tt.policy, tt.text)
			if status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("put = %d %.300s, want %d with %q", status, body, tt.status, tt.says)
			}
			w.Never(t, "store.PutPolicy", "scheduler.")
		})
	}
}

func TestPutPolicyFails(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Policy", "store.Policies", "store.PutPolicy"} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "PUT", "/v1/policies/web-tier", fake.Policy("5.10", "5.15")); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
		w.Never(t, "scheduler.")
	}
	// The schedule fails: the same request again puts it.
	w := fake.New()
	w.Fail("scheduler.Put", fake.Down)
	text := fake.Policy("5.10", "5.15")
	if status, _ := call(t, w, "PUT", "/v1/policies/web-tier", text); status != http.StatusServiceUnavailable {
		t.Errorf("scheduler fails: %d, want 503", status)
	}
	if status, _ := call(t, w, "PUT", "/v1/policies/web-tier", text); status != http.StatusOK || len(w.Schedules.Puts) != 1 {
		t.Errorf("the second = %d, schedules %v", status, w.Schedules.Puts)
	}
	w = fake.New()
	w.Before("store.PutPolicy", func() { w.Store.PutPolicyText(fake.Policy("5.10", "6.1")) })
	if status, _ := call(t, w, "PUT", "/v1/policies/web-tier", text); status != http.StatusConflict {
		t.Errorf("somebody was quicker: %d, want 409", status)
	}
	// Another policy that does not compile any more is in nobody's way.
	w = fake.New()
	w.Store.PutPolicyText("policy: broken\nrules: no list\n")
	if status, body := call(t, w, "PUT", "/v1/policies/web-tier", text); status != http.StatusOK {
		t.Errorf("beside a broken policy: %d %s", status, body)
	}
}
