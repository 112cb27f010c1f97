// Package tell makes the executions that send one notice, for the transaction of what the notice tells: nothing is told
// that did not happen, and nothing happens that is not told. It sends nothing; the notify function does.
package tell

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// Place is where a stack is.
type Place struct{ Account, Region string }

// Machine is the execution that tells of a machine. in says what beside the machine and the kind; its name is of the
// version of the machine that is written with it, so that each transition is told by one of its own.
func Machine(at Place, m record.Machine, kind notice.Kind, in enforcement.Input, now time.Time) (record.Start, error) {
	in.Machine, in.Generation, in.Policy = m.ID, m.State.Generation, m.Policy
	return Of(at, kind, in, int(m.Version)+1, now)
}

// Of is the execution that tells of what in names; attempt keeps it apart from others of the same name.
func Of(at Place, kind notice.Kind, in enforcement.Input, attempt int, now time.Time) (record.Start, error) {
	in.Version, in.Kind, in.Notice, in.Account, in.Region = enforcement.Version, enforcement.Tell, string(kind), at.Account, at.Region
	text, err := json.Marshal(in)
	if err != nil {
		return record.Start{}, fmt.Errorf("encoding input of an execution: %w", err)
	}
	return record.Start{Name: enforcement.Name(in, attempt), Machine: in.Machine, Input: text, At: now}, nil
}
