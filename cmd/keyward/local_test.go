package main

import (
	"slices"
	"testing"
)

// As root nothing of the host is stopped or unmounted that was not asked for.
func TestNotHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		root, lock bool
		want       []string
	}{{true, false, []string{"LockDocument"}}, {true, true, nil}, {false, false, nil}, {false, true, nil}} {
		if got := notHere(c.root, c.lock); !slices.Equal(got, c.want) {
			t.Errorf("notHere(root %t, lock %t) = %v, want %v", c.root, c.lock, got, c.want)
		}
	}
}
