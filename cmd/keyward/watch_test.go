package main

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

// A watched list is printed once, then what changes, until it is interrupted; what cannot be read for a moment is read again.
func TestWatch(t *testing.T) {
	t.Parallel()
	row := func(id, state string) watched {
		return watched{ID: id, State: state, Cells: []string{id, state}, Value: state}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		var out bytes.Buffer
		looks := 0
		look := func(context.Context) ([]watched, error) {
			looks++
			switch looks {
			case 1, 2:
				return []watched{row("a", "Pending"), row("b", "Denied")}, nil
			case 3:
				return nil, errors.New("down")
			case 4:
				return []watched{row("a", "Approved"), row("b", "Denied"), row("c", "Pending")}, nil
			}
			interrupt()
			return nil, ctx.Err()
		}
		began := time.Now()
		err := watchFlags{Every: 5 * time.Second}.watch(ctx, show.New(&out, false), []string{"ID", "STATE"}, "None.", look)
		const want = "ID  STATE\na   Pending\nb   Denied\na  Approved\nc  Pending\n"
		if err != nil || out.String() != want || time.Since(began) != 20*time.Second {
			t.Errorf("watched for %s: %v, printed %q, want %q", time.Since(began), err, out.String(), want)
		}
	})
}

func TestWatchThatCannotBegin(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	look := func(context.Context) ([]watched, error) { return nil, down }
	if err := (watchFlags{Every: time.Second}).watch(t.Context(), show.New(&bytes.Buffer{}, false), nil, "", look); !errors.Is(err, down) {
		t.Errorf("watch = %v, want what refused", err)
	}
}
