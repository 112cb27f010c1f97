package console

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/keyward/keyward/shared/record"
)

type exceptionsBody struct {
	Holds    part[[]record.Hold]
	Waivers  part[record.WaiverList]
	Unshown  int // waivers
	All      bool
	Holdable []choice
}

// mostWaivers is how many waivers a page lists.
const mostWaivers = 200

// exceptions are what people decided to let stand: holds and waivers.
func (c *Console) exceptions(w http.ResponseWriter, r *http.Request) { c.showExceptions(w, r, nil) }

func (c *Console) showExceptions(w http.ResponseWriter, r *http.Request, failed *form) {
	b := exceptionsBody{Holdable: lengths, All: r.URL.Query().Get("all") != ""}
	var both sync.WaitGroup
	both.Go(func() {
		b.Holds = partOf("GET /v1/holds", func() ([]record.Hold, error) { return c.API.Holds(r.Context()) })
	})
	both.Go(func() {
		b.Waivers = partOf("GET /v1/waivers", func() (record.WaiverList, error) { return c.API.Waivers(r.Context(), "", b.All) })
	})
	both.Wait()
	if n := len(b.Waivers.Value.Waivers); n > mostWaivers {
		b.Waivers.Value.Waivers, b.Unshown = b.Waivers.Value.Waivers[:mostWaivers], n-mostWaivers
	}
	v := view{Template: "exceptions", Title: "Holds and waivers", Tab: "exceptions", Body: b, Failed: failed}
	if failed != nil && !b.has(failed) {
		v.Trouble = failed.Reason
	}
	c.show(w, r, v)
}

// has is whether the form that was refused is on the page: what it is about may be gone.
func (b exceptionsBody) has(f *form) bool {
	about := f.Typed.Get("about")
	return about == "" || slices.ContainsFunc(b.Holds.Value, func(h record.Hold) bool { return string(h.Scope) == about }) ||
		slices.ContainsFunc(b.Waivers.Value.Waivers, func(w record.Waiver) bool { return w.ID == about })
}

// orderException is a form of that page.
func (c *Console) orderException(w http.ResponseWriter, r *http.Request) {
	do := r.PathValue("do")
	orders := map[string]ordering{"hold": c.hold(""), "lift": c.lift(""), "waive": c.waive(""), "end": c.endWaiver}
	order, ok := orders[do]
	if !ok {
		c.nowhere(w, r)
		return
	}
	said, t := order(r.Context(), r.PostForm)
	if t != nil {
		if about := r.PostForm.Get("about"); about != "" {
			do += " " + about // of several forms the one that was sent
		}
		c.showExceptions(w, r, &form{do, r.PostForm, t})
		return
	}
	c.done(w, r, "/exceptions", said)
}

// Selected says which machines a waiver is for.
func (exceptionsBody) Selected(w record.Waiver) string {
	text := string(w.Scope)
	for _, k := range slices.Sorted(maps.Keys(w.Tags)) {
		text += " " + k + "=" + w.Tags[k]
	}
	return text
}

func (c *Console) endWaiver(ctx context.Context, f url.Values) (string, *trouble) {
	w, err := c.API.LiftWaiver(ctx, f.Get("about"), strings.TrimSpace(f.Get("reason")))
	return "Waiver " + w.ID + " is lifted. What it allowed counts from the next look on.", wrong(err, "DELETE /v1/waivers/{id}")
}
