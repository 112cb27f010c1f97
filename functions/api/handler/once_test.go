package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// keyed makes a request with an idempotency key.
func keyed(t *testing.T, w *fake.World, key, path, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method, in.Body = path, "POST", body
	in.Headers = map[string]string{"idempotency-key": key}
	return answer(t, w, in)
}

const reasonBody = `{"reason":"ticket 4711"}`

// The same call again gets the same answer and does nothing; so does one that was refused.
func TestTheSameCallAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world  *fake.World
		path   string
		body   string
		status int
		does   string
	}{
		"approve":          {asking(keyrequest.Pending), ruling + "/approve", reasonBody, 200, "store.Apply"},
		"approve several":  {asking(keyrequest.Pending), "/v1/requests/approve", selected("", mine), 200, "store.Apply"},
		"a waiver":         {failing(), "/v1/waivers", wish(), 201, "store.SetWaiver"},
		"ignore":           {violating(), ruling + "/ignore", ignoreBody, 200, "store.SetWaiver"},
		"check, no body":   {fake.New(), "/v1/machines/" + fake.ID + "/check", "", 202, "inspect."},
		"reset":            {fake.New(), "/v1/breaker/global/reset", reasonBody, 200, "store.ChangeBreaker"},
		"refused: a body":  {asking(keyrequest.Pending), ruling + "/approve", `{}`, 400, ""},
		"refused: a state": {asking(keyrequest.Delivered), ruling + "/approve", reasonBody, 409, ""},
	} {
		first := keyed(t, tt.world, "key-1", tt.path, tt.body)
		again := keyed(t, tt.world, "key-1", tt.path, tt.body)
		if first.StatusCode != tt.status || first.Headers["idempotency-replayed"] != "" {
			t.Errorf("%s: first %d %s %v, want %d", name, first.StatusCode, first.Body, first.Headers, tt.status)
		}
		if again.StatusCode != first.StatusCode || again.Body != first.Body || again.Headers["idempotency-replayed"] != "true" || again.Headers["content-type"] != first.Headers["content-type"] {
			t.Errorf("%s: again %d %s %v, want what it was answered first: %s", name, again.StatusCode, again.Body, again.Headers, first.Body)
		}
		if tt.does != "" {
			tt.world.Times(t, tt.does, 1)
		}
		// Another call by the same key is refused, and does nothing.
		other := keyed(t, tt.world, "key-1", tt.path, strings.Replace(reasonBody, "4711", "4712", 1))
		if other.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(other.Body, `"kind":"Reused"`) || !strings.Contains(other.Body, `"field":"Idempotency-Key"`) {
			t.Errorf("%s: another body %d %s, want 422", name, other.StatusCode, other.Body)
		}
		if tt.does != "" {
			tt.world.Times(t, tt.does, 1)
		}
	}
}

// A key is one person's, and kept for a day.
func TestKeysAreAPersonsOwn(t *testing.T) {
	t.Parallel()
	w := fake.New()
	path := "/v1/machines/" + fake.ID + "/check"
	keyed(t, w, "key-1", path, "")
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method, in.Headers = path, "POST", map[string]string{"idempotency-key": "key-1"}
	in.RequestContext.Authorizer.IAM.UserARN = "arn:aws:iam::123456789012:user/bob"
	if out := answer(t, w, in); out.StatusCode != http.StatusAccepted || out.Headers["idempotency-replayed"] != "" {
		t.Errorf("another person's: %d %v, want it carried out", out.StatusCode, out.Headers)
	}
	for id, c := range w.Store.Called {
		c.At = c.At.Add(-record.KeepCalls)
		w.Store.Called[id] = c
	}
	if out := keyed(t, w, "key-1", path, ""); out.Headers["idempotency-replayed"] != "" {
		t.Errorf("a day later: %v, want it carried out", out.Headers)
	}
	w.Times(t, "inspect.", 3)
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "a b", strings.Repeat("x", 129), "é"} {
		w := asking(keyrequest.Pending)
		if out := keyed(t, w, key, ruling+"/approve", reasonBody); out.StatusCode != http.StatusBadRequest || !strings.Contains(out.Body, "expected 1 to 128") {
			t.Errorf("key %q: %d %s, want 400", key, out.StatusCode, out.Body)
		}
		w.Never(t, "store.")
	}
}

