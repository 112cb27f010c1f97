package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Bounds of what one page shows, since a machine may say much.
const (
	mostPages    = 4   // of the history that are read
	mostEvents   = 150 // lines of it
	mostFindings = 100
	mostNotices  = 20
	mostEvidence = 40 << 10 // bytes of JSON
)

type machineBody struct {
	ID       string
	View     record.MachineView
	M        record.Machine
	S        integrity.State
	Follows  string
	Due      time.Time
	Rules    []policy.Finding // of the newest judgement
	Unshown  int              // rules
	Notices  []mailLine
	Evidence string // JSON
	Days     int
	Story    story
	History  *trouble
	Requests part[[]record.Request]
	Hold     *record.Hold // on this machine alone
	Holdable []choice
}

// mailLine is a mail for one recipient.
type mailLine struct {
	Kind, To, Became string
	At               time.Time
}

// choice is one of a list in a form.
type choice struct{ Value, Label string }

// lengths are how long a hold lasts.
var lengths = []choice{{"1h", "1 hour"}, {"4h", "4 hours"}, {"24h", "a day"}, {"168h", "a week"}, {"", "until it is lifted"}}

func (c *Console) machine(w http.ResponseWriter, r *http.Request) {
	c.showMachine(w, r, r.PathValue("id"), nil)
}

// showMachine is one machine's page, with the order on it that was refused.
func (c *Console) showMachine(w http.ResponseWriter, r *http.Request, id string, failed *form) {
	l := c.fleet.look(r.Context())
	v := view{Template: "machine", Title: id, Tab: "machines", Lists: l, Failed: failed}
	b, t := c.readMachine(r.Context(), l, id, days(r))
	if t != nil && b.M.ID == "" {
		v.Template, v.Trouble = "trouble", t
	} else {
		v.Body = b
		if b.M.Name != "" {
			v.Title = cut(b.M.Name, 60) + ", " + id
		}
	}
	c.show(w, r, v)
}

// days is how much of the history is asked for.
func days(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("days")); err == nil && n >= 1 && n <= 400 {
		return n
	}
	return 7
}

func (c *Console) readMachine(ctx context.Context, l lists, id string, days int) (machineBody, *trouble) {
	b := machineBody{ID: id, Days: days, Holdable: lengths}
	var all sync.WaitGroup
	var err error
	var past record.History
	var more bool
	now := l.Now()
	all.Go(func() { b.View, err = c.API.Machine(ctx, id) })
	all.Go(func() {
		b.Requests = partOf("GET /v1/requests", func() ([]record.Request, error) { return c.API.Requests(ctx, id, "") })
	})
	all.Go(func() {
		var problem error
		past, more, problem = c.past(ctx, id, now.Add(-time.Duration(days)*24*time.Hour), now.Add(time.Minute))
		b.History = wrong(problem, "GET /v1/machines/{id}/history")
	})
	all.Wait()
	if err != nil {
		return b, wrong(err, "GET /v1/machines/{id}")
	}
	b.M, b.S = b.View.Machine, b.View.Machine.State
	b.Follows = follows(b.View)
	if b.S.Standing == integrity.Bad && b.S.Key != integrity.KeyRevoked {
		b.Due = b.S.DueAt
	}
	for _, h := range b.View.Holds {
		if h.Scope == record.Scope("machine:"+id) {
			b.Hold = &h
		}
	}
	b.Rules = b.M.Findings
	if e := b.View.Evidence; e != nil && len(e.Result.Findings) > 0 && e.Sent.Equal(b.S.LastEvidence) {
		b.Rules = slices.Clone(e.Result.Findings)
		slices.SortStableFunc(b.Rules, func(x, y policy.Finding) int { return compare(weight(x), weight(y)) })
	}
	if n := len(b.Rules); n > mostFindings {
		b.Rules, b.Unshown = b.Rules[:mostFindings], n-mostFindings
	}
	b.Notices = mailLines(b.View.Notices)
	b.Evidence = evidenceText(b.View.Evidence)
	b.Story = storyOf(past, now.Add(-time.Duration(days)*24*time.Hour), now, more)
	slices.Reverse(b.Requests.Value) // newest first
	return b, nil
}

// past is what is kept of a machine; more says that there is more than one page shows.
func (c *Console) past(ctx context.Context, id string, since, until time.Time) (all record.History, more bool, err error) {
	after := ""
	for range mostPages {
		h, err := c.API.History(ctx, id, since, until, after)
		if err != nil {
			return all, false, err
		}
		if after == "" {
			all.Ledger, all.Notices = h.Ledger, h.Notices
		}
		if all.Evidence = append(all.Evidence, h.Evidence...); h.Next == "" {
			return all, false, nil
		}
		after = h.Next
	}
	return all, true, nil
}

