package report

import (
	"time"

	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

const requestsAbout = "From the key requests as they are kept. A request is of one boot of a machine, and may be asked and decided more than once."

// moves are the transitions to a state within the period, with their requests.
func (b builder) moves(to keyrequest.State, do func(r record.Request, m record.Move)) {
	for _, r := range b.data.Requests {
		for _, m := range r.Moves {
			if m.To == string(to) && b.period.has(m.At) {
				do(r, m)
			}
		}
	}
}

func (b builder) decided(to keyrequest.State, title, word string) Section {
	t := Table{
		Name: title, Columns: []string{word, "machine", "name", "by", "reason", "policy", "policy version", "asked", "request"},
		Empty: "None in this period.",
	}
	var byPerson, byRule []time.Time
	machines := map[string]bool{}
	b.moves(to, func(r record.Request, m record.Move) {
		if person(m.By) {
			byPerson = append(byPerson, m.At)
		} else {
			byRule = append(byRule, m.At)
		}
		machines[r.Machine] = true
		t.Rows = append(t.Rows, row(At(m.At), b.machine(r.Machine), m.By, m.Why, r.Policy, Count(r.Version), At(asked(r, m.At)), r.ID))
	})
	sorted(t.Rows, 0)
	buckets := b.period.buckets()
	s := Section{Title: title, About: requestsAbout, Tables: []Table{t}, Figures: []Figure{
		{word, Count(len(t.Rows))}, {"by people", Count(len(byPerson))}, {"by policies", Count(len(byRule))}, {"machines", Count(len(machines))},
	}}
	if len(t.Rows) > 0 {
		s.Charts = []Chart{{Title: title, Unit: "decisions", Labels: names(buckets), Series: []Series{
			{"by policies", TonePlain, counted(buckets, byRule)}, {"by people", ToneOther, counted(buckets, byPerson)},
		}}}
	}
	return s
}

func (b builder) keysApproved() Section {
	s := b.decided(keyrequest.Approved, "Keys approved", "approved")
	s.Notes = []string{"Approved is not given: a machine gets its key when it asks again. Key requests say which were delivered."}
	return s
}

func (b builder) keysDenied() Section { return b.decided(keyrequest.Denied, "Keys denied", "denied") }

// asked is when the wait began that ended at a moment.
func asked(r record.Request, end time.Time) time.Time {
	at := r.AskedAt
	for _, m := range r.Moves {
		if m.To == string(keyrequest.Pending) && !m.At.After(end) && m.At.After(at) {
			at = m.At
		}
	}
	return at
}

func (b builder) keyRequests() Section {
	t := Table{
		Name: "Key requests", Columns: []string{"asked", "machine", "name", "state now", "because", "policy", "policy version", "decided", "delivered", "request"},
		Empty: "No machine asked for its key in this period.",
	}
	states := map[string]int{}
	outcomes := map[keyrequest.State][]time.Time{}
	for _, r := range b.data.Requests {
		if !b.period.has(r.AskedAt) {
			continue
		}
		var delivered time.Time
		for _, m := range r.Moves {
			if m.To == string(keyrequest.Delivered) {
				delivered = m.At
			}
		}
		states[r.State]++
		outcomes[outcome(r)] = append(outcomes[outcome(r)], r.AskedAt)
		t.Rows = append(t.Rows, row(At(r.AskedAt), b.machine(r.Machine), r.State, r.Reason, r.Policy, Count(r.Version), At(r.DecidedAt), At(delivered), r.ID))
	}
	sorted(t.Rows, 0)
	s := Section{Title: "Key requests", About: requestsAbout + " States are those at the time of the report.", Tables: []Table{t}, Figures: []Figure{{"asked", Count(len(t.Rows))}}}
	for _, state := range keyrequest.States() {
		if n := states[string(state)]; n > 0 {
			s.Figures = append(s.Figures, Figure{string(state), Count(n)})
		}
	}
	if len(t.Rows) > 0 {
		buckets := b.period.buckets()
		s.Charts = []Chart{{Title: "Key requests by what became of them", Unit: "requests", Labels: names(buckets), Series: []Series{
			{"approved", ToneGood, counted(buckets, outcomes[keyrequest.Approved])},
			{"denied", ToneBad, counted(buckets, outcomes[keyrequest.Denied])},
			{"neither", ToneUnknown, counted(buckets, outcomes[""])},
		}}}
	}
	return s
}

// outcome is whether a request was approved or denied last; "" is neither.
func outcome(r record.Request) keyrequest.State {
	var last keyrequest.State
	for _, m := range r.Moves {
		switch s := keyrequest.State(m.To); s {
		case keyrequest.Approved, keyrequest.Denied:
			last = s
		case keyrequest.Pending, keyrequest.Failure:
			last = ""
		}
	}
	return last
}

func (b builder) timeToApproval() Section {
	t := Table{
		Name: "Time between request and approval", Columns: []string{"asked", "approved", "took", "machine", "name", "by", "request"},
		Empty: "No key request was approved in this period.",
	}
	var people, all []time.Duration
	b.moves(keyrequest.Approved, func(r record.Request, m record.Move) {
		from := asked(r, m.At)
		took := max(m.At.Sub(from), 0)
		if all = append(all, took); person(m.By) {
			people = append(people, took)
		}
		t.Rows = append(t.Rows, row(At(from), At(m.At), Took(took), b.machine(r.Machine), m.By, r.ID))
	})
	sorted(t.Rows, 1)
	s := Section{
		Title: "Time between request and approval", Tables: []Table{t}, Figures: append([]Figure{{"approvals", Count(len(all))}}, spread(all)...),
		About: "From when a machine asked, or asked again after an answer that was no key, until it was approved.",
	}
	for _, f := range spread(people) {
		s.Figures = append(s.Figures, Figure{"by people: " + f.Name, f.Value})
	}
	if len(all) > 0 {
		labels, values := histogram(all)
		s.Charts = []Chart{{Title: "How long approvals took", Unit: "approvals", Labels: labels, Series: []Series{{"approvals", TonePlain, values}}}}
	}
	return s
}

func (b builder) keyRequestAudit() Section {
	t := Table{Name: "Key request audit", Columns: []string{"at", "machine", "name", "to", "by", "why", "request"}, Empty: "Nothing happened to a key request in this period."}
	for _, r := range b.data.Requests {
		if b.period.has(r.AskedAt) {
			t.Rows = append(t.Rows, row(At(r.AskedAt), b.machine(r.Machine), "asked", r.Machine, "", r.ID))
		}
		for _, m := range r.Moves {
			if b.period.has(m.At) {
				t.Rows = append(t.Rows, row(At(m.At), b.machine(r.Machine), m.To, m.By, m.Why, r.ID))
			}
		}
	}
	sorted(t.Rows, 0)
	return Section{
		Title: "Key request audit", Tables: []Table{t}, Figures: []Figure{{"steps", Count(len(t.Rows))}},
		About: "Every step of every key request. What became of a key after it was given is shown as the last steps of the machine's last request; the machine's ledger has all of it.",
	}
}
