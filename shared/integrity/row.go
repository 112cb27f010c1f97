package integrity

import (
	"strings"
	"time"
)

// The letters of State.Row.
const (
	failed = "F"
	passed = "P"
)

// count adds one inspection to the row, of which the newest are kept, and says whether it counts. Of two
// that say the same within ConfirmApart only the first does: one short disturbance is one failure, and
// asking often makes nothing better or worse.
func (m *move) count(letter string, most int) bool {
	row := m.Row
	if row == "" {
		row = strings.Repeat(failed, m.Failures) // written before there was a row
	}
	if strings.HasSuffix(row, letter) && m.in.Sent.Sub(m.CountedAt) < ConfirmApart {
		return false
	}
	row += letter
	m.Row = row[max(0, len(row)-max(most, 1)):]
	m.Failures, m.CountedAt = strings.Count(m.Row, failed), m.in.Sent
	return true
}

// passGood lets a pass of a machine that is not Bad end a row of failures, or, where the policy counts
// failures among more inspections than it asks for, take a place in it.
func (m *move) passGood() {
	if m.Failures > 0 && m.terms.ConfirmOf > m.terms.Confirm {
		m.count(passed, m.terms.ConfirmOf)
		if m.Failures > 0 {
			return
		}
	}
	m.noRow()
}

// passedEnough is whether a machine whose key is revoked passed as often in a row as the policy asks for;
// while it did not, another look is asked for.
func (m *move) passedEnough() bool {
	if m.terms.RestoreAfter <= 1 {
		return true
	}
	m.count(passed, m.terms.RestoreAfter)
	if strings.Count(m.Row, passed) >= m.terms.RestoreAfter {
		return true
	}
	m.LookAt = m.CountedAt.Add(ConfirmApart)
	return false
}

func (s *State) noRow() { s.Failures, s.Row, s.CountedAt = 0, "", time.Time{} }
