package handler

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// Links makes the links of mails that act. All fields are required.
type Links struct {
	Store interface {
		PutLinks(ctx context.Context, links []record.ActionLink) error
	}
	URL    string // what the routes of functions/act are below
	Random io.Reader
}

// does is what mails say that a link is for.
var does = map[actionlink.Action]string{
	actionlink.Check:     "Have the machine looked at now. If it complies, you are told; if not, nothing changes:",
	actionlink.Hold:      "Hold it for an hour: its key is not revoked until an hour after the deadline:",
	actionlink.OnIt:      "Say that you are on it: there is no daily reminder for a day, and the deadline stays:",
	actionlink.AskWaiver: "Ask for a waiver: those who look after the machine and the account are told, and the deadline stays:",
}

// links are those of one mail, written before it is sent. Mails that ask for something to be done have some. That they
// cannot be made keeps no mail from going out.
func (h *Handler) links(ctx context.Context, now time.Time, m record.Machine, n notice.Notice, r record.Notice) []notice.Link {
	if h.Links == nil || drill.Is(m.ID) || !slices.Contains([]notice.Kind{notice.Warning, notice.Reminder, notice.DueSoon}, n.Kind) {
		return nil
	}
	var all []record.ActionLink
	var shown []notice.Link
	for _, a := range actionlink.Offered(m) {
		l, token, err := actionlink.New(a, m, r.To, r.Reference, now, h.Links.Random)
		if err != nil {
			h.Log.ErrorContext(ctx, "mail goes without links", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
			return nil
		}
		all = append(all, l)
		shown = append(shown, notice.Link{Does: does[a], URL: strings.TrimSuffix(h.Links.URL, "/") + "/a/" + token})
	}
	if len(all) == 0 {
		return nil
	}
	if err := h.Links.Store.PutLinks(ctx, all); err != nil {
		h.Log.ErrorContext(ctx, "mail goes without links", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
		return nil
	}
	return shown
}
