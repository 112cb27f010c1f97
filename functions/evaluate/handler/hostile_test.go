package handler

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const hostile = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script><img src=x onerror=alert(1)>\r\n"

// Whatever a machine prints that is not one whole, fresh line of ours is no evidence: Unknown, and the
// machine stands where it stood.
func TestOutputsThatAreNoEvidence(t *testing.T) {
	t.Parallel()
	good := fake.Answer(fake.Nonce, fake.NewKernel)
	tests := []struct{ name, output, why string }{
		{"nothing", "\n", "no_line"},
		{"escapes and HTML", hostile, "no_line"},
		{"cut", good[:len(good)-20], "cut_line"},
		{"cut by the agent", good[:len(good)/2] + "--output truncated--", "cut_line"},
		{"replayed", fake.Answer("ffffffffffffffffffffffffffffffff", fake.NewKernel), "wrong_nonce"},
		{"without a nonce", fake.Answer("", fake.NewKernel), "wrong_nonce"},
		{"doubled", good + good, "doubled_line"},
		{"one of ours and one of another", good + fake.Answer(fake.Nonce, fake.OldKernel), "doubled_line"},
		{"not base64", "KWE1 4 OK ****\n", "bad_encoding"},
		{"not gzip", "KWE1 8 OK " + base64.StdEncoding.EncodeToString([]byte("12345")) + "\n", "bad_compression"},
		{"not JSON", fake.Line([]byte(hostile)), "bad_json"},
		{"another version", fake.Line([]byte(`{"v":2,"nonce":"` + fake.Nonce + `"}`)), "wrong_version"},
		{"a length that lies", strings.Replace(good, "KWE1 ", "KWE1 1", 1), "cut_line"},
		{"10 MB", strings.Repeat("A", 10<<20), "too_large"},
		{"10 MB once inflated", fake.Line([]byte(strings.Repeat(" ", 10<<20))), "too_large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := asked(record.Scheduled, tt.output)
			_, a := judge(t, w, fake.Start)
			if a.Verdict != policy.Unknown || a.Why != tt.why {
				t.Errorf("answer = %s, %q, want Unknown, %q", a.Verdict, a.Why, tt.why)
			}
			m := w.Store.ByID[fake.ID]
			if m.State.Standing != integrity.Good || m.State.Generation != 1 || w.Store.Kept[0].Evidence != nil {
				t.Errorf("machine = %+v, want it unmoved and no evidence", m.State)
			}
			if text, _ := json.Marshal(w.Store.Changes); strings.Contains(string(text), "script") || strings.Contains(w.Logged(), "\x1b") {
				t.Errorf("what the machine printed was kept: %s, log %s", text, w.Logged())
			}
			w.Never(t, "states.Start i-1234567890abcdef0-1-enforce", "states.Start i-1234567890abcdef0-2")
		})
	}
}

// A valid line with hostile values is evidence, and its values are kept without what a terminal obeys.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, "4.19.0"+strings.ReplaceAll(strings.TrimSpace(hostile), " ", "")))
	_, a := judge(t, w, fake.Start)
	if a.Verdict == policy.Pass {
		t.Errorf("answer = %+v, want no Pass", a)
	}
	text, err := json.Marshal(w.Store.Changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\\u001b", "\\u0007", "\x07"} {
		if strings.Contains(string(text), bad) || strings.Contains(w.Logged(), bad) {
			t.Errorf("%q was kept: %s\nlog %s", bad, text, w.Logged())
		}
	}
}

// Lists show 2,500 characters; what may be longer is fetched alone.
func TestLongOutputIsFetchedWhole(t *testing.T) {
	t.Parallel()
	output := strings.Repeat("#", inspection.CutOutput) + "\n" + fake.Answer(fake.Nonce, fake.OldKernel)
	w := asked(record.Scheduled, output)
	if _, a := judge(t, w, fake.Start); a.Verdict != policy.Fail {
		t.Errorf("answer = %+v, want the whole output judged", a)
	}
	w.Times(t, "ssm.Output", 1)
	w = asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	judge(t, w, fake.Start)
	w.Never(t, "ssm.Output")
}

