package event

import "github.com/keyward/keyward/shared/plain"

// How many bytes of a text an event has. Findings quote machines, which may be hostile.
const (
	maxText  = 2000
	maxValue = 300
)

// Line is one harmless line of a text as events have it: of at most most bytes, and with dots where it is cut.
func Line(s string, most int) string { return plain.Cut(s, most, "...") }
