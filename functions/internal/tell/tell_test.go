package tell_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

var (
	now   = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	place = tell.Place{Account: "123456789012", Region: "eu-central-1"}
)

func TestMachine(t *testing.T) {
	t.Parallel()
	m := record.Machine{ID: "i-1234567890abcdef0", Policy: "web", Version: 8}
	m.State.Generation = 3
	got, err := tell.Machine(place, m, notice.RequestDenied, enforcement.Input{Why: "it does not comply", Request: "boot"}, now)
	if err != nil || got.Name != "i-1234567890abcdef0-3-tell-requestDenied-9" || got.Machine != m.ID || !got.At.Equal(now) {
		t.Errorf("Machine = %+v, %v", got, err)
	}
	var in enforcement.Input
	if err := json.Unmarshal(got.Input, &in); err != nil {
		t.Fatal(err)
	}
	want := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Tell, Notice: "requestDenied", Account: "123456789012", Region: "eu-central-1",
		Machine: m.ID, Generation: 3, Policy: "web", Why: "it does not comply", Request: "boot",
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	beyond := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := tell.Of(place, notice.RequestPending, enforcement.Input{DueAt: beyond}, 1, now); err == nil {
		t.Error("a time that JSON has no form for was written")
	}
}
