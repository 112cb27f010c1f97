// Package delivery is what becomes of mails: it reads the events of the mail service, knows whom a warning
// counts for, and notes whom it did not reach. It decides nothing about a machine: shared/guard weighs
// what it notes, shared/integrity moves. It asks no clock and calls nobody; notify and delivery call it.
package delivery

import (
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/record"
)

// Addressees are who may be warned, in the order in which they count: the machine's owner, the policy's
// addresses, the account's contact.
type Addressees struct {
	Owner   string // "" when there is none
	Policy  []string
	Account string
}

// Count is for whom the next warning counts: the first of owner, policy and account that has an address
// which is not lost. None means that nobody is left.
func (a Addressees) Count(lost []string) []string {
	for _, tier := range [][]string{{a.Owner}, a.Policy, {a.Account}} {
		if left := without(tier, lost); len(left) > 0 {
			return left
		}
	}
	return nil
}

// To is who gets a mail: owner and policy but for those that are lost; when that is nobody, the account's
// contact.
func (a Addressees) To(lost []string) []string {
	to := without(append([]string{a.Owner}, a.Policy...), lost)
	if len(to) == 0 {
		to = []string{a.Account}
	}
	return to
}

// Next is who gets a mail again that did not reach these, besides those that are lost: owner and policy but
// for all of them, then the account's contact. None means that nobody is left.
func (a Addressees) Next(lost, missed []string) []string {
	return without(a.To(append(slices.Clone(lost), missed...)), missed)
}

// without are the addresses that are there and not lost, each once.
func without(addresses, lost []string) []string {
	var left []string
	for _, address := range addresses {
		if address != "" && !has(lost, address) && !has(left, address) {
			left = append(left, address)
		}
	}
	return left
}

func has(list []string, address string) bool {
	return slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(one, address) })
}

// Of is what is known of the warning of the violation that the machine is in; it is empty when that is
// another violation than the one that was noted.
func Of(m record.Machine) record.Warning {
	if m.Warning == nil || !m.Warning.Violation.Equal(m.State.Since) {
		return record.Warning{Violation: m.State.Since}
	}
	w := *m.Warning
	w.Counts, w.Lost = slices.Clone(w.Counts), slices.Clone(w.Lost)
	return w
}

// Lose adds addresses that a warning did not reach.
func Lose(w record.Warning, addresses []string) record.Warning {
	w.Lost = slices.Clone(w.Lost)
	for _, address := range addresses {
		if !has(w.Lost, address) {
			w.Lost = append(w.Lost, address)
		}
	}
	return w
}

// lost are the kinds of outcome that mean that a mail did not reach its recipient. A complaint counts
// as one: who calls warnings spam does not read the next.
var lost = map[record.OutcomeKind]bool{record.Bounced: true, record.Complained: true, record.Rejected: true}

// Reached is whether a notice may have reached one of its recipients: of one at least it is not known that it
// did not.
func Reached(n record.Notice) bool {
	return slices.ContainsFunc(n.To, func(to string) bool {
		return !slices.ContainsFunc(n.Outcomes, func(o record.Outcome) bool { return o.Address == to && lost[o.Kind] })
	})
}

// Note adds to a notice what became of it, for recipients that it has, and says what is new in it and which
// addresses are lost by that. Of each kind and recipient the newest is kept, so that an event that comes
// twice changes nothing.
func Note(n record.Notice, outcomes []record.Outcome) (noted record.Notice, fresh []record.Outcome, gone []string) {
	n.Outcomes = slices.Clone(n.Outcomes)
	for _, o := range outcomes {
		i := slices.IndexFunc(n.To, func(to string) bool { return strings.EqualFold(to, o.Address) })
		if i < 0 {
			continue
		}
		o.Address = n.To[i]
		at := slices.IndexFunc(n.Outcomes, func(known record.Outcome) bool { return known.Address == o.Address && known.Kind == o.Kind })
		switch {
		case at < 0:
			n.Outcomes = append(n.Outcomes, o)
		case o.At.After(n.Outcomes[at].At):
			n.Outcomes[at] = o
		default:
			continue
		}
		fresh = append(fresh, o)
		if lost[o.Kind] {
			gone = append(gone, o.Address)
		}
	}
	return n, fresh, gone
}
