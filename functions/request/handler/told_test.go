package handler

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// waiting are the notices in the outbox.
func waiting(t *testing.T, w *fake.World) (told []enforcement.Input) {
	t.Helper()
	for _, o := range w.Store.Waiting {
		var in enforcement.Input
		if err := json.Unmarshal(o.Input, &in); err != nil {
			t.Fatal(err)
		}
		told = append(told, in)
	}
	return told
}

// approvals is a world whose policy has its own approvals told.
func approvals(w *fake.World) *fake.World {
	w.Store.PutPolicyText(fake.Policy("to: [ops@example.com]", "approvals: true, to: [ops@example.com]"))
	judged := w.Store.ByName["web-tier"]
	w.Store.Kept[0].Result.Digest = judged.Digest
	return w
}

func broken(w *fake.World) *fake.World { set("Disabled", false)(w); return w }

func TestPeopleAreToldOfRequests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world *fake.World
		kind  notice.Kind
		why   string
		until time.Time
	}{
		"waits for a person":                {seen(policy.Unknown), notice.RequestPending, keyrequest.ReasonUnknown.Text(), fake.Start.Add(24 * time.Hour)},
		"denied":                            {seen(policy.Fail), notice.RequestDenied, keyrequest.ReasonFail.Text(), time.Time{}},
		"nobody objected":                   {holding(t, time.Hour), notice.RequestUnopposed, keyrequest.ReasonNobody.Text(), time.Time{}},
		"approved, and no key":              {broken(seen(policy.Pass)), notice.RequestFailed, "the key is Disabled", time.Time{}},
		"approved, which the policy tells":  {approvals(seen(policy.Pass)), notice.RequestApproved, keyrequest.ReasonPass.Text(), time.Time{}},
		"approved":                          {world: seen(policy.Pass)},
		"approved by a person, told before": {world: ruledOn(policy.Pass, policy.Pass, true, time.Hour)},
	} {
		w := tt.world
		ask(t, w)
		if tt.kind != notice.RequestUnopposed { // after which it waits anew
			ask(t, w) // it is told once
		}
		var want []enforcement.Input
		if tt.kind != "" {
			want = []enforcement.Input{{
				Version: enforcement.Version, Kind: enforcement.Tell, Notice: string(tt.kind), Machine: fake.ID, Generation: 1,
				Policy: "web-tier", Why: tt.why, Request: bootOne, DueAt: tt.until,
			}}
		}
		if diff := cmp.Diff(want, waiting(t, w)); diff != "" {
			t.Errorf("%s: outbox (-want +got):\n%s", name, diff)
		}
		m := w.Store.ByID[fake.ID]
		if asking := m.Asking != nil; asking != (tt.kind == notice.RequestPending) || asking && !m.Asking.Until.Equal(tt.until) {
			t.Errorf("%s: the machine's request that waits is %+v", name, m.Asking)
		}
	}
}

// A machine may name another boot each second: people are not mailed each second.
func TestManyBootsAreToldOnce(t *testing.T) {
	t.Parallel()
	w := seen(policy.Fail)
	for _, boot := range []string{"a1", "a2", "a3"} {
		in := request(t, "ask.json")
		in.Body = `{"bootId": "` + boot + `"}`
		if status, _, body := serve(t, w, fake.Start, in); status != 403 {
			t.Fatalf("%d %s", status, body)
		}
	}
	if n := len(w.Store.Waiting); n != 1 || len(w.Store.Asked) != 3 {
		t.Errorf("%d mails of %d requests, want 1 of 3", n, len(w.Store.Asked))
	}
}

// What was given before people were told, because the function died between, is told with the next answer.
func TestAnApprovalIsToldThoughItWasInterrupted(t *testing.T) {
	t.Parallel()
	w := approvals(seen(policy.Pass))
	w.Fail("kms.Grant", fake.Down)
	ask(t, w)
	if len(w.Store.Waiting) != 0 {
		t.Fatalf("told before there was a key: %v", w.Store.Waiting)
	}
	w.Store.Leases = map[string]record.Lease{}
	if status, _, body := serve(t, w, fake.Start, request(t, "ask.json")); status != 200 || len(w.Store.Waiting) != 1 {
		t.Errorf("%d %s, told %d", status, body, len(w.Store.Waiting))
	}
}
