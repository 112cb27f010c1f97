package report

import (
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// stretch is a time in which a machine's standing was the same.
type stretch struct {
	from, to time.Time // to is not in it; zero: it goes on
	standing integrity.Standing
	why      string // of the entry that began it
}

// enrolled is when a machine was first enrolled, as far as its ledger and its record say.
func (b builder) enrolled(m record.Machine) time.Time {
	at := m.EnrolledAt
	for _, e := range b.ledger[m.ID] {
		if e.Kind == record.EntryEnrolled && e.At.Before(at) {
			return e.At
		}
	}
	return at
}

// stretches are a machine's standings from its enrolment until it was gone or until the end of the period. An entry
// that says no standing leaves it as it was, since most were written beside the machine; those from before entries said
// how the machine is leave it not known.
func (b builder) stretches(m record.Machine) []stretch {
	all := []stretch{{from: b.enrolled(m)}}
	for _, e := range b.ledger[m.ID] {
		last := &all[len(all)-1]
		if e.Policy == "" || e.At.Before(last.from) {
			continue
		}
		if e.Standing == last.standing {
			continue
		}
		last.to = e.At
		why := ""
		if e.Kind == record.EntryVerdict {
			why = e.Text
		}
		all = append(all, stretch{from: e.At, standing: e.Standing, why: why})
	}
	last := &all[len(all)-1]
	if gone := m.State.GoneAt; !gone.IsZero() && gone.After(last.from) {
		last.to = gone
	}
	return all
}

// standingAt is a machine's standing just before a moment; there is none before it was enrolled and after it was gone.
func standingAt(all []stretch, t time.Time) (integrity.Standing, bool) {
	for _, s := range all {
		if s.from.Before(t) && (s.to.IsZero() || !s.to.Before(t)) {
			return s.standing, true
		}
	}
	return integrity.Unknown, false
}

// atEnd is a machine's standing at the end of the period, in a word.
func (b builder) atEnd(m record.Machine) string {
	if b.data.NoLedger[m.ID] {
		return "not read"
	}
	if word, ok := standingAt(b.stretches(m), b.period.To); ok {
		return standing(word)
	}
	return "gone"
}

func standing(s integrity.Standing) string {
	if s == integrity.Unknown {
		return "Unknown"
	}
	return string(s)
}

func (b builder) compliance() Section {
	s := Section{
		Title: "Compliance over time", About: "The standing of each enrolled machine, from the ledger: Good, Bad, or Unknown when nothing is known of it yet or any more.",
		Notes: []string{"Before a machine was enrolled, and after it was gone, it is not counted."},
	}
	buckets := b.period.buckets()
	values := map[integrity.Standing][]float64{}
	for _, word := range []integrity.Standing{integrity.Good, integrity.Bad, integrity.Unknown} {
		values[word] = make([]float64, len(buckets))
	}
	shares := map[integrity.Standing]time.Duration{}
	machines := Table{Name: "By machine", Columns: []string{"machine", "name", "policy", "Good", "Bad", "Unknown", "share Good", "at the end"}, Empty: "No machine was enrolled."}
	for _, m := range b.told {
		all := b.stretches(m)
		own := map[integrity.Standing]time.Duration{}
		for _, x := range all {
			to := x.to
			if to.IsZero() {
				to = b.period.To
			}
			own[x.standing] += b.period.clip(x.from, to)
		}
		whole := own[integrity.Good] + own[integrity.Bad] + own[integrity.Unknown]
		if whole == 0 {
			continue
		}
		for word, d := range own {
			shares[word] += d
		}
		machines.Rows = append(machines.Rows, row(b.machine(m.ID), m.Policy, Took(own[integrity.Good]), Took(own[integrity.Bad]), Took(own[integrity.Unknown]),
			Share(float64(own[integrity.Good]), float64(whole)), b.atEnd(m)))
		for i, k := range buckets {
			if word, ok := standingAt(all, k.to); ok {
				values[word][i]++
			}
		}
	}
	over := Table{Name: "At the end of each part of the period", Columns: []string{"at", "machines", "Good", "Bad", "Unknown", "share Good"}}
	for i, k := range buckets {
		good, bad, unknown := values[integrity.Good][i], values[integrity.Bad][i], values[integrity.Unknown][i]
		over.Rows = append(over.Rows, row(At(k.to), Count(int(good+bad+unknown)), Count(int(good)), Count(int(bad)), Count(int(unknown)), Share(good, good+bad+unknown)))
	}
	whole := float64(shares[integrity.Good] + shares[integrity.Bad] + shares[integrity.Unknown])
	s.Figures = []Figure{{"machines", Count(len(machines.Rows))}}
	for _, word := range []integrity.Standing{integrity.Good, integrity.Bad, integrity.Unknown} {
		s.Figures = append(s.Figures, Figure{standing(word) + ", of all machines' time", Share(float64(shares[word]), whole)})
	}
	s.Charts = []Chart{{Title: "Machines by standing at the end of each part of the period", Unit: "machines", Labels: names(buckets), Series: []Series{
		{"Good", ToneGood, values[integrity.Good]}, {"Unknown", ToneUnknown, values[integrity.Unknown]}, {"Bad", ToneBad, values[integrity.Bad]},
	}}}
	s.Tables = []Table{over, machines}
	return s
}

func (b builder) timeToCorrect() Section {
	t := Table{
		Name: "Violations", Columns: []string{"Bad since", "corrected", "took", "machine", "name", "policy", "key revoked", "why"},
		Empty: "No machine was Bad in this period.",
	}
	var took []time.Duration
	open, without := 0, 0
	for _, m := range b.told {
		for _, x := range b.stretches(m) {
			if x.standing != integrity.Bad || !x.from.Before(b.period.To) || !x.to.IsZero() && x.to.Before(b.period.From) {
				continue
			}
			revoked := b.revokedWithin(m.ID, x)
			gone := !x.to.IsZero() && x.to.Equal(m.State.GoneAt)
			ended := !x.to.IsZero() && x.to.Before(b.period.To) && !gone
			until := x.to
			if !ended {
				open++
				until = b.period.To
				if gone && x.to.Before(until) {
					until = x.to
				}
			} else if took = append(took, x.to.Sub(x.from)); revoked.IsZero() {
				without++
			}
			corrected := Cell{}
			switch {
			case ended:
				corrected = At(x.to)
			case gone && x.to.Before(b.period.To):
				corrected = Text("no: the machine is gone")
			default:
				corrected = Text("not by the end")
			}
			t.Rows = append(t.Rows, row(At(x.from), corrected, Took(until.Sub(x.from)), b.machine(m.ID), m.Policy, At(revoked), x.why))
		}
	}
	sorted(t.Rows, 0)
	s := Section{
		Title: "Time to correct", Tables: []Table{t}, About: "From when a machine became Bad until it was not any more, from the ledger. One that was not corrected is shown with its age at the end.",
		Figures: append([]Figure{{"violations", Count(len(t.Rows))}, {"corrected", Count(len(took))}, {"corrected before the key was revoked", Count(without)}, {"not corrected by the end", Count(open)}}, spread(took)...),
	}
	if len(took) > 0 {
		labels, values := histogram(took)
		s.Charts = []Chart{{Title: "How long corrections took", Unit: "violations", Labels: labels, Series: []Series{{"corrected", TonePlain, values}}}}
	}
	return s
}

// revokedWithin is when a machine's key was revoked in a stretch of time within the period's reach; zero: it was not.
func (b builder) revokedWithin(id string, x stretch) time.Time {
	for _, e := range b.ledger[id] {
		if e.Kind == record.EntryConfirmed && !e.At.Before(x.from) && (x.to.IsZero() || e.At.Before(x.to)) && e.At.Before(b.period.To) {
			return e.At
		}
	}
	return time.Time{}
}
