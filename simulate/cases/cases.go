// Package cases is what the table, KMS and Step Functions have to do, whoever plays them: the simulated world and
// the real adapters against keyward local are held to the same list. Only tests import it.
package cases

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/fault"
)

// Names that all cases share: AWS's documented examples.
const (
	id      = "i-1234567890abcdef0"
	other   = "i-0598c7d356eba48d7"
	session = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// equal fails the test unless a call answered what is wanted, without an error.
func equal[T any](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// kind fails the test unless err is of this kind.
func kind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: error = %v, want kind %s", what, err, fault.Of(want).Name)
	}
}

// done fails the test unless a call succeeded.
func done(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
