package store_test

import (
	"testing"

	"github.com/keyward/keyward/simulate/cases"
)

// The simulated table is held to the same cases.
func TestCases(t *testing.T) {
	t.Parallel()
	cases.OfTable(t, func(t *testing.T) cases.Table { return begin(t).Store })
}
