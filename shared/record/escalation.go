package record

import "time"

// Escalation is how far what nobody corrects was told upwards.
type Escalation struct {
	Violation time.Time `json:"violation"` // State.Since of the violation
	Steps     int       `json:"steps"`     // of the policy's notify.escalate that were told, the earliest first
}

// Climbed is how many steps were told of the violation that the machine is in.
func (m Machine) Climbed() int {
	if !m.Escalated.Violation.Equal(m.State.Since) {
		return 0
	}
	return m.Escalated.Steps
}
