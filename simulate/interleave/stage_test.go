package interleave_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate"
	"github.com/keyward/keyward/simulate/interleave"
	"github.com/keyward/keyward/simulate/world"
	"github.com/keyward/keyward/statemachine"
)

const (
	id      = "i-1234567890abcdef0"
	session = "arn:aws:sts::123456789012:assumed-role/web/" + id
	keyARN  = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	asked   = "11111111-2222-3333-4444-555555555555"
)

const policyText = `policy: web
rules: [{rule: no plain web, ports: {closed: [tcp/80]}}]
integrity: {onFail: revoke, grace: 1h, settle: 0s}
notify: {to: [ops@example.com]}`

// due is when the key of the machine is due; the last look before that showed that it fails.
var due = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// stage is a cast in its world, with what is true.
type stage struct {
	cast
	w       *world.World
	check   string // command that the machine answers when it was put right
	wrong   string
	taken   bool  // by us, and not given back
	good    int64 // seq of the verdict that it is in order; 0 before
	held    bool
	tooLate bool // the hold came when the order was written already
}

func newStage(t *testing.T, c cast) *stage {
	w := world.New(due.Add(-10*time.Second), 1, world.Faults{})
	s := &stage{cast: c, w: w}
	w.Watch = s
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Define(statemachine.Enforcement))
	simulate.Install(w)
	owner := ""
	if c.mode == policy.DisableKey {
		owner = session
	}
	w.Keys.Create(keyARN, true, owner)
	w.Bear(&world.Guest{ID: id, Session: session, Power: integrity.Running, Kernel: "6.1.0", Ports: []int{80}})
	_, err := w.Store.PutPolicy(ctx, record.Policy{Name: "web", Text: policyText, PutAt: w.Now(), PutBy: "alice"})
	must(err)
	m := record.Machine{
		ID: id, SessionARN: session, Policy: "web", Key: record.Key{ARN: keyARN, Mode: c.mode}, EnrolledAt: due.Add(-24 * time.Hour),
		Execution: id + "-2-enforce-1",
		State: integrity.State{
			Standing: integrity.Bad, Since: due.Add(-time.Hour), Why: "no plain web", Key: integrity.KeyReleased, Generation: 2,
			LastEvidence: due, LastNews: due, LastVerdict: "Fail", WarnedAt: due.Add(-time.Hour), DueAt: due,
		},
	}
	if c.mode == policy.RevokeGrant {
		g, err := w.Keys.Grant(ctx, keyARN, id, session, 1)
		must(err)
		m.Grant, m.GrantedFor = g.ID, 1
	}
	s.taken, s.wrong = false, ""
	w.Run(due)
	must(w.Store.PutWatch(ctx, record.Watch{SweptAt: due}))
	_, err = w.Store.Apply(ctx, store.Change{Machine: m, At: due, Answer: &record.Answer{
		Command: asked, Machine: id, Verdict: policy.Fail, Sent: due, JudgedAt: due, Presence: integrity.Running,
	}})
	must(err)
	if c.restore {
		w.Guest(id).Ports = []int{22}
		nonce := "0123456789abcdef0123456789abcdef"
		s.check, err = w.SSM.Send(ctx, inspection.Document{}, []string{id}, map[string]string{"Nonce": nonce}, "")
		must(err)
		must(w.Store.Sent(ctx, record.Command{
			ID: s.check, Nonce: nonce, Purpose: record.Check, Machines: []string{id}, SentAt: w.Now().Add(time.Second), TotalBy: w.Now().Add(3 * time.Minute),
		}))
	}
	w.Run(due.Add(15 * time.Second))
	return s
}

// ends are the worlds in which runs came to their end, and what is wrong with each: each goes on for hours once.
type ends struct {
	mu   sync.Mutex
	what map[string]string
}

func newEnds() *ends { return &ends{what: map[string]string{}} }

func (e *ends) of(at string, settle func() string) string {
	e.mu.Lock()
	why, known := e.what[at]
	e.mu.Unlock()
	if !known {
		why = settle()
		e.mu.Lock()
		defer e.mu.Unlock()
		e.what[at] = why
	}
	return why
}

func (s *stage) scene(e *ends) interleave.Scene {
	return interleave.Scene{
		World: s.w, Crashes: s.crashes, Start: s.start, State: s.state, Touches: s.touches,
		Wrong: func() string {
			m := s.w.Store.Peek(id)
			if m.State.Key == integrity.KeyRevoked && m.Taken.GivenBy == "" && s.usable() {
				return "its record says that the key is revoked, and it is not"
			}
			return s.wrong
		},
		End: func() string { return e.of(fmt.Sprint(s.state()), s.settle) },
	}
}

func (s *stage) usable() bool { return s.w.Keys.Usable(keyARN, session) }

// start has everybody come on stage.
func (s *stage) start() {
	act := func(name string, play func(ctx context.Context, now time.Time)) {
		s.w.Functions[name] = func(ctx context.Context, now time.Time, _ []byte) (any, error) {
			play(ctx, now)
			return nil, nil
		}
		s.w.Invoke(name, name, nil, func(any, error) {})
	}
	for range s.enforcements {
		act("enforcement", func(ctx context.Context, now time.Time) { s.enforce(ctx, now) })
	}
	if s.restore {
		act("correction", s.correct)
	}
	if s.hold {
		act("hold", func(ctx context.Context, now time.Time) {
			if err := s.w.Store.SetHold(ctx, record.Hold{Scope: "global", Reason: "stop", By: "alice", SetAt: now}); err != nil {
				panic(err)
			}
		})
	}
}

