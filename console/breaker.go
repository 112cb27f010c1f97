package console

import (
	"net/http"
	"strings"

	"github.com/keyward/keyward/shared/record"
)

// breaker is the limit on revocations, as the lists have it: the API reads all machines for it.
func (c *Console) breaker(w http.ResponseWriter, r *http.Request) { c.showBreaker(w, r, nil) }

func (c *Console) showBreaker(w http.ResponseWriter, r *http.Request, failed *form) {
	l := c.fleet.look(r.Context())
	v := view{Template: "breaker", Title: "Breaker", Tab: "breaker", Lists: l, Failed: failed}
	switch {
	case !l.Known:
		v.Trouble = l.Trouble
	case l.Breaker.Trouble != nil:
		v.Trouble = l.Breaker.Trouble
	default:
		b := l.Breaker.Value
		const most = 200
		b.Waiting = b.Waiting[:min(len(b.Waiting), most)]
		v.Body = b
	}
	c.show(w, r, v)
}

// resetBreaker gives room for revocations again.
func (c *Console) resetBreaker(w http.ResponseWriter, r *http.Request) {
	scope := record.Scope(r.PostForm.Get("scope"))
	e, err := c.API.ResetBreaker(r.Context(), scope, strings.TrimSpace(r.PostForm.Get("reason")))
	if t := wrong(err, "POST /v1/breaker/{scope}/reset"); t != nil {
		c.showBreaker(w, r, &form{"reset", r.PostForm, t})
		return
	}
	c.done(w, r, "/breaker", "Reset at "+clock(e.At)+": "+e.Text)
}
