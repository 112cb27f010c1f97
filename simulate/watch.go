package simulate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// The invariants by the names under which they are told.
const (
	takenFromGood    = "no key lost by a machine that was Good at its last evidence"
	takenForUnknown  = "no revocation from Unknown alone unless the policy chose it"
	takenStale       = "no revocation without fresh evidence"
	takenHeld        = "no revocation under a hold"
	takenClosed      = "no revocation while a change calendar is closed"
	takenWaived      = "no revocation for what a person waived"
	takenShared      = "no revocation by which somebody else loses a key"
	takenAbove       = "no revocation above the breaker"
	takenEarly       = "no revocation before the promised time"
	takenUnwarned    = "no revocation without a warning of this violation"
	takenUnwritten   = "no call to KMS without a written intent and order"
	takenWrongPolicy = "no revocation that the policy does not ask for"
	takenFromPresent = "no withdrawal from a machine that is there"
	leftWithKey      = "no bad machine left with its key past its deadline plus the allowed delay"
	unnoticed        = "no bad machine that nobody notices"
	idle             = "no Bad machine without a live execution or a stated reason"
	heldForNothing   = "no hold that lasts when its reason is gone"
	keyless          = "no corrected machine left without its key"
	gaveNotOurs      = "no restore of what we did not take"
	gaveToBad        = "no key released to a machine that is bad or was not looked at"
	mailLost         = "every mail at least once per cause"
	mailTwice        = "a second mail only after a crash"
	mailChanged      = "a repeated mail has the same deadline"
	promiseShort     = "a warning gives the whole grace"
	unheeded         = "what a person waived is no failure"
	tooSoon          = "silence counts after the policy's time for it"
	wrongVerdict     = "a verdict says what the machine answered"
)

// answered keeps what a guest was like when it answered, until that is judged.
func (f *fleet) answered(g *world.Guest, command string) {
	s := f.byID[g.ID]
	if s.truths == nil {
		s.truths = map[string]bool{}
	}
	s.truths[command] = s.bad()
}

// Applied is world.Watch's.
func (f *fleet) Applied(c world.Written, by *world.Invocation) {
	s := f.byID[c.Machine.ID]
	if s == nil {
		return
	}
	if c.Answer != nil {
		f.judgedNow(s, c)
	}
	if by != nil && by.Function == "recheck" && c.TakeLease != nil {
		s.reserving = by.Started
	}
	for _, e := range c.Ledger {
		switch e.Kind {
		case record.EntryIntent:
			s.intent = c.Seq
		case record.EntryOrdered:
			s.ordered, s.orderedAt = c.Seq, f.Now()
		case record.EntryConfirmed:
			f.measured.since("order to confirmed", s.orderedAt, f.Now())
		}
		f.note(s, "ledger", string(e.Kind), e.Text)
	}
	before, after := c.Before.Machine.State, c.Machine.State
	if after.Standing == integrity.Bad && before.Standing != integrity.Bad && integrity.Revokes(after, s.kind.terms) {
		s.turnedBad = f.Now()
	}
	if f.trace && after != before {
		f.note(s, "state", fmt.Sprintf("%s key=%s gen=%d due=%s held=%s by %s", after.Standing, after.Key, after.Generation,
			brief(after.DueAt), after.HeldFor, name(by)))
	}
}

func name(by *world.Invocation) string {
	if by == nil {
		return "a person"
	}
	return by.Function
}

func brief(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("02 15:04:05")
}