// task is one task of the state machine with its retries: of what died, and of what may pass.
func task[Out any](s *stage, ctx context.Context, now time.Time, function string, t enforcement.Task) (out Out, err error) {
	text, marshalled := json.Marshal(t)
	if marshalled != nil {
		panic(marshalled)
	}
	for n := range 3 {
		s.w.Task(fmt.Sprintf("%s %s %d", function, text, n))
		var result any
		died := s.w.Survive(func() { result, err = s.w.Functions[function](ctx, now, text) })
		if died {
			err = world.Died
			continue
		}
		if err == nil {
			again, _ := json.Marshal(result)
			return out, json.Unmarshal(again, &out)
		}
		if !fault.Is(err, fault.Transient) {
			break
		}
	}
	return out, err
}

// enforce is an execution from Decide on, as the state machine goes.
func (s *stage) enforce(ctx context.Context, now time.Time) {
	in := enforcement.Input{
		Version: 1, Kind: enforcement.Look, Account: world.Account, Region: world.Region, Machine: id, Generation: 2, Policy: "web", DueAt: due,
	}
	name := enforcement.Name(in, 1) // a second one would have another name, which no handler looks at
	state := enforcement.State{Input: in, Look: &enforcement.Looked{Outcome: "asked", CommandID: asked, AskedAt: due}}
	do := func(op string) enforcement.Task {
		return enforcement.Task{Version: 1, Op: op, Execution: name, Input: state}
	}
	hold := func() { _, _ = task[enforcement.Decision](s, ctx, now, "recheck", do("hold")) }
	d, err := task[enforcement.Decision](s, ctx, now, "recheck", do("decide"))
	state.Decision = &d
	if err != nil || d.Outcome != string(guard.Revoke) {
		if err != nil || d.Outcome == string(guard.Hold) {
			hold()
		}
		return
	}
	_, _ = task[enforcement.Ordered](s, ctx, now, "revoke", do("order")) // whatever came of it, Confirm tells
	for n := range 3 {
		c, err := task[enforcement.Confirmation](s, ctx, now.Add(time.Duration(1+12*n)*time.Second), "revoke", do("confirm"))
		state.Confirmation = &c
		if n == 0 || err == nil && c.Outcome == "seen" {
			continue
		}
		if c.Outcome != "revoked" {
			hold()
		}
		return
	}
}

// correct is a look that shows that the machine was put right, and the restore that follows from it.
func (s *stage) correct(ctx context.Context, now time.Time) {
	settle, _ := json.Marshal(inspection.Settle{Version: 1, Commands: []string{s.check}})
	for n := range 2 {
		s.w.Task(fmt.Sprintf("evaluate %d", n))
		if !s.w.Survive(func() { _, _ = s.w.Functions["evaluate"](ctx, now, settle) }) {
			break
		}
	}
	m := s.w.Store.Peek(id)
	if m.State.CorrectedAt.IsZero() || m.State.Key != integrity.KeyRevoking && m.State.Key != integrity.KeyRevoked {
		return
	}
	in := enforcement.Input{
		Version: 1, Kind: enforcement.Restore, Account: world.Account, Region: world.Region, Machine: id, Generation: m.State.Generation, Policy: "web",
	}
	t := enforcement.Task{Version: 1, Op: "restore", Execution: enforcement.Name(in, 1), Input: enforcement.State{Input: in}}
	_, _ = task[enforcement.Outcome](s, ctx, now.Add(time.Second), "restore", t)
}

// touches is what a call has to do with the state. What is not here is the same all the time: policies, waivers, the
// answer to the look, EC2; or is seen by nobody here: the outbox, the pace of one restore.
func (s *stage) touches(call string) interleave.Touch {
	switch call {
	case "dynamodb.Machine", "dynamodb.Machines":
		return interleave.Touch{Reads: []string{"machine"}}
	case "dynamodb.Apply":
		return interleave.Touch{Reads: []string{"holds"}, Writes: []string{"machine", "breaker", "rest"}}
	case "dynamodb.Answers", "dynamodb.Command":
		return interleave.Touch{Reads: []string{"rest"}}
	case "dynamodb.Settled":
		return interleave.Touch{Writes: []string{"rest"}}
	case "dynamodb.Breaker":
		return interleave.Touch{Reads: []string{"breaker"}}
	case "dynamodb.ChangeBreaker":
		return interleave.Touch{Writes: []string{"breaker", "rest"}}
	case "dynamodb.SetHold":
		return interleave.Touch{Reads: []string{"machine"}, Writes: []string{"holds"}} // a person does not die; truth reads the order
	case "dynamodb.HoldsOn":
		if s.hold && !s.held { // it can still come
			return interleave.Touch{Reads: []string{"holds"}}
		}
	case "kms.ListGrants":
		return interleave.Touch{Reads: []string{"keys"}}
	case "kms.RevokeGrant", "kms.CreateGrant", "kms.DisableKey", "kms.EnableKey":
		return interleave.Touch{Reads: []string{"machine", "holds"}, Writes: []string{"keys"}} // the truth that Took compares with
	case "kms.DescribeKey":
		if s.mode == policy.DisableKey {
			return interleave.Touch{Reads: []string{"keys"}}
		}
	}
	return interleave.Touch{}
}

func (s *stage) state() map[string]string {
	all := s.w.Store.Dump()
	all["keys"] = s.w.Keys.Dump()
	all["truth"] = fmt.Sprint(s.taken, s.good > 0, s.held, s.tooLate)
	return all
}
