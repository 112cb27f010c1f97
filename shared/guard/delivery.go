package guard

import (
	"slices"
	"strings"
	"time"
)

// ReasonWarningBounced is a Hold because the warning reached nobody for whom it counts.
const ReasonWarningBounced Reason = "warning-bounced"

// Delivery is whom the warning of this violation reached. It is read with the machine's state, as one
// row. The zero value knows of no bounce: it is that of a warning which SES accepted and which nothing
// else was heard of.
type Delivery struct {
	Counts []string // for whom the deadline was promised
	Lost   []string // whom the warning did not reach, or who complained of it
}

// Missed is whether nobody for whom the warning counts is left.
func (d Delivery) Missed() bool {
	return len(d.Counts) > 0 && !slices.ContainsFunc(d.Counts, func(one string) bool {
		return !slices.ContainsFunc(d.Lost, func(lost string) bool { return strings.EqualFold(one, lost) })
	})
}

// delivered is the second half of condition 2.
func delivered(f Facts, _ time.Time) Reason {
	if f.Delivery.Missed() {
		return ReasonWarningBounced
	}
	return ""
}