// weight puts what is wrong first.
func weight(f policy.Finding) int {
	switch {
	case f.Info:
		return 4
	case f.Verdict == policy.Fail && len(f.Waived) == 0:
		return 0
	case f.Verdict == policy.Fail:
		return 2
	case f.Verdict == policy.Unknown:
		return 1
	default:
		return 3
	}
}

func mailLines(all []record.Notice) []mailLine {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b record.Notice) int { return b.BegunAt.Compare(a.BegunAt) })
	var lines []mailLine
	for _, n := range all {
		for _, to := range n.To {
			l := mailLine{Kind: n.Kind, To: to, At: n.AcceptedAt, Became: "accepted by SES, nothing heard since"}
			if n.AcceptedAt.IsZero() {
				l.At, l.Became = n.BegunAt, "not accepted by SES"
			}
			var newest time.Time
			for _, o := range n.Outcomes {
				if o.Address == to && !o.At.Before(newest) {
					newest, l.Became = o.At, string(o.Kind)
					if o.Detail != "" && o.Kind != record.Delivered {
						l.Became += ": " + o.Detail
					}
				}
			}
			if lines = append(lines, l); len(lines) == mostNotices {
				return lines
			}
		}
	}
	return lines
}

func evidenceText(e *record.Evidence) string {
	if e == nil || e.Evidence == nil {
		return ""
	}
	text, err := json.MarshalIndent(e.Evidence, "", "  ")
	if err != nil {
		return "it cannot be shown: " + err.Error()
	}
	return cut(string(text), mostEvidence)
}

// follows is the line that people look for: when the key goes, or why it does not. The deadline itself stands beside it.
func follows(v record.MachineView) string {
	s := v.Machine.State
	switch o := v.Machine.Order; {
	case !s.CommandedAt.IsZero() && o != nil && s.Key == integrity.KeyRevoked:
		return "The key is revoked and comes back by a person alone: " + who(o.By) + " ordered it: " + o.Reason
	case !s.CommandedAt.IsZero() && o != nil:
		return "The key is being taken: " + who(o.By) + " ordered it: " + o.Reason
	case s.Key == integrity.KeyRevoked && len(v.Machine.NotEffective) > 0:
		return "The key is revoked, not effective: " + strings.Join(v.Machine.NotEffective, "; ")
	case s.Key == integrity.KeyRevoked:
		return "The key is revoked. It comes back once the machine complies."
	case s.Key == integrity.KeyRevoking:
		return "The key is being revoked: AWS KMS may have been asked, and was not read back yet."
	case s.Standing != integrity.Bad:
		return "Nothing follows."
	case s.HeldFor != "":
		return "It stands still, because " + held(s.HeldFor) + "."
	case s.DueAt.IsZero():
		return "The key is revoked once a warning was accepted and its grace is over."
	case len(v.Stops) > 0:
		return "As things are now it would not be revoked then, because " + v.Stops[0].Text + "."
	default:
		return "The machine is looked at again at the deadline, and its key is revoked if it still fails."
	}
}

// Revocable is the request by which a person can have the key taken: the newest one.
func (b machineBody) Revocable() *record.Request {
	if len(b.Requests.Value) == 0 {
		return nil
	}
	return &b.Requests.Value[0]
}

// Waivable are the findings that a waiver can be pinned to.
func (b machineBody) Waivable() []policy.Finding {
	return slices.DeleteFunc(slices.Clone(b.M.Findings), func(f policy.Finding) bool { return len(f.Values) == 0 })
}

// Revoked is whether there is a key to give back.
func (b machineBody) Revoked() bool { return b.S.Key == integrity.KeyRevoked }

// evidenceFile is the newest evidence whole.
func (c *Console) evidenceFile(w http.ResponseWriter, r *http.Request) {
	v, err := c.API.Machine(r.Context(), r.PathValue("id"))
	if err != nil || v.Evidence == nil {
		t := wrong(err, "GET /v1/machines/{id}")
		if t == nil {
			t = &trouble{Status: http.StatusNotFound, Title: "There is no evidence", Text: "No inspection of this machine was judged yet."}
		}
		c.show(w, r, view{Template: "trouble", Title: "Evidence", Tab: "machines", Trouble: t})
		return
	}
	download(w, "evidence.json", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v.Evidence) // who is gone does not read it
}

// download says that what follows is a file, never a page.
func download(w http.ResponseWriter, name, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// Choices are the lengths of history that can be asked for.
func (machineBody) Choices() []int { return []int{1, 7, 30, 90} }
