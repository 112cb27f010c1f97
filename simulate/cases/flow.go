package cases

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/keyward/keyward/shared/fault"
)

// Flow is what the handlers ask of the state machine.
type Flow interface {
	Start(ctx context.Context, name string, input json.RawMessage) error
	Status(ctx context.Context, name string) (string, error)
}

// Waits is a state machine whose executions run for a minute.
const Waits = `{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"Next":"Done"},"Done":{"Type":"Succeed"}}}`

// Course is a state machine made of Waits, and what lets its executions come to their end.
type Course struct {
	Flow Flow
	Pass func()
}

// OfFlow holds Step Functions to it.
func OfFlow(t *testing.T, fresh func(t *testing.T) Course) {
	t.Run("an execution is started once", func(t *testing.T) {
		ctx, c := t.Context(), fresh(t)
		const name = id + "-2-enforce-1"
		_, err := c.Flow.Status(ctx, name)
		kind(t, "an execution that is not there", err, fault.NotFound)
		for range 2 {
			done(t, "starting", c.Flow.Start(ctx, name, json.RawMessage(`{"version":1}`)))
		}
		kind(t, "starting it with another input", c.Flow.Start(ctx, name, json.RawMessage(`{"version":2}`)), fault.Conflict)
		status, err := c.Flow.Status(ctx, name)
		equal(t, "while it runs", status, err, "RUNNING")
		c.Pass()
		status, err = c.Flow.Status(ctx, name)
		equal(t, "when it has ended", status, err, "SUCCEEDED")
		kind(t, "starting it when it has ended", c.Flow.Start(ctx, name, json.RawMessage(`{"version":1}`)), fault.Conflict)
		kind(t, "an input that is no JSON", c.Flow.Start(ctx, "another", json.RawMessage(`{`)), fault.Invalid)
	})
}
