package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// started are the inputs of the executions that run, by name.
func started(t *testing.T, w *fake.World) map[string]enforcement.Input {
	t.Helper()
	all := map[string]enforcement.Input{}
	for name, text := range w.Flow.Inputs {
		var in enforcement.Input
		if err := json.Unmarshal(text, &in); err != nil {
			t.Fatal(err)
		}
		all[name] = in
	}
	return all
}

// What a person does to a policy, or lets stand, is told by one mail that says who, what and why.
func TestWhatPeopleDoIsTold(t *testing.T) {
	t.Parallel()
	until := fake.Start.Add(10 * 24 * time.Hour)
	everywhere := func(w *record.WaiverWish) {
		w.Scope, w.Values, w.Policy = "policy:web-tier", []string{"4.19.0"}, "web-tier"
	}
	second := func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "no plain web", Verdict: policy.Fail, Values: []string{"tcp/80"}})
	}
	for name, tt := range map[string]struct {
		world              *fake.World
		method, path, body string
		name               string // begins the execution's name
		want               enforcement.Input
	}{
		"a waiver of a machine": {failing(), "POST", "/v1/waivers", wish(), fake.ID + "-2-tell-waived-", enforcement.Input{
			Notice: "waived", Machine: fake.ID, Generation: 2, Policy: "web-tier", Why: "ticket 4711", DueAt: until, What: `rule "kernel is supported": ` + fake.OldKernelValue,
		}},
		"a waiver of a policy": {failing(), "POST", "/v1/waivers", wish(everywhere), "w-", enforcement.Input{
			Notice: "waived", Policy: "web-tier", Why: "ticket 4711", DueAt: until, What: `rule "kernel is supported": 4.19.0`,
		}},
		"all that a machine fails by": {violating(second), "POST", ruling + "/ignore", ignoreBody, fake.ID + "-2-tell-waived-", enforcement.Input{
			Notice: "waived", Machine: fake.ID, Generation: 2, Policy: "web-tier", Why: "the shop has to run", DueAt: fake.Start.Add(24 * time.Hour),
			What: `rule "kernel is supported": ` + fake.OldKernelValue + `; rule "no plain web": tcp/80`,
		}},
		"a policy is changed": {fake.New(), "PUT", "/v1/policies/web-tier", fake.Policy("5.10", "5.15"), "policy-web-tier-2-tell-policyChanged-1", enforcement.Input{
			Notice: "policyChanged", Machine: "policy-web-tier", Generation: 2, Policy: "web-tier", What: "put as version 2, after version 1",
		}},
		"a policy is deleted": {unenrolled(), "DELETE", "/v1/policies/web-tier", `{"reason":"x"}`, "policy-web-tier-2-tell-policyChanged-1", enforcement.Input{
			Notice: "policyChanged", Machine: "policy-web-tier", Generation: 2, Policy: "web-tier", What: "deleted",
		}},
	} {
		status, body := call(t, tt.world, tt.method, tt.path, tt.body)
		if status >= http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, body)
			continue
		}
		all := started(t, tt.world)
		if len(all) != 1 || len(tt.world.Store.Waiting) != 0 {
			t.Errorf("%s: started %v, %d in the outbox, want one mail", name, all, len(tt.world.Store.Waiting))
		}
		tt.want.Version, tt.want.Kind, tt.want.Account, tt.want.Region, tt.want.By = enforcement.Version, enforcement.Tell, fake.Account, fake.Region, alice
		for as, in := range all {
			if !strings.HasPrefix(as, tt.name) {
				t.Errorf("%s: the execution is named %s, want %s…", name, as, tt.name)
			}
			if in.Notice == "waived" && !strings.HasPrefix(in.Request, "w-") {
				t.Errorf("%s: it does not name the waiver: %+v", name, in)
			}
			if strings.HasPrefix(in.Machine, "w-") {
				in.Machine = ""
			}
			if diff := cmp.Diff(tt.want, in, cmpopts.IgnoreFields(enforcement.Input{}, "Request")); diff != "" {
				t.Errorf("%s: input (-want +got):\n%s", name, diff)
			}
		}
	}
}

// unenrolled is a world without a machine under the policy.
func unenrolled() *fake.World {
	w := fake.New()
	delete(w.Store.ByID, fake.ID)
	return w
}

// The first version of a policy is asked of no machine yet: nobody is told.
func TestTheFirstVersionOfAPolicyIsNotTold(t *testing.T) {
	t.Parallel()
	w := fake.New()
	text := strings.NewReplacer("policy: web-tier", "policy: other", "i-1234567890abcdef0", "i-0000000000000000f").Replace(fake.Policy())
	if status, body := call(t, w, "PUT", "/v1/policies/other", text); status != http.StatusOK || len(started(t, w)) != 0 || len(w.Store.Waiting) != 0 {
		t.Errorf("%d %s, started %v", status, body, started(t, w))
	}
}

// What cannot be started now stays in the outbox, and the call is done all the same.
func TestWhatCannotBeToldNow(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"states.Start", "store.Started"} {
		w := failing()
		w.Fail(fails, fake.Down)
		if status, body := call(t, w, "POST", "/v1/waivers", wish()); status != http.StatusCreated || len(w.Store.Waiting) != 1 {
			t.Errorf("%s fails: %d %s, %d in the outbox", fails, status, body, len(w.Store.Waiting))
		}
	}
}
