// Package notice renders what people are told: one notice to one mail with a subject, a plain text and
// an HTML body that say the same, and many events to one mail and a file (Batch). It is pure: the time is
// an argument, and nothing is sent here. The notify function calls it.
//
// Much of what a notice says comes from the inspected machine, which may be hostile. So every value is
// cleaned before it is placed: no control, formatting or line-breaking characters, a length limit,
// and in what the machine chose nothing that a mail program would turn into a link. The HTML has no
// images, scripts or anything to load, so that it reads the same everywhere, and no links but those
// that Keyward made to act (Link).
package notice

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/plain"
	"github.com/keyward/keyward/shared/policy"
)

// Kind is what a notice is about.
type Kind string

// The kinds.
const (
	Warning     Kind = "warning"     // does not comply, the key will be revoked
	Reminder    Kind = "reminder"    // still does not comply
	StoodDown   Kind = "stoodDown"   // complies again, nothing was taken
	Revoked     Kind = "revoked"     // the key was revoked and read back
	Restored    Kind = "restored"    // the key was given back
	Held        Kind = "held"        // an enforcement stands still for a person
	CannotCheck Kind = "cannotCheck" // no usable answer from the machine
	Withdrawn   Kind = "withdrawn"   // the machine is gone and so is its grant
	Unconfirmed Kind = "unconfirmed" // KMS was asked, and what came of it is not known
	NotifyBad   Kind = "notifyBad"   // does not comply, and the policy only tells

	NotEffective   Kind = "notEffective"   // the key is revoked, and AWS KMS shows ways to use it all the same
	KeyLost        Kind = "keyLost"        // somebody else took the key of a machine that has it
	TagDrift       Kind = "tagDrift"       // its tags say something else than at enrolment
	RestoreDropped Kind = "restoreDropped" // a person wanted the key given back, and a newer inspection fails

	BreakerOpen  Kind = "breakerOpen"  // of the stack: the limit on revocations is reached
	RulesTripped Kind = "rulesTripped" // of the stack: too many machines fail a policy at once
	Outage       Kind = "outage"       // of the stack: machines could not be looked at, and deadlines were moved
	WaiverEnding Kind = "waiverEnding" // what people allowed counts again soon

	RequestPending   Kind = "requestPending"   // a key request waits for a person
	RequestApproved  Kind = "requestApproved"  // by a person, or by the policy
	RequestUnopposed Kind = "requestUnopposed" // nobody decided otherwise in the policy's time
	RequestDenied    Kind = "requestDenied"    // by a person, or by the policy
	RequestExpired   Kind = "requestExpired"   // nobody did in time what it waited for
	RequestFailed    Kind = "requestFailed"    // approved, and AWS KMS gave no key

	DueSoon       Kind = "dueSoon"       // the deadline is near
	Effective     Kind = "effective"     // of a key that was revoked before: the data can no longer be read
	Waived        Kind = "waived"        // a person lets something stand; of a machine, or of many and without one
	WaiverAsked   Kind = "waiverAsked"   // somebody asks by a link of a mail that something may stand; nothing is waived
	PolicyChanged Kind = "policyChanged" // of the stack: a person put or deleted a policy
	OrderFailed   Kind = "orderFailed"   // a person ordered that the key is taken, and it was not
	Escalated     Kind = "escalated"     // nobody put it right in time; those hear of it whom the policy names for that
)

