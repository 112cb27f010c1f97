package console_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const opsText = "notifier: shop-ops\nto: [ops@example.com]\nwebhook: {url: https://hooks.example.com/…}\n"

func TestPutNotifier(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	page := b.follow(b.post("/notifiers/shop-ops/edit", "text", strings.ReplaceAll(opsText, "\n", "\r\n"), "over", "3"))
	wants(t, "stored", page, "Notifier shop-ops is stored as version 4.")
	w := b.post("/notifiers/shop-ops/edit", "text", opsText, "over", "3", "rotate", "yes")
	if wants(t, "rotated", w.Body.String(), "made-just-now", "It is shown this once."); w.Code != http.StatusOK {
		t.Errorf("rotated = %d", w.Code)
	}
	if again := b.get("/notifiers/shop-ops").Body.String(); strings.Contains(again, "made-just-now") {
		t.Error("the secret is shown again")
	}
	b.post("/new-notifier", "text", "notifier: chat\nto: [chat@example.com]\n", "over", "0")
	if want := []string{"PutNotifier shop-ops 3 false", "PutNotifier shop-ops 3 true", "PutNotifier chat 0 false"}; !slices.Equal(a.orders(), want) {
		t.Errorf("ordered %q, want %q", a.orders(), want)
	}
}

func TestPutNotifierRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text   string
		fails  error
		status int
		says   []string
	}{
		"errors":          {"notifier: shop-ops\nevents: [warnin]\n", nil, 400, []string{"The notifier has errors, and is not stored", "did you mean", "events[0]", "at least one of to"}},
		"another name":    {"notifier: other\nto: [ops@example.com]\n", nil, 400, []string{"another name than that of the notifier that is edited"}},
		"not allowed":     {opsText, refused(403, "", "Forbidden"), 403, []string{"Your AWS identity may not do this", "administrators alone"}},
		"another version": {opsText, refused(412, "Stale", "the version is 5"), 412, []string{"the version is 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := place()
			a.fails["PutNotifier"] = tt.fails
			b := open(t, a)
			w := b.post("/notifiers/shop-ops/edit", "text", tt.text, "over", "3", "rotate", "yes")
			if w.Code != tt.status {
				t.Errorf("%d, want %d", w.Code, tt.status)
			}
			wants(t, name, w.Body.String(), append(tt.says, `name="over" value="3"`, `value="yes" checked`, strings.SplitN(tt.text, "\n", 2)[0])...)
			if tt.fails == nil && len(a.orders()) > 0 {
				t.Errorf("ordered %q", a.orders())
			}
		})
	}
}

// TestNewNotifierThatIsThere: a new one does not replace another.
func TestNewNotifierThatIsThere(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	w := b.post("/new-notifier", "text", opsText, "over", "0")
	if wants(t, "there already", w.Body.String(), "there is one of this name already"); w.Code != http.StatusBadRequest || len(a.orders()) > 0 {
		t.Errorf("%d, ordered %q", w.Code, a.orders())
	}
	a.fails["Notifier"] = refused(503, "Transient", "DynamoDB does not answer")
	w = b.post("/new-notifier", "text", opsText, "over", "0")
	if wants(t, "not known", w.Body.String(), "DynamoDB does not answer"); w.Code != http.StatusServiceUnavailable || len(a.orders()) > 0 {
		t.Errorf("%d, ordered %q", w.Code, a.orders())
	}
}

// TestCheckNotifier: while it is typed, and nobody is asked.
func TestCheckNotifier(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	for text, want := range map[string]string{
		opsText:                           "[]\n",
		"notifier: ab\nto: [a@b.example]": `[{"line":1,"column":11,"text":"notifier: got \"ab\", expected a name of 3 to 40 characters from a-z, 0-9 and - that begins with a letter"}]` + "\n",
	} {
		if w := b.post("/check", "text", text, "of", "notifier"); w.Body.String() != want {
			t.Errorf("check of %q = %s, want %s", text, w.Body, want)
		}
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("checking did %v", called)
	}
}
