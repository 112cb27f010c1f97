package handler

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/record"
)

const linksURL = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"

// linking is a handler whose mails have links.
func linking(w *fake.World) *Handler {
	h := newHandler(w)
	h.Links = &Links{Store: w.Store, URL: linksURL, Random: strings.NewReader("abcdefghijklmnopqrstuvwxyz012345" + "bbcdefghijklmnopqrstuvwxyz012345" + "cbcdefghijklmnopqrstuvwxyz012345" + "dbcdefghijklmnopqrstuvwxyz012345")}
	return h
}

func warned(t *testing.T, h *Handler) {
	t.Helper()
	out, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "notify/warn.json"))
	if err != nil || out.(enforcement.Warned).Outcome != "warned" {
		t.Fatalf("warn = %+v, %v", out, err)
	}
}

func TestLinksOfAWarning(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Before("mail.Send", func() {
		if len(w.Store.Links) != 4 {
			t.Errorf("before the mail is sent %d links are written, want 4", len(w.Store.Links))
		}
	})
	warned(t, linking(w))
	mail := w.Mail.Sent[0]
	var actions []string
	for line := range strings.Lines(mail.Text) {
		token, ok := strings.CutPrefix(strings.TrimSpace(line), linksURL+"/a/")
		if !ok {
			continue
		}
		l := w.Store.Links[actionlink.ID(token)]
		actions = append(actions, l.Action)
		if l.Machine != fake.ID || !slices.Equal(l.To, mail.To) || l.Notice != "i-1234567890abcdef0-2-enforce-1/warning" || !strings.Contains(mail.HTML, token) {
			t.Errorf("the link is %+v", l)
		}
	}
	if want := []string{"check", "hold", "onIt", "askWaiver"}; !slices.Equal(actions, want) {
		t.Errorf("the mail has links for %v, want %v:\n%s", actions, want, mail.Text)
	}
}

func TestMailsWithoutLinks(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*fake.World, *Handler){
		"off":             func(_ *fake.World, h *Handler) { h.Links = nil },
		"not written":     func(w *fake.World, _ *Handler) { w.Fail("store.PutLinks", fake.Down) },
		"no random bytes": func(_ *fake.World, h *Handler) { h.Links.Random = iotest.ErrReader(errors.New("none")) },
	} {
		w := violation()
		h := linking(w)
		edit(w, h)
		warned(t, h) // all the same
		if mail := w.Mail.Sent[0]; strings.Contains(mail.Text, "/a/") || strings.Contains(mail.HTML, "<a ") {
			t.Errorf("%s: the mail has links:\n%s", name, mail.Text)
		}
		if got := strings.Contains(w.Logged(), "mail goes without links"); got != (name != "off") {
			t.Errorf("%s: it is logged: %t", name, got)
		}
	}
}

// What only tells has nothing to act on.
func TestOtherNoticesHaveNoLinks(t *testing.T) {
	t.Parallel()
	w := violation()
	task := fake.Event[enforcement.Task](t, "notify/warn.json")
	task.Op, task.Notice = "tell", "stoodDown"
	if _, err := linking(w).Handle(t.Context(), fake.Start, task); err != nil {
		t.Fatal(err)
	}
	if len(w.Store.Links) != 0 {
		t.Errorf("there are %d links", len(w.Store.Links))
	}
	w = violation()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Standing = "Good" })
	task.Notice = "reminder"
	if _, err := linking(w).Handle(t.Context(), fake.Start, task); err != nil || len(w.Store.Links) != 0 {
		t.Errorf("of a machine in order: %v, %d links", err, len(w.Store.Links))
	}
}