// What goes wrong with one machine keeps no other from being judged, and the command open.
func TestOneMachinesTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	two := func() *fake.World {
		w := fake.New()
		w.Store.PutPolicyText("policy: broken\nrules: no list\n")
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.Policy = fake.Other, "broken" }))
		c := fake.Sent(record.Scheduled, fake.Start, fake.Other, fake.ID)
		w.Store.Sends[c.ID] = c
		w.SSM.Say(fake.Other, fake.Answer(fake.Nonce, fake.OldKernel))
		w.SSM.Say(fake.ID, fake.Answer(fake.Nonce, fake.OldKernel))
		return w
	}
	t.Run("a policy that does not compile", func(t *testing.T) {
		t.Parallel()
		w := two()
		s, err := newHandler(w).Handle(t.Context(), fake.Start, success)
		fake.Kind(t, err, fault.Internal)
		if s.Judged != 1 || w.Store.ByID[fake.ID].State.Standing != integrity.Bad || w.Store.ByID[fake.Other].State.Standing != integrity.Good {
			t.Errorf("%+v, want the other machine judged and this one not", s)
		}
		w.Never(t, "store.Settled")
	})
	t.Run("an answer that cannot be fetched", func(t *testing.T) {
		t.Parallel()
		w := two()
		w.SSM.Answers = nil
		w.SSM.Say(fake.Other, strings.Repeat("#", inspection.CutOutput+1))
		w.SSM.Say(fake.ID, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Fail("ssm.Output", fake.Down)
		s, err := newHandler(w).Handle(t.Context(), fake.Start, success)
		fake.Kind(t, err, fault.Transient)
		if s.Judged != 1 || w.Store.ByID[fake.ID].State.Standing != integrity.Bad {
			t.Errorf("%+v, want the other machine judged", s)
		}
		w.Never(t, "store.Settled")
	})
	t.Run("two commands", func(t *testing.T) {
		t.Parallel()
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Fail("store.Command", fake.Down)
		s, err := newHandler(w).Handle(t.Context(), fake.Start, Event{Commands: []string{"other", fake.Command}})
		fake.Kind(t, err, fault.Transient)
		if s.Judged != 1 {
			t.Errorf("%+v, want the second command judged", s)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"store.Command", "store.Answers", "ssm.Invocations", "ec2.Instances", "store.Machine", "store.Policy", "store.Apply", "store.Settled",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
			w.Fail(call, fake.Down)
			_, err := newHandler(w).Handle(t.Context(), fake.Start, success)
			fake.Kind(t, err, fault.Transient)
			if call != "store.Settled" {
				w.Never(t, "states.")
				if len(w.Store.Settling) > 0 {
					t.Error("the command was settled")
				}
			}
			// The retry does the whole.
			if _, err := newHandler(w).Handle(t.Context(), fake.Start.Add(time.Minute), success); err != nil {
				t.Fatal(err)
			}
			if len(w.Store.Changes) != 1 || len(w.Flow.Executions) != 1 || !slices.Equal(w.Store.Settling, []string{fake.Command}) {
				t.Errorf("after the retry: %d changes, executions %v, settled %v", len(w.Store.Changes), w.Flow.Executions, w.Store.Settling)
			}
		})
	}
	t.Run("SSM does not know its own command yet", func(t *testing.T) {
		t.Parallel()
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
		w.Fail("ssm.Invocations", fault.New(fault.NotFound, "reading answers: InvalidCommandId"))
		if s, err := newHandler(w).Handle(t.Context(), fake.Start, success); err != nil || s.Waiting != 1 || len(w.Store.Changes) > 0 {
			t.Errorf("%+v, %v, want to wait", s, err)
		}
	})
}

// A policy that is gone leaves the built-in one, under which nothing is revoked.
func TestAPolicyThatIsGone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gone", policy.DefaultName} {
		w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel), func(m *record.Machine) { m.Policy = name })
		if _, a := judge(t, w, fake.Start); a.Verdict != policy.Unknown {
			t.Errorf("policy %s: answer = %+v, want Unknown", name, a)
		}
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]integrity.State{
		"Unknown":                         {},
		"Good":                            {Standing: integrity.Good},
		"Bad":                             {Standing: integrity.Bad, Key: integrity.KeyRevoked},
		"Bad until its key is given back": {Standing: integrity.Bad, Key: integrity.KeyRevoked, CorrectedAt: fake.Start},
	} {
		if got := standing(s); got != want {
			t.Errorf("standing(%s) = %q, want %q", fmt.Sprint(s.Standing), got, want)
		}
	}
}
