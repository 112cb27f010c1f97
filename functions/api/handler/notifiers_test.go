package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	opsPath   = "/v1/notifiers/ops"
	hooked    = `{"notifier": "ops", "events": ["warning"], "webhook": {"url": "https://hooks.example.com/services/T0"}}`
	hookURL   = "https://hooks.example.com/services/T0"
	maskedURL = "https://hooks.example.com/…"
)

// putOps puts a notifier and returns it with its tag.
func putOps(t *testing.T, w *fake.World, path, body string) (record.Notifier, string) {
	t.Helper()
	status, text, tag := send(t, w, "PUT", path, body, nil)
	if status != http.StatusOK {
		t.Fatalf("put = %d %s", status, text)
	}
	return decode[record.Notifier](t, text), tag
}

func TestPutNotifier(t *testing.T) {
	t.Parallel()
	w := fake.New()
	n, tag := putOps(t, w, opsPath, hooked)
	secret := n.Webhook.Secret
	want := record.Notifier{
		Name: "ops", Events: []string{"warning"}, Webhook: &record.Webhook{URL: maskedURL, Secret: secret}, Version: 1, PutAt: fake.Start, PutBy: alice,
	}
	if diff := cmp.Diff(want, n); diff != "" || len(secret) != 43 || tag != `"1"` {
		t.Errorf("put with tag %s, secret of %d characters (-want +got):\n%s", tag, len(secret), diff)
	}
	if kept := w.Store.Telling["ops"].Webhook; kept.URL != hookURL || kept.Secret != secret {
		t.Errorf("stored = %+v", kept)
	}
	if strings.Contains(w.Logged(), secret) || strings.Contains(w.Logged(), "services/T0") {
		t.Errorf("the log has the secret or the address:\n%s", w.Logged())
	}

	// What is shown is masked, and can be put again: nothing changes.
	_, body, tag := send(t, w, "GET", opsPath, "", nil)
	if n = decode[record.Notifier](t, body); n.Webhook.URL != maskedURL || n.Webhook.Secret != "" || tag != `"1"` {
		t.Errorf("shown = %s with tag %s", body, tag)
	}
	if n, tag = putOps(t, w, opsPath, body); n.Version != 1 || n.Webhook.Secret != "" || tag != `"1"` {
		t.Errorf("put as it was shown = %+v, %s", n, tag)
	}
	w.Times(t, "store.PutNotifier", 1)
	_, body, _ = send(t, w, "GET", "/v1/notifiers", "", nil)
	if all := decode[map[string][]record.Notifier](t, body)["notifiers"]; len(all) != 1 || all[0].Webhook.URL != maskedURL || all[0].Webhook.Secret != "" {
		t.Errorf("listed = %s", body)
	}

	// Another word keeps the secret; rotating, and another address, make another.
	if n, _ = putOps(t, w, opsPath, strings.Replace(hooked, `"warning"`, `"warning", "revoked"`, 1)); n.Version != 2 || n.Webhook.Secret != "" || w.Store.Telling["ops"].Webhook.Secret != secret {
		t.Errorf("changed = %+v, stored %+v", n, w.Store.Telling["ops"])
	}
	if n, _ = putOps(t, w, opsPath+"?rotate=true", strings.Replace(hooked, hookURL, maskedURL, 1)); n.Version != 3 || n.Webhook.Secret == "" || w.Store.Telling["ops"].Webhook.URL != hookURL {
		t.Errorf("rotated = %+v, stored %+v", n, w.Store.Telling["ops"].Webhook)
	}
	w.Store.Telling["ops"].Webhook.Secret = "old"
	if n, _ = putOps(t, w, opsPath, strings.Replace(hooked, "T0", "T1", 1)); n.Version != 4 || n.Webhook.Secret == "" || w.Store.Telling["ops"].Webhook.Secret != n.Webhook.Secret {
		t.Errorf("at another address = %+v", n)
	}
	if n, _ = putOps(t, w, opsPath, `{"notifier": "ops", "to": ["ops@example.com"], "topic": "arn:aws:sns:us-east-1:123456789012:keyward-notify-ops"}`); n.Version != 5 || n.Webhook != nil {
		t.Errorf("without a webhook = %+v", n)
	}
}

func TestPutNotifierRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path, body string
		status     int
		field      string
	}{
		"no JSON":                       {opsPath, "notifier: ops", 400, ""},
		"nobody to tell":                {opsPath, `{"notifier": "ops"}`, 400, "to"},
		"another name":                  {opsPath, `{"notifier": "chat", "to": ["ops@example.com"]}`, 400, "notifier"},
		"an unknown key":                {opsPath, `{"notifier": "ops", "to": ["ops@example.com"], "tos": 1}`, 400, ""},
		"an unknown event":              {opsPath, `{"notifier": "ops", "to": ["ops@example.com"], "events": ["ransom"]}`, 400, "events[0]"},
		"a secret":                      {opsPath, `{"notifier": "ops", "webhook": {"url": "https://a.example.com", "secret": "x"}}`, 400, "webhook.secret"},
		"a topic of another Region":     {opsPath, `{"notifier": "ops", "topic": "arn:aws:sns:eu-west-1:123456789012:keyward-notify-ops"}`, 400, "topic"},
		"a topic of another account":    {opsPath, `{"notifier": "ops", "topic": "arn:aws:sns:us-east-1:210987654321:keyward-notify-ops"}`, 400, "topic"},
		"an address that stands for no": {opsPath, strings.Replace(hooked, hookURL, maskedURL, 1), 400, "webhook.url"},
		"rotating what is not there":    {opsPath + "?rotate=true", `{"notifier": "ops", "to": ["ops@example.com"]}`, 400, "rotate"},
		"rotating perhaps":              {opsPath + "?rotate=yes", hooked, 400, "rotate"},
		"too large":                     {opsPath, strings.Repeat(" ", boot.MaxBody+1), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			status, body, _ := send(t, w, "PUT", tt.path, tt.body, nil)
			if status != tt.status {
				t.Errorf("put = %d %s, want %d", status, body, tt.status)
			}
			var problem fault.Problem
			if err := json.Unmarshal([]byte(body), &problem); err != nil || tt.field != "" && (len(problem.Errors) != 1 || problem.Errors[0].Name != tt.field) {
				t.Errorf("put = %s, want field %s", body, tt.field)
			}
			w.Never(t, "store.PutNotifier")
		})
	}
	// A masked address of another host stands for nothing either.
	w := fake.New()
	putOps(t, w, opsPath, hooked)
	if status, body, _ := send(t, w, "PUT", opsPath, strings.Replace(hooked, hookURL, "https://other.example.com/…", 1), nil); status != 400 || !strings.Contains(body, "none of that host") {
		t.Errorf("another host = %d %s", status, body)
	}
	w = fake.New()
	for i := range maxNotifiers {
		name := fmt.Sprintf("n-%d-x", i)
		w.Store.Telling[name] = record.Notifier{Name: name, Version: 1}
	}
	if status, body, _ := send(t, w, "PUT", opsPath, hooked, nil); status != http.StatusConflict || !strings.Contains(body, "there are 100 already") {
		t.Errorf("one more = %d %s", status, body)
	}
	if n, _ := putOps(t, w, "/v1/notifiers/n-1-x", strings.Replace(hooked, "ops", "n-1-x", 1)); n.Version != 2 {
		t.Errorf("one of them = %+v", n)
	}
}