// While the first is at work nobody else is; what failed on our side may be sent again at once.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := asking(keyrequest.Pending)
	var second events.APIGatewayV2HTTPResponse
	w.Before("store.Apply", func() { second = keyed(t, w, "key-1", ruling+"/approve", reasonBody) })
	first := keyed(t, w, "key-1", ruling+"/approve", reasonBody)
	if first.StatusCode != http.StatusOK || second.StatusCode != http.StatusServiceUnavailable || !strings.Contains(second.Body, "is being carried out") || second.Headers["retry-after"] == "" {
		t.Errorf("first %d, at the same moment %d %s", first.StatusCode, second.StatusCode, second.Body)
	}
	w.Times(t, "store.Apply", 1)

	w = asking(keyrequest.Pending)
	w.Fail("store.Request", fake.Down)
	if out := keyed(t, w, "key-1", ruling+"/approve", reasonBody); out.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the store is down: %d", out.StatusCode)
	}
	if out := keyed(t, w, "key-1", ruling+"/approve", reasonBody); out.StatusCode != http.StatusOK {
		t.Errorf("and it is not: %d %s", out.StatusCode, out.Body)
	}
	w = asking(keyrequest.Pending)
	w.Fail("store.BeginCall", fake.Down)
	if out := keyed(t, w, "key-1", ruling+"/approve", reasonBody); out.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the call cannot be written: %d", out.StatusCode)
	}
	w.Never(t, "store.Apply")
	w.Fail("store.EndCall", fake.Down)
	if out := keyed(t, w, "key-1", ruling+"/approve", reasonBody); out.StatusCode != http.StatusOK {
		t.Errorf("its answer cannot be kept: %d %s, want it answered", out.StatusCode, out.Body)
	}
}

// The first died after it acted and before it said so: carried out again, it finds what it did.
func TestTheFirstDied(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world  *fake.World
		path   string
		body   string
		status int
		says   string
		does   string
	}{
		"approve":  {asking(keyrequest.Pending), ruling + "/approve", reasonBody, 409, "it is Approved already, by " + alice, "store.Apply"},
		"a waiver": {failing(), "/v1/waivers", wish(), 201, `"waiver":`, ""},
		"ignore":   {violating(), ruling + "/ignore", ignoreBody, 200, `"waivers":[{`, "store.SetWaiver"},
		"reset":    {fake.New(), "/v1/breaker/global/reset", reasonBody, 200, `"kind":"reset"`, "store.ChangeBreaker"},
	} {
		w := tt.world
		w.Fail("store.EndCall", fake.Down)
		keyed(t, w, "key-1", tt.path, tt.body)
		if out := keyed(t, w, "key-1", tt.path, tt.body); out.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: while nobody knows that it died: %d", name, out.StatusCode)
		}
		for id, c := range w.Store.Called {
			c.Until = c.Until.Add(-record.CallWithin)
			w.Store.Called[id] = c
		}
		out := keyed(t, w, "key-1", tt.path, tt.body)
		if out.StatusCode != tt.status || !strings.Contains(out.Body, tt.says) || len(w.Store.Waived) > 1 || len(w.Store.Events) > 1 {
			t.Errorf("%s: %d %s, %d waivers, %d events; want %d with %s", name, out.StatusCode, out.Body, len(w.Store.Waived), len(w.Store.Events), tt.status, tt.says)
		}
		if tt.does != "" {
			w.Times(t, tt.does, 1)
		}
		if again := keyed(t, w, "key-1", tt.path, tt.body); again.Body != out.Body || again.Headers["idempotency-replayed"] != "true" {
			t.Errorf("%s: and again %s, want %s", name, again.Body, out.Body)
		}
	}
}

// What it lacks still it does: of two waivers one was set when the first died.
func TestTheFirstDiedHalfway(t *testing.T) {
	t.Parallel()
	w := violating(func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "no plain web", Verdict: policy.Fail, Values: []string{"tcp/80"}})
	})
	w.Before("store.SetWaiver", func() {})
	w.Before("store.SetWaiver", func() { w.Fail("store.SetWaiver", fake.Down) })
	if out := keyed(t, w, "key-1", ruling+"/ignore", ignoreBody); out.StatusCode != http.StatusServiceUnavailable || len(w.Store.Waived) != 1 {
		t.Fatalf("the second fails: %d %s", out.StatusCode, out.Body)
	}
	out := keyed(t, w, "key-1", ruling+"/ignore", ignoreBody)
	if got := decode[record.Ignored](t, out.Body); out.StatusCode != http.StatusOK || len(got.Waivers) != 2 || len(w.Store.Waived) != 2 {
		t.Errorf("again: %d %s", out.StatusCode, out.Body)
	}
}

// A waiver that cannot be read after a conflict is told as the conflict that it is.
func TestAWaiverInConflict(t *testing.T) {
	t.Parallel()
	w := failing()
	w.Always("store.Waiver", fake.Down)
	w.Fail("store.EndCall", fake.Down)
	keyed(t, w, "key-1", "/v1/waivers", wish())
	for id, c := range w.Store.Called {
		c.Until = fake.Start.Add(-time.Second)
		w.Store.Called[id] = c
	}
	if out := keyed(t, w, "key-1", "/v1/waivers", wish()); out.StatusCode != http.StatusConflict {
		t.Errorf("%d %s, want 409", out.StatusCode, out.Body)
	}
}
