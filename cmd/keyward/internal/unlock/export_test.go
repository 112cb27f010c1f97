package unlock

import "time"

// Hurry makes the pauses as short as the first one is here.
func (v *Volume) Hurry(first time.Duration) { v.share = first }

// Shown is a whole text with ? for what is not printable ASCII.
func Shown(text string) string { return shown(text, -1) }