// judgedNow compares a verdict with what the machine was when it answered.
func (f *fleet) judgedNow(s *subject, c world.Written) {
	bad, answered := s.truths[c.Answer.Command]
	delete(s.truths, c.Answer.Command)
	f.note(s, "verdict", c.Answer.Verdict.String(), c.Answer.Why)
	if c.Answer.Verdict == policy.Unknown {
		return
	}
	if by := f.Current(); bad && by != nil && s.allowed(by.Started) && s.allowed(f.Now()) && c.Answer.Verdict == policy.Fail {
		f.violate(s, unheeded, "a waiver stands until "+brief(s.allowedUntil()))
	}
	if bad && s.allowed(f.Now()) && c.Answer.Verdict == policy.Pass {
		bad = false // a person allows it
	}
	if !answered || bad != (c.Answer.Verdict == policy.Fail) {
		f.violate(s, wrongVerdict, fmt.Sprintf("the verdict is %s, bad is %t, answered %t", c.Answer.Verdict, bad, answered))
	}
	if !c.Answer.Sent.After(s.known.sent) {
		return
	}
	s.before, s.known = s.known, judged{sent: c.Answer.Sent, at: f.Now(), bad: bad, seq: c.Seq}
	if !bad {
		s.judgedGood = f.Now()
	}
}

// Took is world.Watch's: a machine's access ends, by a function or by somebody else.
func (f *fleet) Took(machine, key string, by *world.Invocation) {
	s := f.byID[machine]
	if s == nil || by == nil {
		return
	}
	f.note(s, "kms", "its access ends, by "+by.Function)
	if by.Function != "revoke" {
		f.violate(s, takenUnwritten, by.Function+" took a key")
		return
	}
	if strings.Contains(by.Payload, `"op":"withdraw"`) {
		if s.guest.Power != integrity.Gone {
			f.violate(s, takenFromPresent, "it is "+string(s.guest.Power))
		}
		return
	}
	f.taken(s, by)
	s.takenBy, s.takenAt = by.Function, f.Now()
	s.owe(notice.Revoked, f.Now())
	if m := f.Store.Peek(s.guest.ID); m != nil {
		f.measured.since("deadline to order", m.State.DueAt, f.Now())
	}
}

// evidence is the newest evidence that an invocation could know.
func (s *subject) evidence(by *world.Invocation) judged {
	if s.known.seq > by.Saw {
		return s.before
	}
	return s.known
}

// fresh is how old the evidence may be when KMS is asked: the 15 minutes of the design and the retries of a task.
const fresh = 25 * time.Minute

// taken checks everything that a revocation needs.
func (f *fleet) taken(s *subject, by *world.Invocation) {
	now, known := f.Now(), s.evidence(by)
	switch {
	case s.intent == 0 || s.ordered == 0 || s.intent > s.ordered || s.ordered > by.Saw:
		f.violate(s, takenUnwritten, "its ledger has no intent and order")
	case s.warnedAt.IsZero() || s.warnedAt.Before(s.judgedGood) && s.judgedGood.Before(by.Started):
		f.violate(s, takenUnwarned, fmt.Sprintf("warned at %s, in order at %s", brief(s.warnedAt), brief(s.judgedGood)))
	case now.Before(s.promised):
		f.violate(s, takenEarly, fmt.Sprintf("promised was %s", brief(s.promised)))
	}
	switch silent := s.silence && s.kind.terms.SilenceThen == policy.ActRevoke; {
	case !known.bad && !known.at.IsZero() && !silent:
		f.violate(s, takenFromGood, "its evidence of "+brief(known.sent)+" says that it is in order")
	case silent && s.silentSince.IsZero() && now.Sub(s.ableSince) > fresh: // else it was silent when it was looked at
		f.violate(s, takenForUnknown, "it can answer since "+brief(s.ableSince))
	case silent && now.Sub(known.sent) < s.kind.terms.SilenceAfter:
		f.violate(s, takenForUnknown, "its last evidence is of "+brief(known.sent))
	case silent:
	case s.kind.terms.OnFail != policy.ActRevoke:
		f.violate(s, takenWrongPolicy, "policy "+s.kind.name)
	case now.Sub(known.sent) > fresh || known.sent.Before(s.promised):
		f.violate(s, takenStale, fmt.Sprintf("its last evidence was sent at %s, due was %s", brief(known.sent), brief(s.promised)))
	}
	for _, name := range s.kind.terms.Calendars {
		if at := f.Calendars.ClosedSince(name); !at.IsZero() && at.Before(s.reserving) {
			f.violate(s, takenClosed, name+" is closed since "+brief(at))
		}
	}
	if at := f.EC2.SharedSince(s.key); !at.IsZero() && at.Before(s.reserving) && s.mode == policy.DisableKey {
		f.violate(s, takenShared, "another volume is under its key since "+brief(at))
	}
	if at := s.reserving; s.allowed(at) && s.allowed(now) && !s.silence {
		f.violate(s, takenWaived, "a waiver stands until "+brief(s.allowedUntil()))
	}
	f.above(s)
	for _, scope := range record.Scopes(s.guest.ID, s.kind.name) {
		if h := f.holds[string(scope)]; h.set && (h.seq < s.ordered || now.Sub(h.at) > fresh) {
			f.violate(s, takenHeld, fmt.Sprintf("%s is held since %s", scope, brief(h.at)))
		}
	}
}

