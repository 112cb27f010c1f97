package drill

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Limits of a drill. Beyond them it has failed.
const (
	PrepareWithin = time.Hour        // until what an earlier drill left is given back and the key can be used
	RevokeWithin  = 90 * time.Minute // from the first failing answer until the key was seen to refuse
	RestoreWithin = time.Hour        // from the first complying answer until the key was seen to serve

	askAgain  = 4 * time.Minute  // an answer that moved nothing until then was lost
	giveAfter = 30 * time.Minute // a key that is not given back by then is asked back by hand
	giveAgain = 15 * time.Minute // and again
)

// The steps, in their order. Seconds are counted from what the comment says.
const (
	StepUsable    = "usable"    // the key serves: the drill's beginning
	StepWarned    = "warned"    // the mail service accepted the warning: the failing answer was judged
	StepOrdered   = "ordered"   // KMS is asked: the deadline
	StepConfirmed = "confirmed" // KMS was read back twice: the order
	StepRefused   = "refused"   // the key was seen to refuse: the order
	StepRestored  = "restored"  // Keyward gave the key back: the machine was put right
	StepServes    = "serves"    // the key was seen to serve again: the machine was put right
)

// prevents are the holds that are no failure: what stopped the revocation has to stop every one.
var prevents = []guard.Reason{guard.ReasonHeldGlobal, guard.ReasonHeldPolicy, guard.ReasonHeldMachine, guard.ReasonBreakerOpen}

// Seen is what came of trying to use the key, beside the records. The zero value: it was not tried.
type Seen struct {
	Serves  bool   // KMS made a data key
	Refuses bool   // KMS says that the key is disabled
	Unknown string // anything else, in one line

	Untold string        // a mail of the drill that the mail service did not accept, "" when all were
	Answer time.Duration // how long the machine's answer to the last look was waited for: it is no machine, and that no latency
}

// Do is what has to be done, in this order: Enrol or GiveBack, then the drill is written, then Ask.
type Do struct {
	Enrol    bool // the machine begins anew, complying to nobody and revoked by nobody
	GiveBack bool // the key is asked back whatever the verdict, as a person does
	Ask      bool // the machine is asked for evidence
}

// Begin is a new drill.
func Begin(by string, now time.Time, version int64) record.Drill {
	now = now.UTC()
	return record.Drill{
		ID: now.Format("20060102T150405Z"), By: by, BegunAt: now, Phase: record.DrillPrepare, PhaseAt: now, Version: version,
	}
}

// Tries is whether the key has to be tried now for the drill to go on.
func Tries(d record.Drill, m record.Machine, now time.Time) bool {
	switch d.Phase {
	case record.DrillPrepare:
		return !left(m)
	case record.DrillRevoke:
		t := m.Taken
		return m.State.Key == integrity.KeyRevoked && t != nil && !t.InForceAt.IsZero() && !now.Before(t.InForceAt)
	case record.DrillRestore:
		return back(d, m)
	}
	return false
}

// Next is how a drill goes on from what is known of its machine and its key. Equal arguments give equal
// results; a drill that has ended stays as it is.
func Next(d record.Drill, m record.Machine, seen Seen, now time.Time) (record.Drill, Do) {
	r := run{Drill: d, m: m, seen: seen, now: now.UTC()}
	r.Steps = slices.Clone(d.Steps)
	if d.Runs() {
		switch d.Phase {
		case record.DrillPrepare:
			r.prepare()
		case record.DrillRevoke:
			r.revoke()
		case record.DrillRestore:
			r.restore()
		}
	}
	return r.Drill, r.do
}

// run is one call of Next while it works.
type run struct {
	record.Drill
	m    record.Machine
	seen Seen
	now  time.Time
	do   Do
}

// prepare gives back what an earlier drill left, and goes on once the key serves.
func (r *run) prepare() {
	switch {
	case left(r.m) && !r.late(PrepareWithin) && r.mayGive():
		r.giveBack()
	case r.seen.Serves:
		r.step(StepUsable, r.now, r.now.Sub(r.BegunAt))
		r.do = Do{Enrol: true, Ask: true}
		r.enter(record.DrillRevoke, true)
	case r.seen.Refuses:
		r.fail("the key is disabled, and by no drill: enable it")
		r.end()
	case r.late(PrepareWithin):
		r.fail("the key cannot be used: " + r.waitsFor("what an earlier drill left is not given back"))
		r.end()
	}
}

// revoke waits until the key was taken and is seen to refuse.
func (r *run) revoke() {
	s, t := r.m.State, r.m.Taken
	if !s.WarnedAt.IsZero() {
		r.step(StepWarned, s.WarnedAt, s.WarnedAt.Sub(s.Since))
	}
	if t != nil && !t.OrderedAt.IsZero() {
		r.step(StepOrdered, t.OrderedAt, t.OrderedAt.Sub(s.DueAt)-r.seen.Answer)
		if !t.ConfirmedAt.IsZero() {
			r.step(StepConfirmed, t.ConfirmedAt, t.ConfirmedAt.Sub(t.OrderedAt))
		}
	}
	switch {
	case r.seen.Refuses && t != nil:
		r.step(StepRefused, r.now, r.now.Sub(t.OrderedAt))
		r.putRight()
	case r.seen.Serves:
		r.fail("the key is revoked and in force, and it still serves")
		r.putRight()
	case s.WarnedAt.IsZero() && len(delivery.Of(r.m).Lost) > 0:
		r.fail("the warning came back: it did not reach " + strings.Join(delivery.Of(r.m).Lost, ", "))
		r.putRight()
	case s.HeldFor != "":
		reason := guard.Reason(s.HeldFor)
		if slices.Contains(prevents, reason) {
			r.stop(record.DrillPrevented, "not revoked: "+reason.Text())
		} else {
			r.fail("not revoked: " + reason.Text())
		}
		r.putRight()
	case r.late(RevokeWithin):
		r.fail(r.waitsFor(r.missing()))
		r.putRight()
	case s.Standing != integrity.Bad && s.Key != integrity.KeyRevoked:
		r.askAgain()
	}
}

