package handler

import (
	"context"
	"strings"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/trust"
)

type roles interface {
	Trust(ctx context.Context, role string) (string, error)
	ProfileRole(ctx context.Context, profile string) (string, error)
}

type nodes interface {
	NodeRole(ctx context.Context, node string) (string, error)
}

// doubt is why the caller, who has the machine's session, may be somebody else all the same; "" when nobody but AWS can
// have made that session for that machine. It is asked before each release and kept nowhere: whoever may change a
// trust policy can let himself choose a session's name a second later. profile is the instance's in EC2.
func (h *Handler) doubt(ctx context.Context, m record.Machine, profile string) (string, error) {
	role, service := roleOf(m.SessionARN), trust.EC2
	own, err := "", error(nil)
	switch {
	case strings.HasPrefix(m.ID, "mi-"):
		service = trust.SSM
		own, err = h.Nodes.NodeRole(ctx, m.ID)
	case profile != "":
		own, err = h.Roles.ProfileRole(ctx, profile)
	}
	switch {
	case fault.Is(err, fault.NotFound), err == nil && own == "":
		return "AWS shows no role of the machine", nil
	case err != nil:
		return "", unanswered(err)
	case own != role:
		return "AWS shows another role of the machine than that of its session", nil
	}
	document, err := h.Roles.Trust(ctx, role)
	switch {
	case fault.Is(err, fault.NotFound):
		return "the role of its session does not exist any more", nil
	case err != nil:
		return "", unanswered(err)
	}
	return trust.Others(document, service), nil
}

// unanswered is an error of AWS about who a machine is. That Keyward itself may not ask says nothing of the machine,
// which is to hear of trouble here, and not that it is refused.
func unanswered(err error) error {
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.Invalid) {
		return fault.Wrap(fault.Internal, err, "asking who a machine is")
	}
	return err
}

// roleOf is the name of the role in arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
func roleOf(session string) string {
	_, rest, _ := strings.Cut(session, ":assumed-role/")
	role, _, _ := strings.Cut(rest, "/")
	return role
}
