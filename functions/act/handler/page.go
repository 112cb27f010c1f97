package handler

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

//go:embed page.html
var markup string

var page = template.Must(template.New("page").Parse(markup))

const style = `:root{color-scheme:light dark}body{margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif}main{max-width:40rem;margin:0 auto}h1{font-size:1.4rem;line-height:1.3}dt{font-weight:600}dd{margin:0 0 8px;overflow-wrap:anywhere}p{overflow-wrap:anywhere}button{font:inherit;padding:10px 16px}`

// answer is a page. All but the title may be empty; without a token it has no button.
type answer struct {
	status int

	Title, Machine, Name, Policy, Due string
	Lines                             []string
	Token, Button                     string
}

// headers close the page: it loads nothing, is in no frame, in no index and in no cache, and its address, which is the
// secret, is told to no other page.
var headers = map[string]string{
	"content-type":              "text/html; charset=utf-8",
	"content-security-policy":   "default-src 'none'; style-src 'sha256-" + digest(style) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	"cache-control":             "no-store",
	"referrer-policy":           "no-referrer",
	"x-robots-tag":              "noindex, nofollow",
	"x-content-type-options":    "nosniff",
	"x-frame-options":           "DENY",
	"strict-transport-security": "max-age=31536000",
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (a answer) response() (response, error) {
	var b strings.Builder
	if err := page.Execute(&b, struct {
		answer
		Style template.CSS
	}{a, style}); err != nil {
		return response{}, fmt.Errorf("rendering the page of a link: %w", err)
	}
	return response{StatusCode: a.status, Headers: headers, Body: b.String()}, nil
}

// of is a page about a machine.
func of(m record.Machine, status int, title string, lines ...string) answer {
	a := answer{status: status, Title: title, Machine: m.ID, Name: m.Name, Policy: m.Policy, Lines: lines}
	if m.State.Standing == integrity.Bad && m.State.Key != integrity.KeyRevoked && !m.State.DueAt.IsZero() {
		a.Due = when(m.State.DueAt)
	}
	return a
}

func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }

// offer is what a link would do.
func offer(token string, l record.ActionLink, m record.Machine, now time.Time) answer {
	a := of(m, http.StatusOK, "")
	switch actionlink.Action(l.Action) {
	case actionlink.Check:
		a.Title, a.Button = "Look at this machine now?", "Look now"
		a.Lines = []string{"Keyward inspects the machine at once. If it complies, the revocation is called off and you are told; if not, nothing changes."}
	case actionlink.Hold:
		a.Title, a.Button = "Hold this machine for an hour?", "Hold for an hour"
		a.Lines = []string{
			"Its key is not revoked before " + when(actionlink.HeldUntil(m, now)) + ". Then Keyward looks at the machine again and goes on from what it finds.",
			"Links hold one violation " + strconv.Itoa(actionlink.MaxHolds) + " times at most.",
		}
	case actionlink.OnIt:
		a.Title, a.Button = "Say that you are on it?", "I am on it"
		a.Lines = []string{"It is written down, and there is no daily reminder for a day. The deadline stays, and the mail shortly before it comes all the same."}
	case actionlink.AskWaiver:
		a.Title, a.Button = "Ask for a waiver?", "Ask for a waiver"
		a.Lines = []string{"It is written down, and those who look after the machine and the account are told by mail that somebody asks. Nothing is waived by that, and the deadline stays."}
	}
	a.Token = token
	a.Lines = append(a.Lines, "It is recorded as done by the "+actionlink.By(l)+". That is a claim: whoever has the mail can use the link.")
	return a
}

// done is what a link did. m is the machine as it was before.
func done(l record.ActionLink, m record.Machine, now time.Time) answer {
	a := of(m, http.StatusOK, "")
	switch actionlink.Action(l.Action) {
	case actionlink.Check:
		a.Title, a.Lines = "Keyward looks now", []string{"If the machine complies, you are told by mail within minutes. If it does not, nothing changes."}
	case actionlink.Hold:
		a.Title, a.Lines = "It is held", []string{"Its key is not revoked before " + when(actionlink.HeldUntil(m, now)) + ". Who may lift holds may lift this one sooner."}
	case actionlink.OnIt:
		a.Title, a.Lines = "It is written down", []string{"There is no daily reminder for a day. The deadline stays."}
	case actionlink.AskWaiver:
		a.Title, a.Lines = "It is written down", []string{"Those who look after the machine and the account are told by mail within minutes. Nothing is waived, and the deadline stays."}
	}
	return a
}

// refusals are what is said of a link that does nothing.
var refusals = map[actionlink.Refusal]struct {
	status      int
	title, line string
}{
	actionlink.Used:    {http.StatusGone, "This link was used", "A link works once. Nothing was done this time."},
	actionlink.Expired: {http.StatusGone, "This link has ended", "A link works for a week. Nothing was done."},
	actionlink.Other:   {http.StatusNotFound, unknownLink, "Nothing was done."},
	actionlink.Over:    {http.StatusGone, "This is over", "What the mail was about is over: the machine complies, or it is about something newer. Nothing was done."},
	actionlink.Revoked: {http.StatusConflict, "The key is revoked", "There is nothing left to hold. Nothing was done."},
	actionlink.Enough:  {http.StatusConflict, "It was held often enough", "Links held this as often as they may. A person with access to Keyward can hold it longer. Nothing was done."},
}

func refused(why actionlink.Refusal, m record.Machine) *answer {
	r := refusals[why]
	a := of(m, r.status, r.title, r.line)
	if why == actionlink.Other {
		a = answer{status: r.status, Title: r.title, Lines: a.Lines}
	}
	return &a
}

func heldAlready(m record.Machine) *answer {
	a := of(m, http.StatusConflict, "It is held already", "Nothing is revoked until that hold ends or is lifted. Nothing was done.")
	return &a
}
