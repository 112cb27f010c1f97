// Package release says which Keyward a program is.
package release

// Version is what this source becomes, by semantic versioning. Before 1.0.0 a minor version may break what was there.
const Version = "0.6.0"

// commit is set by the linker: the makefile's COMMIT.
var commit string

// Commit is the one that the program was built from, 12 hexadecimal digits, with "-dirty" behind them when files had
// been changed; "unknown" when nobody told the linker.
func Commit() string {
	if commit == "" {
		return "unknown"
	}
	return commit
}

// String is both, such as "0.6.0 (0123456789ab)".
func String() string { return Version + " (" + Commit() + ")" }
