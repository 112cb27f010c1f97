package inspection_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/inspection"
)

func TestNonce(t *testing.T) {
	t.Parallel()
	a, b := inspection.Nonce(), inspection.Nonce()
	if a == b || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(a) {
		t.Errorf("Nonce() = %q, then %q", a, b)
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	last := time.Date(2025, 3, 1, 4, 30, 0, 0, time.UTC)
	if got, want := inspection.Overdue(last, false), last.Add(26*time.Hour); !got.Equal(want) {
		t.Errorf("Overdue(daily) = %s, want %s", got, want)
	}
	if got, want := inspection.Overdue(last, true), last.AddDate(0, 0, 8); !got.Equal(want) {
		t.Errorf("Overdue(weekly) = %s, want %s", got, want)
	}
}