func TestNotifierAsItWasRead(t *testing.T) {
	t.Parallel()
	w := fake.New()
	putOps(t, w, opsPath, hooked)
	changed := strings.Replace(hooked, "warning", "revoked", 1)
	reason := `{"reason": "not on duty"}`
	for name, tt := range map[string]struct {
		method, body string
		header       map[string]string
	}{
		"put over an old one":   {"PUT", changed, map[string]string{"if-match": `"7"`}},
		"put as if it were new": {"PUT", changed, map[string]string{"if-none-match": "*"}},
		"delete an old one":     {"DELETE", reason, map[string]string{"if-match": `"7"`}},
	} {
		if status, body, _ := send(t, w, tt.method, opsPath, tt.body, tt.header); status != http.StatusPreconditionFailed {
			t.Errorf("%s = %d %s, want 412", name, status, body)
		}
	}
	quicker := func() {
		n := w.Store.Telling["ops"]
		n.Version++
		w.Store.Telling["ops"] = n
	}
	w.Before("store.PutNotifier", quicker)
	if status, body, _ := send(t, w, "PUT", opsPath, changed, map[string]string{"if-match": `"1"`}); status != http.StatusPreconditionFailed || !strings.Contains(body, `the version is \"2\"`) {
		t.Errorf("changed meanwhile = %d %s, want 412 with version 2", status, body)
	}
	w.Before("store.DeleteNotifier", quicker)
	if status, body, _ := send(t, w, "DELETE", opsPath, reason, nil); status != http.StatusConflict {
		t.Errorf("changed before it was deleted = %d %s, want 409", status, body)
	}
	w.Before("store.DeleteNotifier", func() { quicker(); w.Fail("store.Notifier", fake.Down) })
	if status, body, _ := send(t, w, "DELETE", opsPath, reason, map[string]string{"if-match": `"3"`}); status != http.StatusServiceUnavailable {
		t.Errorf("nobody knows the version = %d %s, want 503", status, body)
	}
	w.Fail("store.DeleteNotifier", fault.New(fault.Conflict, "deleting"))
	if status, body, _ := send(t, w, "DELETE", opsPath, reason, map[string]string{"if-match": `"4"`}); status != http.StatusConflict {
		t.Errorf("refused as it is = %d %s, want 409", status, body)
	}
}

func TestDeleteNotifier(t *testing.T) {
	t.Parallel()
	w := fake.New()
	putOps(t, w, opsPath, hooked)
	if status, body, _ := send(t, w, "DELETE", opsPath, `{"reason": ""}`, nil); status != 400 || !strings.Contains(body, "reason") {
		t.Errorf("without a reason = %d %s", status, body)
	}
	if status, body, _ := send(t, w, "DELETE", opsPath, `{`, nil); status != 400 {
		t.Errorf("no JSON = %d %s", status, body)
	}
	status, body, _ := send(t, w, "DELETE", opsPath, `{"reason": "not on duty"}`, nil)
	if n := decode[record.Notifier](t, body); status != http.StatusOK || n.Webhook.URL != maskedURL || n.Webhook.Secret != "" || !strings.Contains(w.Logged(), "not on duty") {
		t.Errorf("deleted = %d %s", status, body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if status, body, _ := send(t, w, method, opsPath, `{"reason": "again"}`, nil); status != http.StatusNotFound {
			t.Errorf("%s after it = %d %s, want 404", method, status, body)
		}
	}
}

func TestNotifierFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ failing, method, path, body string }{
		{"store.Notifiers", "GET", "/v1/notifiers", ""},
		{"store.Notifier", "GET", opsPath, ""},
		{"store.Notifier", "PUT", opsPath, hooked},
		{"store.Notifiers", "PUT", opsPath, hooked},
		{"store.PutNotifier", "PUT", opsPath, hooked},
		{"store.Notifier", "DELETE", opsPath, `{"reason": "x"}`},
	} {
		w := fake.New()
		w.Fail(tt.failing, fake.Down)
		if status, body, _ := send(t, w, tt.method, tt.path, tt.body, nil); status != http.StatusServiceUnavailable {
			t.Errorf("%s while %s fails = %d %s, want 503", tt.method, tt.failing, status, body)
		}
	}
	w := fake.New()
	h := newHandler(w)
	h.Random = iotest.ErrReader(errors.New("no entropy"))
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method, in.Body = opsPath, "PUT", hooked
	out, err := boot.HTTP(h.Routes(), w.Log)(t.Context(), fake.Start, in)
	if err != nil || out.StatusCode != http.StatusInternalServerError || strings.Contains(out.Body, "entropy") {
		t.Errorf("without randomness = %+v, %v, want 500", out, err)
	}
	w.Never(t, "store.PutNotifier")
}
