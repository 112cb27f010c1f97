package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// The heartbeat says that evaluations are completed: without one, the sweep moves the deadlines.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	beat := func(edit func(*fake.World)) (time.Time, error) {
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.NewKernel))
		w.Store.EvaluatedAt = time.Time{}
		edit(w)
		_, err := newHandler(w).Handle(t.Context(), fake.Start, success)
		return w.Store.EvaluatedAt, err
	}
	if at, err := beat(func(*fake.World) {}); err != nil || !at.Equal(fake.Start) {
		t.Errorf("judged: %v, %v", at, err)
	}
	if at, err := beat(func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: 1") }); err == nil || !at.Equal(fake.Start) {
		t.Errorf("a policy that does not compile is no outage: %v, %v", at, err)
	}
	for _, failing := range []string{"ssm.Invocations", "ec2.Instances", "store.Apply", "store.Answers"} {
		at, err := beat(func(w *fake.World) { w.Fail(failing, fake.Down) })
		if fake.Kind(t, err, fault.Transient); !at.IsZero() {
			t.Errorf("%s fails, and an evaluation is noted", failing)
		}
	}
	if at, err := beat(func(w *fake.World) { w.SSM.Answers = nil }); err != nil || !at.IsZero() {
		t.Errorf("nothing to judge yet: %v, %v", at, err)
	}
	_, err := beat(func(w *fake.World) { w.Fail("store.NoteEvaluated", fake.Down) })
	fake.Kind(t, err, fault.Transient)
}
