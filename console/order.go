package console

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// ordering carries out what a form asks for and says what the API answered.
type ordering func(ctx context.Context, f url.Values) (said string, t *trouble)

// orderMachine is a form on a machine's page.
func (c *Console) orderMachine(w http.ResponseWriter, r *http.Request) {
	id, do := r.PathValue("id"), r.PathValue("do")
	orders := map[string]ordering{
		"check": c.checkMachine(id), "hold": c.hold(record.Scope("machine:" + id)), "lift": c.lift(record.Scope("machine:" + id)),
		"waive": c.waive(record.Scope("machine:" + id)), "restore": c.restore(id), "resume": c.resume(id), "revoke": c.revoke(id),
	}
	order, ok := orders[do]
	if !ok {
		c.nowhere(w, r)
		return
	}
	said, t := order(r.Context(), r.PostForm)
	if t != nil {
		c.showMachine(w, r, id, &form{do, r.PostForm, t})
		return
	}
	c.done(w, r, "/machines/"+url.PathEscape(id), said)
}

func (c *Console) checkMachine(id string) ordering {
	return func(ctx context.Context, _ url.Values) (string, *trouble) {
		at, err := c.API.Check(ctx, id)
		return "Keyward was asked at " + clock(at) + " to look at the machine. Its answer is judged when it comes.", wrong(err, "POST /v1/machines/{id}/check")
	}
}

// now is the stack's time, asked for: what is ordered until a time must not rest on an old answer.
func (c *Console) now(ctx context.Context) (time.Time, error) {
	s, err := c.API.Status(ctx)
	return s.Time, err
}

func (c *Console) hold(scope record.Scope) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		wish := record.HoldWish{Reason: strings.TrimSpace(f.Get("reason"))}
		if length := f.Get("for"); length != "" {
			d, err := time.ParseDuration(length)
			if err != nil || d <= 0 {
				return "", noted("for", "how long is "+strconv.Quote(length)+", expected a length of time such as 4h")
			}
			now, err := c.now(ctx)
			if err != nil {
				return "", wrong(err, "GET /v1/status")
			}
			wish.Expires = now.Add(d)
		}
		h, err := c.API.SetHold(ctx, cmp.Or(scope, record.Scope(f.Get("scope"))), wish)
		if err != nil {
			return "", wrong(err, "PUT /v1/holds/{scope}")
		}
		end := "until it is lifted"
		if !h.Expires.IsZero() {
			end = "until " + clock(h.Expires)
		}
		return fmt.Sprintf("%s is held %s, by %s. Nothing is revoked under it.", h.Scope, end, who(h.By)), nil
	}
}

func (c *Console) lift(scope record.Scope) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		of := cmp.Or(scope, record.Scope(f.Get("scope")))
		err := c.API.LiftHold(ctx, of, strings.TrimSpace(f.Get("reason")))
		return fmt.Sprintf("The hold on %s is lifted. A deadline that passed meanwhile is acted on after another look.", of), wrong(err, "DELETE /v1/holds/{scope}")
	}
}

// waive lets stand what machines fail by: with values, or for one machine without, what it fails by now.
func (c *Console) waive(scope record.Scope) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		days, err := strconv.Atoi(f.Get("days"))
		if err != nil || days < 1 || days > 365 {
			return "", noted("days", "days are "+strconv.Quote(f.Get("days"))+", expected 1 to 365")
		}
		now, err := c.now(ctx)
		if err != nil {
			return "", wrong(err, "GET /v1/status")
		}
		wish := record.WaiverWish{
			Scope: cmp.Or(scope, record.Scope(strings.TrimSpace(f.Get("scope")))), Policy: strings.TrimSpace(f.Get("policy")), Rule: strings.TrimSpace(f.Get("rule")),
			Values: listed(f.Get("values")), Reason: strings.TrimSpace(f.Get("reason")), Expires: now.Add(time.Duration(days) * 24 * time.Hour),
		}
		set, err := c.API.SetWaiver(ctx, wish)
		if err != nil {
			return "", wrong(err, "POST /v1/waivers")
		}
		said := fmt.Sprintf("Waiver %s lets %q stand until %s.", set.Waiver.ID, set.Waiver.Rule, clock(set.Waiver.Expires))
		if n := len(set.Machines); n == 1 {
			said += " One machine fails by it and is looked at now."
		} else if n > 1 {
			said += fmt.Sprintf(" %d machines fail by it and are looked at now.", n)
		} else {
			said += " No machine fails by it now."
		}
		if set.Note != "" {
			said += " Note: " + set.Note + "."
		}
		return said, nil
	}
}

// listed are the lines of a text that are not empty.
func listed(text string) []string {
	var all []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

func (c *Console) restore(id string) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		m, err := c.API.Restore(ctx, id, strings.TrimSpace(f.Get("reason")))
		if err != nil {
			return "", wrong(err, "POST /v1/machines/{id}/restore")
		}
		return "The API accepted that the key is given back: " + m.Execution + " does it. The key is " + key(m.State.Key) + " until AWS KMS was read back.", nil
	}
}

func (c *Console) resume(id string) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		m, err := c.API.Resume(ctx, id, strings.TrimSpace(f.Get("reason")))
		if err != nil {
			return "", wrong(err, "POST /v1/machines/{id}/resume")
		}
		return "The machine goes on. It is " + standing(m.State.Standing) + "; what is owed is started by the next sweep, within 5 minutes.", nil
	}
}

// revoke has a key taken. The machine's id has to be typed: nothing else here takes a key.
func (c *Console) revoke(id string) ordering {
	return func(ctx context.Context, f url.Values) (string, *trouble) {
		if strings.TrimSpace(f.Get("confirm")) != id {
			return "", noted("confirm", "the machine's id has to be typed to confirm: "+id)
		}
		req, err := c.API.Rule(ctx, id, f.Get("request"), "revoke", strings.TrimSpace(f.Get("reason")))
		if err != nil {
			return "", wrong(err, "POST /v1/requests/{machine}/{id}/revoke")
		}
		return "The order is recorded; key request " + req.ID + " is " + req.State + ": " + req.Reason + ". The key is revoked when this page says so.", nil
	}
}

// clock is a time in a sentence.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
