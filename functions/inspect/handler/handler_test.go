package handler

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// asked is what was sent to whom.
type asked struct {
	Machines []string
	Purpose  record.Purpose
}

// newHandler is a handler whose sends are kept.
func newHandler(w *fake.World, sends *[]asked, fails error) *Handler {
	return &Handler{Machines: w.Store, Log: w.Log, Send: func(_ context.Context, ids []string, _ policy.Needs, p record.Purpose, execution string, now time.Time) ([]record.Command, error) {
		*sends = append(*sends, asked{ids, p})
		if execution != "" || now != fake.Start {
			return nil, fault.New(fault.Internal, "sent for execution %q at %v", execution, now)
		}
		return []record.Command{{ID: fake.Command, Machines: ids}}, fails
	}}
}

const otherPolicy = "policy: plain\nrules:\n  - rule: kernel\n    os: {kernel: \">= 5.10\"}\n"

// crowd is one machine of a policy with a schedule, one of a policy without, and one of a policy that is gone.
func crowd(w *fake.World) {
	w.Store.PutPolicyText(otherPolicy)
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.Policy = fake.Other, "plain" }))
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.Policy = "mi-1234567890abcdef0", "gone" }))
}

func TestEvents(t *testing.T) {
	t.Parallel()
	everybody := []string{fake.Other, fake.ID, "mi-1234567890abcdef0"}
	tests := []struct {
		event string
		want  []asked
	}{
		{"inspect/scheduled.json", []asked{{[]string{fake.Other, "mi-1234567890abcdef0"}, record.Scheduled}}},
		{"inspect/policy.json", []asked{{[]string{fake.ID}, record.Scheduled}}},
		{"inspect/by-hand-all.json", []asked{{everybody, record.Scheduled}}},
		{"inspect/by-hand-unscheduled.json", []asked{{[]string{fake.Other, "mi-1234567890abcdef0"}, record.Scheduled}}},
		{"inspect/by-hand-policy.json", []asked{{[]string{fake.ID}, record.Scheduled}}},
		{"inspect/by-hand-machine.json", []asked{{[]string{fake.ID}, record.Check}}},
		{"inspect/without-input.json", []asked{{everybody, record.Scheduled}}},
		{"inspect/check.json", []asked{{[]string{fake.ID}, record.Check}}},
		{"inspect/running.json", []asked{{[]string{fake.ID}, record.Check}}},
	}
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			crowd(w)
			var sends []asked
			got, err := newHandler(w, &sends, nil).Handle(t.Context(), fake.Start, fake.Event[Event](t, tt.event))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, sends); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if want := (Summary{Asked: len(tt.want[0].Machines), Commands: []string{fake.Command}}); !cmp.Equal(got, want) {
				t.Errorf("Summary = %+v, want %+v", got, want)
			}
			w.Never(t, "store.Apply", "kms.", "states.")
		})
	}
}

