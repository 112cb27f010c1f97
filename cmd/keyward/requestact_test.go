package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

// What became of each is shown, and one that was refused fails the command.
func TestPrintActed(t *testing.T) {
	t.Parallel()
	done := record.Acted{Machine: "i-1", ID: "a", Status: 200, Request: &record.Request{State: "Approved", Reason: "a person approved it: x"}}
	refused := record.Acted{Machine: "i-2", ID: "b", Status: 409, Kind: "Conflict", Detail: "it is Denied already"}
	var out bytes.Buffer
	p := show.New(&out, false)
	if err := printActed(p, []record.Acted{done}, nil); err != nil || !strings.Contains(out.String(), "a person approved it: x") {
		t.Errorf("one done: %v\n%s", err, out.String())
	}
	out.Reset()
	err := printActed(p, []record.Acted{done, refused}, nil)
	if err == nil || err.Error() != "1 of 2 were refused" || !strings.Contains(out.String(), "it is Denied already") || !strings.Contains(out.String(), "Approved") {
		t.Errorf("one refused: %v\n%s", err, out.String())
	}
	if down := errors.New("down"); !errors.Is(printActed(p, nil, down), down) {
		t.Error("an error of the call is not told")
	}
}
