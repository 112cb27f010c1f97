package cases

import (
	"context"
	"testing"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func notifiers(t *testing.T, ctx context.Context, s Table) {
	_, err := s.Notifier(ctx, "ops")
	kind(t, "a notifier that is not there", err, fault.NotFound)
	n := record.Notifier{Name: "ops", To: []string{"ops@example.com"}, PutAt: noon, PutBy: "alice"}
	first, err := s.PutNotifier(ctx, n)
	n.Version = 1
	equal(t, "the first version", first, err, n)
	_, err = s.PutNotifier(ctx, record.Notifier{Name: "ops"})
	kind(t, "as if there were none", err, fault.Conflict)
	n.Subject = "[OPS]"
	second, err := s.PutNotifier(ctx, n)
	done(t, "the second version", err)
	read, err := s.Notifier(ctx, "ops")
	equal(t, "what is there", read, err, second)
	other, err := s.PutNotifier(ctx, record.Notifier{Name: "chat"})
	done(t, "another", err)
	all, err := s.Notifiers(ctx)
	equal(t, "all by name", all, err, []record.Notifier{other, second})
	kind(t, "deleting an old version", s.DeleteNotifier(ctx, first), fault.Conflict)
	done(t, "deleting", s.DeleteNotifier(ctx, second))
	kind(t, "deleting again", s.DeleteNotifier(ctx, second), fault.Conflict)
	all, err = s.Notifiers(ctx)
	equal(t, "what is left", all, err, []record.Notifier{other})
}
