package handler

import (
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
)

// told adds to a change the execution that mails it, unless the last mail of its kind is too young. The sweep starts it:
// what machines call may start none. An empty kind tells nothing.
func (h *Handler) told(c store.Change, kind notice.Kind, in enforcement.Input) (store.Change, error) {
	if kind == "" {
		return c, nil
	}
	m, told := keyrequest.Tell(c.Machine, string(kind), c.At)
	if !told {
		return c, nil
	}
	start, err := tell.Machine(tell.Place{Account: h.Account, Region: h.Region}, m, kind, in, c.At)
	c.Machine, c.Start = m, append(c.Start, start)
	return c, err
}

// approval is the notice of an approval that no person made: one that nobody objected to, or one that the policy wants told.
func approval(d keyrequest.Decision, p *policy.Policy) notice.Kind {
	switch {
	case d.Reason == keyrequest.ReasonNobody:
		return notice.RequestUnopposed
	case d.Reason != keyrequest.ReasonApproved && p.Notify.Approvals:
		return notice.RequestApproved
	default:
		return "" // of a person's it was told when he made it
	}
}
