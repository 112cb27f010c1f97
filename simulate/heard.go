package simulate

import (
	"slices"

	"github.com/keyward/keyward/shared/record"
)

// cameBack is whether it is recorded of all who got a mail that it came back.
func cameBack(n record.Notice) bool {
	return !slices.ContainsFunc(n.To, func(to string) bool {
		return !slices.ContainsFunc(n.Outcomes, func(o record.Outcome) bool { return o.Address == to && o.Kind == record.Bounced })
	})
}

// unheard is whether all warnings of a violation had come back, as was recorded, before KMS was to be asked. What
// is not recorded yet, or never will be since the event was lost, is taken for heard, as the design says.
func (f *fleet) unheard(s *subject) bool {
	heard, warned := false, false
	for _, reference := range s.warnings {
		if r := f.recorded[reference]; !r.begun.Before(s.judgedGood) {
			warned = true
			heard = heard || r.back == 0 || r.back > s.ordered
		}
	}
	return warned && !heard
}