// Notice is what is to be told. Strings may hold anything; zero times and empty strings are left out.
type Notice struct {
	Kind      Kind
	Machine   string // id; required, unless the kind is OfStack
	Name      string
	Owner     string
	Zone      string // Availability Zone
	Policy    string
	Version   int    // of the policy; 0 is left out
	TimeZone  string // IANA name of the recipient's; UTC when empty or not known
	Reference string // of the execution; the same in a repeated mail

	Findings []policy.Finding // failed and unknown ones; MaxFindings are shown
	Waived   []policy.Finding // failed ones that people allow; the first few are shown
	Why      string           // one plain line: the reason of a hold, why it could not be checked, what KMS said

	FoundAt   time.Time // since when it does not comply, or gives no usable answer
	DueAt     time.Time // when the key will be revoked, or a waiver or a key request ends; required for Warning, DueSoon, WaiverEnding and Waived
	WarnedAt  time.Time // of Escalated: when the warning was accepted; zero where there was none
	OldDueAt  time.Time // deadline that a relapse would resume
	RevokedAt time.Time // when KMS had been read back; of a Reminder: the key is revoked already
	GoodAt    time.Time // when it was last proven in order
	DoneAt    time.Time // when what the notice tells happened
	NextLook  time.Time // when Keyward looks by itself again

	After time.Duration // of Escalated, which requires it: how long it was not put right, after the warning or after it was found

	InForceAt   time.Time // of Revoked: from then on the change holds everywhere at AWS
	EffectiveAt time.Time // of Revoked: the data can no longer be read; zero when nobody says so
	ByMachine   bool      // it is the machine that says so, whose lock was read back; else AWS, which stopped it
	StepFailed  string    // why a step that keeps data safe failed, in one line
	OnMachine   string    // what was stopped or is in use on the machine, in one line

	Missed   []string // who did not get it when it was sent before; the time of a Warning counts from this one
	Unwarned []string // of Revoked and Held: whom the warning did not reach

	Mode          policy.Mode // how the key is or was taken
	Key           string      // its ARN, for the commands that give it back without Keyward; left out when it is none
	Session       string      // ARN of the machine's session, which a grant is for; left out when it is none
	Silence       bool        // the violation is silence, not a failed rule
	Relapse       bool        // it stopped complying again soon after a correction
	RestoreManual bool        // the policy leaves giving back to a person
	NotEffective  []string    // of Revoked and Reminder: other ways to the key that AWS KMS shows
	OrderedBy     string      // of Revoked: the person who ordered it, whatever the verdict; Why is why
	NothingTaken  bool        // of Revoked: there was nothing to take when Keyward came
	Repeated      bool        // an earlier attempt may have sent this mail already
	Drill         bool        // of a fire drill, whose machine does not exist
	By            string      // the person who did what is told; empty: the policy, or the course of things
	Request       string      // id of the key request that it is about
	Prefix        string      // of the policy's: before the subject
	Header        string      // of the policy's: the first paragraph
	Text          string      // of the policy's: after what happened
	FooterText    string      // of the policy's: the last paragraph
	Waiver        string      // id of the waiver that it is about
	What          string      // one line: what a waiver is for, what was done to a policy
	Links         []Link      // that act
}

// Limits of a mail.
const (
	MaxFindings = 20
	MaxSubject  = 120 // characters
	maxMissed   = 12
	maxValue    = 300 // characters of one value that the machine chose
	maxPrefix   = 80  // of a policy's texts, with the values in them
	maxText     = 2000
)

// Mail is a rendered notice. Subject is one line; Text has lines of at most 76 characters except where
// a single word or a command is longer; HTML is a whole document.
type Mail struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// Render makes the mail of a notice at the time now. It refuses a kind that is not known, a notice
// without a machine, a warning without a deadline, a waiver without an end, an escalation without its time, and a link that is
// not of Keyward's form.
func Render(n Notice, now time.Time) (Mail, error) {
	w, ok := wordingOf(n.Kind)
	switch {
	case !ok:
		return Mail{}, fmt.Errorf("rendering notice: kind is %q", short(n.Kind))
	case n.Machine == "" && !n.Kind.OfStack() && n.Kind != Waived:
		return Mail{}, errors.New("rendering notice: it names no machine")
	case (n.Kind == WaiverEnding || n.Kind == Waived) && n.DueAt.IsZero():
		return Mail{}, errors.New("rendering notice: it does not say when the waiver ends")
	case (n.Kind == Warning || n.Kind == DueSoon) && n.DueAt.IsZero():
		return Mail{}, errors.New("rendering notice: the warning has no deadline")
	case n.Kind == Escalated && n.After < time.Minute:
		return Mail{}, errors.New("rendering notice: it does not say for how long nobody put it right")
	}
	if err := checkLinks(n.Links); err != nil {
		return Mail{}, err
	}
	d := compose(n.cleaned(), w, clockOf(n.TimeZone, now))
	html, err := d.html()
	if err != nil {
		return Mail{}, err
	}
	return Mail{Subject: d.Subject, Text: d.text(), HTML: html}, nil
}

func short(k Kind) string { return plain.Line(string(k), 40) }