// above counts the machines that lost their keys. The limit counts intents, and an order may come a while after
// its intent: so the window is shorter here by what a task may take.
func (f *fleet) above(s *subject) {
	now := f.Now()
	f.takes = slices.DeleteFunc(f.takes, func(t take) bool { return t.s == s || now.Sub(t.at) > limits.Window-fresh })
	f.takes = append(f.takes, take{s, now})
	guarded := 0
	for _, other := range f.all {
		if other.guest.Power != integrity.Gone || now.Sub(other.stood) < 2*time.Hour {
			guarded++
		}
	}
	if most := limits.Limit(guarded); len(f.takes) > most {
		f.violate(s, takenAbove, fmt.Sprintf("%d machines of %d lost their keys, and at most %d may", len(f.takes), guarded, most))
	}
}

// take is a key that was taken.
type take struct {
	s  *subject
	at time.Time
}

// Gave is world.Watch's: a machine's access begins.
func (f *fleet) Gave(machine, key string, by *world.Invocation) {
	s := f.byID[machine]
	if s == nil || by == nil {
		return
	}
	f.note(s, "kms", "its access begins, by "+by.Function)
	known := s.evidence(by)
	switch by.Function {
	case "restore":
		if s.takenBy != "revoke" {
			f.violate(s, gaveNotOurs, "nothing had been taken")
		}
		if s.mode == policy.DisableKey {
			if _, last := f.Keys.State(key); last != "revoke" {
				f.violate(s, gaveNotOurs, "the key was disabled by somebody else")
			}
		}
		if !s.goodSince.IsZero() {
			f.measured.since("corrected to restored", s.goodSince, f.Now())
		}
		delete(s.owed, string(notice.Revoked)) // it may have been overtaken before it was confirmed
		s.owe(notice.Restored, f.Now())
		s.takenBy = ""
	case "request":
		if known.at.IsZero() || known.bad || f.Now().Sub(known.sent) > time.Hour+time.Minute {
			f.violate(s, gaveToBad, fmt.Sprintf("its last evidence of %s says bad %t", brief(known.sent), known.bad))
		}
		s.takenBy = ""
	default:
		f.violate(s, gaveNotOurs, by.Function+" gave a key")
	}
}

// deadlines is how a mail names an instant: docs of shared/notice.
var deadlines = regexp.MustCompile(`will be revoked at \w+ (\d{1,2} \w+ \d{4}, \d\d:\d\d:\d\d) UTC`)

