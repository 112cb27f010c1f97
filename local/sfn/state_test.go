package sfn_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn"
)

// reborn is another process with what the first one saved, where f answers these.
func reborn(t *testing.T, w *world, states string, answers ...string) *world {
	t.Helper()
	w.Close()
	state, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := newWorld(t)
	again.clock.Restore(w.clock.Offset())
	again.answering("f", answers...)
	again.machine(t, states)
	if err := again.Load(state); err != nil {
		t.Fatal(err)
	}
	return again
}

func TestWaitingGoesOnAfterLoad(t *testing.T) {
	t.Parallel()
	const states = `"A":{"Type":"Wait","Seconds":3600,"Next":"B"},"B":{"Type":"Pass","End":true}`
	w := newWorld(t)
	m := w.machine(t, states)
	done := w.start(t, w.machine(t, `"A":{"Type":"Fail","Error":"E"}`), "done", `{}`)
	w.forward(t, time.Second)
	w.machine(t, states)
	arn := w.start(t, m, "one", `{"big":12345678901234567890}`)
	w.forward(t, 20*time.Minute)
	again := reborn(t, w, states)
	w.forward(t, 2*time.Hour)
	if d := w.describe(t, arn); d.Status != types.ExecutionStatusRunning {
		t.Errorf("a closed SFN went on: %s", d.Status)
	}
	again.forward(t, 39*time.Minute)
	if d := again.describe(t, arn); d.Status != types.ExecutionStatusRunning {
		t.Errorf("status = %s before the wait is over", d.Status)
	}
	again.forward(t, 2*time.Minute)
	d := again.describe(t, arn)
	if d.Status != types.ExecutionStatusSucceeded || *d.Output != `{"big":12345678901234567890}` || !d.StopDate.Equal(start.Add(time.Hour+time.Second)) {
		t.Errorf("execution = %s %v at %s", d.Status, d.Output, d.StopDate)
	}
	if d := again.describe(t, done); d.Status != types.ExecutionStatusFailed || *d.Error != "E" || len(again.history(t, done)) != 3 {
		t.Errorf("the closed one = %+v", d)
	}
	again.start(t, m, "later", `{}`)
}

func TestTaskRunsAgainAfterLoad(t *testing.T) {
	t.Parallel()
	const retry = `,"End":true,"Retry":[{"ErrorEquals":["T"],"MaxAttempts":2,"IntervalSeconds":60}]`
	states := `"A":` + task("f", retry)
	w := newWorld(t)
	w.answering("f", "!T")
	m := w.machine(t, states)
	arn := w.start(t, m, "one", `{}`)
	w.forward(t, time.Second) // the first attempt failed, the second is a minute away
	entered, release := make(chan struct{}), make(chan struct{})
	w.functions["f"] = func(context.Context, string) (sfn.Result, error) {
		close(entered)
		<-release
		return sfn.Result{Payload: []byte(`{}`)}, nil
	}
	moved := make(chan error, 1)
	go func() { moved <- w.clock.Forward(context.Background(), time.Minute) }()
	<-entered
	again := reborn(t, w, states, "!T")
	close(release)
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	if d := w.describe(t, arn); d.Status != types.ExecutionStatusRunning {
		t.Errorf("the answer after Close counted: %s", d.Status)
	}
	again.forward(t, time.Hour)
	var at []time.Duration
	for _, made := range again.calls {
		at = append(at, made.at)
	}
	if diff := cmp.Diff([]time.Duration{time.Minute, 3 * time.Minute}, at); diff != "" {
		t.Errorf("attempts after Load (-want +got):\n%s", diff)
	}
	if d := again.describe(t, arn); d.Status != types.ExecutionStatusFailed || *d.Error != "T" {
		t.Errorf("execution = %s", d.Status)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t, w.machine(t, waits), "one", `{}`)
	w.forward(t, time.Second)
	state, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no JSON":        `{`,
		"no definition":  strings.Replace(string(state), `"Definition":"`, `"Definition":"x`, 1),
		"no such state":  strings.Replace(string(state), `"State":"A"`, `"State":"X"`, 1),
		"no such type":   strings.Replace(string(state), `"Sequence":1`, `"Sequence":"1"`, 2),
		"data is broken": strings.Replace(string(state), `"Made":`, `"Made":1,"M":`, 1),
	} {
		if err := newWorld(t).Load(json.RawMessage(text)); err == nil {
			t.Errorf("Load with %s = nil, want an error", name)
		}
	}
}