func TestNothingToInspect(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an instance that is not enrolled": `{"version":"0","source":"aws.ec2","detail":{"instance-id":"i-0ffffffffffffffff","state":"running"}}`,
		"a policy without machines":        `{"version":1,"purpose":"scheduled","policy":"empty"}`,
		"no machine without a schedule":    `{"version":1,"purpose":"scheduled"}`,
		"the built-in policy has none":     `{"scope":"policy:default"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sends []asked
			got, err := newHandler(fake.New(), &sends, nil).Handle(t.Context(), fake.Start, decoded(t, text))
			if err != nil || len(sends) > 0 || got.Asked != 0 {
				t.Errorf("handle = %+v, %v with sends %v, want nothing", got, err, sends)
			}
		})
	}
}

func decoded(t *testing.T, text string) Event {
	t.Helper()
	var e Event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRefusedEvents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		kind       fault.Kind
	}{
		{"no version", `{"purpose":"check","machines":["i-1234567890abcdef0"]}`, fault.Invalid},
		{"a later version", `{"version":2,"purpose":"check","machines":["i-1234567890abcdef0"]}`, fault.Invalid},
		{"a scope of a later version", `{"version":2,"scope":"global"}`, fault.Invalid},
		{"another scope", `{"scope":"web-tier"}`, fault.Invalid},
		{"a scope without a name", `{"scope":"policy:"}`, fault.Invalid},
		{"a policy that there is not", `{"scope":"policy:web-teir"}`, fault.NotFound},
		{"a machine that there is not", `{"scope":"machine:i-0ffffffffffffffff"}`, fault.NotFound},
		{"an unknown purpose", `{"version":1,"purpose":"look","machines":["i-1234567890abcdef0"]}`, fault.Invalid},
		{"a purpose that needs machines, for everybody", `{"version":1,"purpose":"check"}`, fault.Invalid},
		{"a machine that is not enrolled", `{"version":1,"purpose":"check","machines":["i-0ffffffffffffffff"]}`, fault.NotFound},
		{"another source", `{"version":"0","source":"aws.rds","detail":{}}`, fault.Invalid},
		{"another state", `{"version":"0","source":"aws.ec2","detail":{"instance-id":"i-1234567890abcdef0","state":"stopped"}}`, fault.Invalid},
		{"no instance", `{"version":"0","source":"aws.ec2","detail":{"state":"running"}}`, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sends []asked
			_, err := newHandler(fake.New(), &sends, nil).Handle(t.Context(), fake.Start, decoded(t, tt.text))
			fake.Kind(t, err, tt.kind)
			if len(sends) > 0 {
				t.Errorf("sent %v, want nothing", sends)
			}
		})
	}
	for text, want := range map[string]string{
		`{"version":"one"}`:                                    "field version is a JSON string",
		`{"polcy":"web-tier"}`:                                 `unknown field "polcy"`,
		`{"key1":"value1","key2":"value2"}`:                    `unknown field "key1"`, // the console's own example of a test event
		`{"version":1,"machines":"i-1"}`:                       "field machines is a JSON string",
		`{"version":1,"purpose":"scheduled","scope":"global"}`: "a scope and a purpose",
		`{"scope":"global","policy":"web-tier"}`:               "more than one of scope, policy and machines",
		`["i-1234567890abcdef0"]`:                              "is a JSON array",
		`{"version":1,"purpose":"scheduled","all":true}`:       `unknown field "all"`,
	} {
		var e Event
		err := json.Unmarshal([]byte(text), &e)
		if err == nil || !strings.Contains(fault.Safe(err), want) || !strings.Contains(fault.Safe(err), "policy:NAME") {
			t.Errorf("%s: error %v, want %q and what was expected", text, err, want)
		}
	}
}

func TestAPolicyThatDoesNotCompileIsLookedAtWithTheOthers(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.PutPolicyText("policy: web-tier\nrules: no list\n")
	var sends []asked
	_, err := newHandler(w, &sends, nil).Handle(t.Context(), fake.Start, fake.Event[Event](t, "inspect/scheduled.json"))
	if err != nil || len(sends) != 1 || !slices.Equal(sends[0].Machines, []string{fake.ID}) {
		t.Errorf("sends = %v, %v, want its machine", sends, err)
	}
	if !strings.Contains(w.Logged(), "policy does not compile") {
		t.Errorf("log = %s, want the policy named", w.Logged())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for call, file := range map[string]string{
		"store.Machines": "inspect/scheduled.json", "store.Policies": "inspect/scheduled.json",
		"store.Machine": "inspect/running.json",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			w.Fail(call, fake.Down)
			var sends []asked
			_, err := newHandler(w, &sends, nil).Handle(t.Context(), fake.Start, fake.Event[Event](t, file))
			fake.Kind(t, err, fault.Transient)
			if len(sends) > 0 {
				t.Errorf("sent %v, want nothing", sends)
			}
		})
	}
	t.Run("sending", func(t *testing.T) {
		t.Parallel()
		var sends []asked
		got, err := newHandler(fake.New(), &sends, fake.Down).Handle(t.Context(), fake.Start, fake.Event[Event](t, "inspect/check.json"))
		fake.Kind(t, err, fault.Transient)
		if got.Asked != 1 {
			t.Errorf("Summary = %+v, want what was sent all the same", got)
		}
	})
}

// Of machines that are asked together, one that cannot be read, is not enrolled any more or is under a policy that cannot
// be read keeps no other from being looked at.
func TestOneMachineKeepsNoOtherFromBeingLookedAt(t *testing.T) {
	t.Parallel()
	const all = `{"version":1,"purpose":"retry","machines":["i-1234567890abcdef0","i-0abcdef1234567890","mi-1234567890abcdef0"]}`
	for name, tt := range map[string]struct {
		before func(*fake.World)
		asked  []string
		kind   fault.Kind
	}{
		"one cannot be read":        {func(w *fake.World) { w.Fail("store.Machine", nil, fake.Down) }, []string{fake.ID, "mi-1234567890abcdef0"}, fault.Transient},
		"one is not enrolled":       {func(w *fake.World) { delete(w.Store.ByID, fake.Other) }, []string{fake.ID, "mi-1234567890abcdef0"}, 0},
		"one policy cannot be read": {func(w *fake.World) { w.Fail("store.Policy", nil, fake.Down) }, []string{fake.ID, "mi-1234567890abcdef0"}, fault.Transient},
		"none can be read":          {func(w *fake.World) { w.Always("store.Machine", fake.Down) }, nil, fault.Transient},
	} {
		w := fake.New()
		crowd(w)
		tt.before(w)
		var sends []asked
		_, err := newHandler(w, &sends, nil).Handle(t.Context(), fake.Start, decoded(t, all))
		if tt.kind != 0 {
			fake.Kind(t, err, tt.kind)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, s := range sends {
			got = append(got, s.Machines...)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.asked, got); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", name, diff)
		}
	}
}
