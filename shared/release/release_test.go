package release

import "testing"

func TestCommit(t *testing.T) {
	if got, want := String(), Version+" (unknown)"; commit == "" && got != want {
		t.Errorf("String is %q, want %q when nobody says the commit", got, want)
	}
	commit = "fedcba987654"
	defer func() { commit = "" }()
	if got, want := String(), Version+" (fedcba987654)"; got != want {
		t.Errorf("String is %q, want %q", got, want)
	}
}
