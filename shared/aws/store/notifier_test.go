package store_test

import (
	"testing"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestNotifiers(t *testing.T) {
	t.Parallel()
	p := begin(t)
	_, err := p.Notifier(t.Context(), "ops")
	awstest.Wrapped(t, err, fault.NotFound, "reading notifier ops: there is none")
	same(t, "Notifiers before the first", []record.Notifier(nil))(p.Notifiers(t.Context()))

	n := record.Notifier{
		Name: "ops", Events: []string{"warning"}, To: []string{"ops@example.com"}, Webhook: &record.Webhook{URL: "https://hooks.example.com/a", Secret: "kept"},
		Texts: map[string]string{"warning": "Hello"}, Digest: &record.Digest{After: 2}, Quiet: &record.Quiet{From: "22:00", To: "06:00"}, PutAt: noon, PutBy: "somebody",
	}
	first := n
	first.Version = 1
	same(t, "PutNotifier", first)(p.PutNotifier(t.Context(), n))
	_, err = p.PutNotifier(t.Context(), n)
	awstest.Wrapped(t, err, fault.Conflict, "putting notifier ops: it was changed by somebody else")
	second := first
	second.Version, second.To = 2, []string{"lead@example.com"}
	changed := first
	changed.To = second.To
	same(t, "PutNotifier again", second)(p.PutNotifier(t.Context(), changed))
	other, err := p.PutNotifier(t.Context(), record.Notifier{Name: "chat", To: []string{"chat@example.com"}})
	must(t, err)
	same(t, "Notifier", second)(p.Notifier(t.Context(), "ops"))
	same(t, "Notifiers, by name", []record.Notifier{other, second})(p.Notifiers(t.Context()))

	awstest.Wrapped(t, p.DeleteNotifier(t.Context(), first), fault.Conflict, "deleting notifier ops: it was changed by somebody else")
	must(t, p.DeleteNotifier(t.Context(), second))
	awstest.Wrapped(t, p.DeleteNotifier(t.Context(), second), fault.Conflict, "deleting notifier ops: it was changed by somebody else")
	same(t, "Notifiers after one was deleted", []record.Notifier{other})(p.Notifiers(t.Context()))
	same(t, "PutNotifier of one that is gone", first)(p.PutNotifier(t.Context(), n))
}