// Mailed is world.Watch's.
func (f *fleet) Mailed(m world.Sent, by *world.Invocation) {
	execution, kind, _ := strings.Cut(m.Reference, "/")
	s := f.byID[machineOf(execution)]
	if s == nil {
		return
	}
	f.note(s, "mail", kind, m.Subject)
	delete(s.owed, kind)
	f.measured.mails[kind]++
	earlier := s.sent[m.Reference]
	due := time.Time{}
	if kind == string(notice.Warning) {
		due = f.warned(s, m, earlier)
	}
	if earlier.times > 0 {
		if seq := f.recorded[m.Reference].accepted; seq > 0 && seq < by.Saw {
			f.violate(s, mailTwice, m.Reference+" was recorded as accepted")
		}
		if !due.Equal(earlier.deadline) {
			f.violate(s, mailChanged, fmt.Sprintf("%s named %s before and %s now", m.Reference, brief(earlier.deadline), brief(due)))
		}
		f.measured.repeats++
	}
	if s.sent == nil {
		s.sent = map[string]told{}
	}
	s.sent[m.Reference] = told{times: earlier.times + 1, deadline: due}
}

// machineOf is the machine in the name of an execution.
func machineOf(execution string) string {
	parts := strings.SplitN(execution, "-", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "-" + parts[1]
}

// warned reads what a warning promises, as who gets it would.
func (f *fleet) warned(s *subject, m world.Sent, earlier told) time.Time {
	text := strings.Join(strings.Fields(m.Text), " ")
	found := deadlines.FindStringSubmatch(text)
	if found == nil {
		f.violate(s, promiseShort, "it names no deadline: "+text)
		return time.Time{}
	}
	due, _ := time.Parse("2 January 2006, 15:04:05", found[1])
	silence := strings.Contains(text, "gave no answer")
	grace := s.kind.terms.Grace
	if relapse := strings.Contains(text, "It complied for a while") && f.Now().Sub(s.judgedGood) <= integrity.RelapseWindow; relapse {
		grace = integrity.RelapseFloor
	}
	// A function knows no time but its start, and a repeat of what may have been sent keeps the first one's.
	if begun := f.recorded[m.Reference].begun; due.Sub(begun) < grace {
		f.violate(s, promiseShort, fmt.Sprintf("%s is less than %s from %s", brief(due), grace, brief(begun)))
	}
	if after := s.kind.terms.SilenceAfter; silence && !s.known.sent.IsZero() && f.Now().Sub(s.known.sent) < after {
		f.violate(s, tooSoon, fmt.Sprintf("it was judged at %s, and the policy waits for %s", brief(s.known.sent), after))
	}
	if earlier.times == 0 {
		f.measured.since("verdict to mail", s.turnedBad, f.Now())
		s.turnedBad = time.Time{}
	}
	s.warnedAt, s.promised, s.silence = f.Now(), due, silence
	return due
}

// owe notes that people have to be told.
func (s *subject) owe(k notice.Kind, at time.Time) {
	if s.owed == nil {
		s.owed = map[string]time.Time{}
	}
	s.owed[string(k)] = at
}

// Noted is world.Watch's.
func (f *fleet) Noted(n record.Notice, seq int64) {
	r := f.recorded[n.Reference]
	if r.begun.IsZero() {
		r.begun = f.Now()
		if by := f.Current(); by != nil {
			r.begun = by.Started
		}
	}
	if !n.AcceptedAt.IsZero() {
		r.accepted = seq
	}
	f.recorded[n.Reference] = r
}

// Held is world.Watch's.
func (f *fleet) Held(scope string, set bool, seq int64) {
	f.holds[scope] = holding{set: set, seq: seq, at: f.Now()}
	f.noteAll("hold", fmt.Sprintf("%s set %t", scope, set))
}

// Ended is world.Watch's.
func (f *fleet) Ended(execution, status string) {
	f.measured.ended[status]++
	s := f.byID[machineOf(execution)]
	if s == nil {
		return
	}
	f.note(s, "execution", execution, status)
	if status == world.Failed {
		s.failedAt = f.Now()
	}
}

// Crashed is world.Watch's.
func (f *fleet) Crashed(function, subject, at string) {
	if s := f.byID[machineOf(subject)]; s != nil {
		f.note(s, "crash", function+" died at "+at)
	}
}