// restore waits until the key was given back and is seen to serve. What is not given back by itself is
// asked back by hand, so that the drill leaves nothing behind, and the drill has failed.
func (r *run) restore() {
	was := r.Outcome
	switch {
	case back(r.Drill, r.m) && r.seen.Serves && r.has(StepRefused) && r.seen.Untold != "":
		if r.late(RestoreWithin) {
			r.fail("the mail service did not accept the mail that the key was " + r.seen.Untold)
			r.end()
		}
	case back(r.Drill, r.m) && r.seen.Serves:
		if r.has(StepOrdered) {
			r.step(StepRestored, r.m.State.KeySince, r.m.State.KeySince.Sub(r.PhaseAt))
			r.step(StepServes, r.now, r.now.Sub(r.PhaseAt))
		}
		if was == "" {
			r.stop(record.DrillGood, "")
		}
		r.end()
	case r.late(RestoreWithin):
		r.fail(r.waitsFor("the key is not given back"))
		r.end()
	case left(r.m) && r.mayGive() && (r.now.Sub(r.PhaseAt) >= giveAfter || r.judged() && r.m.State.HeldFor != ""):
		why := "it takes too long"
		if held := guard.Reason(r.m.State.HeldFor); held != "" {
			why = held.Text()
		}
		r.fail("not given back: " + why)
		r.giveBack()
	case !r.judged() || r.m.State.LastVerdict != policy.Pass.String():
		r.askAgain()
	}
}

// told are the mails that a drill owes beside the warning, by their kinds in shared/notice, which makes mails and
// is not to be in every program that knows the drill's names.
var told = []string{"revoked", "restored"}

// Untold is which mail of a drill that revoked and restored its key was not accepted, "" when all were.
func Untold(d record.Drill, sent []record.Notice) string {
	for _, kind := range told {
		if !slices.ContainsFunc(sent, func(n record.Notice) bool {
			return n.Kind == kind && !n.AcceptedAt.IsZero() && !n.AcceptedAt.Before(d.BegunAt)
		}) {
			return kind
		}
	}
	return ""
}

// left is whether a drill took the key and did not give it back.
func left(m record.Machine) bool {
	return m.Taken != nil || m.State.Key == integrity.KeyRevoking || m.State.Key == integrity.KeyRevoked
}

// back is whether the machine has its key again, after it was put right.
func back(d record.Drill, m record.Machine) bool {
	return !left(m) && m.State.Standing == integrity.Good && !m.State.LastEvidence.Before(d.PhaseAt)
}

// judged is whether the machine was judged since the phase began.
func (r *run) judged() bool { return !r.m.State.LastEvidence.Before(r.PhaseAt) }

func (r *run) late(within time.Duration) bool { return r.now.Sub(r.PhaseAt) >= within }

// enter begins a phase.
func (r *run) enter(p record.DrillPhase, ill bool) {
	r.Phase, r.PhaseAt, r.Ill, r.AskedAt, r.GivingAt = p, r.now, ill, r.now, time.Time{}
}

// putRight lets the machine comply: whatever became of the revocation, the key is to come back.
func (r *run) putRight() {
	r.enter(record.DrillRestore, false)
	r.do.Ask = true
}

func (r *run) askAgain() {
	if r.now.Sub(r.AskedAt) >= askAgain {
		r.AskedAt, r.do.Ask = r.now, true
	}
}

// mayGive is whether the key was not asked back by hand, or long ago.
func (r *run) mayGive() bool { return r.GivingAt.IsZero() || r.now.Sub(r.GivingAt) >= giveAgain }

func (r *run) giveBack() { r.GivingAt, r.do.GiveBack = r.now, true }

// fail notes why the drill has failed. The first reason stays: what follows comes of it.
func (r *run) fail(why string) { r.stop(record.DrillFailed, why) }

func (r *run) stop(outcome, why string) {
	if r.Outcome == "" || r.Outcome == record.DrillPrevented && outcome == record.DrillFailed {
		r.Outcome, r.Why = outcome, why
	}
}

func (r *run) end() { r.Phase, r.PhaseAt, r.EndedAt, r.Ill = record.DrillEnded, r.now, r.now, false }

// step notes a step once.
func (r *run) step(name string, at time.Time, took time.Duration) {
	if !r.has(name) {
		r.Steps = append(r.Steps, record.DrillStep{Name: name, At: at, Seconds: max(0, took.Seconds())})
	}
}

func (r *run) has(name string) bool {
	return slices.ContainsFunc(r.Steps, func(s record.DrillStep) bool { return s.Name == name })
}

// missing is what a revocation waits for.
func (r *run) missing() string {
	switch {
	case r.m.State.Standing != integrity.Bad:
		return "the machine is not found failing"
	case !r.has(StepWarned):
		return "the mail service did not accept the warning"
	case !r.has(StepOrdered):
		return "KMS was not asked"
	case !r.has(StepConfirmed):
		return "KMS was not read back"
	}
	return "the key was not seen to refuse"
}

func (r *run) waitsFor(what string) string {
	text := fmt.Sprintf("after %s %s", r.now.Sub(r.PhaseAt).Round(time.Minute), what)
	if r.seen.Unknown != "" {
		text += ": " + r.seen.Unknown
	}
	return text
}
