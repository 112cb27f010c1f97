// Package handler answers CloudFormation for the custom resource Removal. It is what the program removal serves, apart
// from its wiring, so that tests run the same code. Creating and updating the resource always succeeds; deleting it is
// refused while something is pending (shared/removal), and while that cannot be found out. There is always an answer:
// CloudFormation waits for one.
package handler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/removal"
)

type records interface {
	Machines(ctx context.Context) ([]record.Machine, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	Outbox(ctx context.Context) ([]record.Start, error)
}

type replier interface {
	Reply(ctx context.Context, url string, r removal.Response) error
}

// Handler answers. Reply and Log are required, and Store unless it is Broken.
type Handler struct {
	Store  records
	Reply  replier
	Broken error // why this function cannot read the store at all
	Log    *slog.Logger
}

// reserve is what is left of the function's time for the answer.
const reserve = 20 * time.Second

// Handle answers one request. Its error is that the answer did not arrive: Lambda has it tried again.
func (h *Handler) Handle(ctx context.Context, _ time.Time, r removal.Request) (removal.Response, error) {
	reason := ""
	if r.RequestType == removal.Delete {
		reason = h.refusal(ctx)
	} else if r.RequestType != removal.Create && r.RequestType != removal.Update {
		reason = fmt.Sprintf("the request type is %q, expected Create, Update or Delete", r.RequestType)
	}
	answer := removal.Answer(r, reason)
	h.Log.InfoContext(ctx, "removal answered", boot.KeyKind, r.RequestType, boot.KeyReason, answer.Reason)
	return answer, h.Reply.Reply(ctx, r.ResponseURL, answer)
}

// refusal is why the stack stays, "" when it may go.
func (h *Handler) refusal(ctx context.Context) string {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	pending, err := h.pending(ctx)
	if err != nil {
		h.Log.ErrorContext(ctx, "what is pending cannot be read", boot.KeyError, err.Error())
		return "Keyward is not removed: whether enforcements are pending could not be read: " + fault.Safe(err) +
			". Delete the stack again. To delete it all the same: aws cloudformation delete-stack with --retain-resources Removal."
	}
	return removal.Text(pending)
}

func (h *Handler) pending(ctx context.Context) ([]removal.Pending, error) {
	if h.Broken != nil {
		return nil, fault.Wrap(fault.Internal, h.Broken, "the function is not set up")
	}
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := h.Store.Policies(ctx)
	if err != nil {
		return nil, err
	}
	outbox, err := h.Store.Outbox(ctx)
	if err != nil {
		return nil, err
	}
	policies := map[string]*policy.Policy{policy.DefaultName: policy.Default()}
	for _, p := range stored {
		if compiled, err := p.Compile(); err == nil { // else its machines are told apart by shared/removal
			policies[p.Name] = compiled
		}
	}
	return removal.Of(machines, policies, outbox), nil
}
