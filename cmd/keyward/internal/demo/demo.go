// Package demo tells Keyward's whole story on this host: from a registered machine to a revoked and a
// restored key. It drives a running keyward local from outside, as a person would, through the two
// HTTP APIs and the real AWS SDK, and checks after each step that what it says really happened.
package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/place"
	"github.com/keyward/keyward/shared/policy"
)

// Options are what the story needs.
type Options struct {
	URL, Token string // of the place
	Policy     []byte // the text of policies/demo.yaml
	Mode       policy.Mode
	Tell       func(Step) // called when a step is done
}

// Step is one step of the story that happened.
type Step struct {
	Number int       `json:"step"`
	Title  string    `json:"title"`
	At     time.Time `json:"at"` // virtual
	Lines  []string  `json:"lines"`
	Facts  any       `json:"facts,omitempty"` // for programs
}

// Failure is a step that did not happen.
type Failure struct {
	Number   int
	Title    string
	Expected string
	Found    string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("step %d (%s) did not happen: expected %s; found %s", f.Number, f.Title, f.Expected, f.Found)
}

// story is a telling in progress.
type story struct {
	Options
	place    *place.Client
	status   place.Status
	operator *people.Client          // the people's API, as the operator
	machine  *people.Client          // the machines' API, as the machine
	keys     *kms.Client             // KMS as the operator
	own      *kms.Client             // KMS as the machine
	person   aws.CredentialsProvider // the operator's
	policy   *policy.Policy
	keyARN   string
	sealed   sealed
	port     *port
	due      time.Time // deadline of the first warning
	mails    int       // seen so far
	step     Step
}

// MachineID is the machine that keyward local says this host is.
const MachineID = "i-1234567890abcdef0"

// Role is the instance role of that machine.
const role = "keyward-machine"

// Run tells the story. The error is a *Failure when a step did not happen.
func Run(ctx context.Context, o Options) error {
	s := &story{Options: o, place: place.New(o.URL, o.Token)}
	if err := s.connect(ctx); err != nil {
		return err
	}
	defer func() { s.port.close() }()
	for i, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"This host is a machine with a guarded key", s.enrol},
		{"The daily inspection finds it in order", s.inspect},
		{"The machine asks for its key", s.release},
		{"A forbidden port is opened: warning", s.violate},
		{"Corrected in time, then opened again: the old deadline stands", s.relapse},
		{"The grace is over: the key is revoked", s.revoke},
		{"Put right: the key is restored", s.restore},
		{"What happened", s.close},
	} {
		s.step = Step{Number: i + 1, Title: chapter.title}
		if err := chapter.tell(ctx); err != nil {
			if _, ok := err.(*Failure); ok {
				return err
			}
			return fmt.Errorf("step %d (%s): %w", i+1, chapter.title, err)
		}
		now, err := s.place.Status(ctx)
		if err != nil {
			return err
		}
		s.step.At = now.Now
		s.Tell(s.step)
	}
	return nil
}

func (s *story) connect(ctx context.Context) (err error) {
	if s.status, err = s.place.Status(ctx); err != nil {
		return err
	}
	if s.policy, err = policy.Parse(s.Policy); err != nil {
		return fmt.Errorf("reading the demo's policy: %w", err)
	}
	operator, err := s.place.Operator(ctx)
	if err != nil {
		return err
	}
	machine, err := s.place.Machine(ctx, MachineID)
	if err != nil {
		return err
	}
	s.person = provider(operator)
	s.operator = people.New(s.status.APIs["PeopleApi"], s.status.Region, s.person)
	s.machine = people.New(s.status.APIs["MachineApi"], s.status.Region, provider(machine))
	s.keys, s.own = s.kms(operator), s.kms(machine)
	return nil
}

func (s *story) kms(k place.Credentials) *kms.Client {
	return kms.New(kms.Options{Region: s.status.Region, Credentials: provider(k), BaseEndpoint: aws.String(s.status.URL)})
}

func provider(k place.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
	})
}

// say adds a line to the step.
func (s *story) say(format string, args ...any) {
	s.step.Lines = append(s.step.Lines, fmt.Sprintf(format, args...))
}

// want fails the step unless ok.
func (s *story) want(ok bool, expected, found string, args ...any) error {
	if ok {
		return nil
	}
	return &Failure{Number: s.step.Number, Title: s.step.Title, Expected: expected, Found: fmt.Sprintf(found, args...)}
}

// short is a time in UTC to the second.
func short(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
