// Package send asks machines for evidence: it checks that the registered document is the one this
// program was built with, names a fresh nonce, sends it to those that are online and records the
// command. inspect uses it for many machines, recheck for one. It reads no answers.
package send

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Commander runs documents on machines.
type Commander interface {
	Document(ctx context.Context, name string) (inspection.Document, error)
	Online(ctx context.Context, machines []string) (map[string]bool, error)
	Send(ctx context.Context, d inspection.Document, machines []string, parameters map[string]string, comment string) (string, error)
}

// Recorder keeps what was sent.
type Recorder interface {
	Sent(ctx context.Context, c record.Command) error
}

// Sender sends inspections.
type Sender struct {
	Commander Commander
	Recorder  Recorder
	Document  string // name of the registered document
	Digest    string // that the script in it has to have: documents.InspectDigest
}

// deadline is how long after sending SSM still may bring an answer: 30 s to deliver, then the
// document's own 60 s, and as much again for what is on its way.
const deadline = 3 * time.Minute

// Send asks all machines for what is always collected and for what needs says, in batches. Those whose agent does not answer are recorded as well, so that
// their silence counts; nothing is sent to them. It returns the commands in the order of the machines.
func (s *Sender) Send(ctx context.Context, machines []string, needs policy.Needs, purpose record.Purpose, execution string, now time.Time) ([]record.Command, error) {
	d, err := s.Commander.Document(ctx, s.Document)
	if err != nil {
		return nil, err
	}
	if err := s.pin(d); err != nil {
		return nil, err
	}
	var sent []record.Command
	var problems []error // one batch's trouble must not keep the others from being looked at
	if slices.ContainsFunc(machines, drill.Is) {
		// It is no machine: evaluate answers for it, and everything after that is as for any other.
		c := drill.Command(purpose, execution, now)
		if err := s.Recorder.Sent(ctx, c); err != nil {
			return nil, err
		}
		sent, machines = append(sent, c), slices.DeleteFunc(slices.Clone(machines), drill.Is)
	}
	for len(machines) > 0 {
		n := min(len(machines), inspection.BatchSize)
		batch := machines[:n]
		machines = machines[n:]
		commands, err := s.batch(ctx, d, batch, needs, record.Command{
			Purpose: purpose, Execution: execution, Document: d.Name + ":" + d.Version, SentAt: now, TotalBy: now.Add(deadline), AWS: needs.AWS,
		})
		sent = append(sent, commands...)
		problems = append(problems, err)
	}
	return sent, errors.Join(problems...)
}

// pin compares the script inside the registered document with the one this program was built with. A
// difference means that somebody registered another: nothing may be sent, and nothing that it says
// would be evidence.
func (s *Sender) pin(d inspection.Document) error {
	script, err := documents.Script(d.Content)
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "checking document %s version %s: its script cannot be read", d.Name, d.Version)
	}
	if documents.Digest(script) != s.Digest {
		return fault.New(fault.Conflict, "checking document %s version %s: its script is not the one this version of Keyward was built with", d.Name, d.Version)
	}
	return nil
}

func (s *Sender) batch(ctx context.Context, d inspection.Document, machines []string, needs policy.Needs, c record.Command) ([]record.Command, error) {
	online, err := s.Commander.Online(ctx, machines)
	if err != nil {
		return nil, err
	}
	var reachable, silent []string
	for _, id := range machines {
		if online[id] {
			reachable = append(reachable, id)
		} else {
			silent = append(silent, id)
		}
	}
	var commands []record.Command
	var refused error
	if len(reachable) > 0 {
		commands, refused = s.send(ctx, d, reachable, needs, c)
	}
	if len(silent) > 0 {
		c.Nonce = inspection.Nonce()
		c.ID, c.Machines, c.TotalBy = inspection.OfflineID(c.Nonce), silent, c.SentAt
		if err := s.Recorder.Sent(ctx, c); err != nil {
			return commands, errors.Join(refused, err)
		}
		commands = append(commands, c)
	}
	return commands, refused
}

// send splits the batch when SSM refuses it for one machine's sake: a machine can go between the
// question who is online and the command, and one without the tag that IAM asks for has the whole call
// denied. A machine that is not there counts as silent; one that we may not ask does not.
func (s *Sender) send(ctx context.Context, d inspection.Document, machines []string, needs policy.Needs, c record.Command) ([]record.Command, error) {
	c.Nonce, c.Machines = inspection.Nonce(), machines
	parameters, err := documents.Parameters(c.Nonce, needs.Collect, needs.Ask)
	if err != nil {
		return nil, err
	}
	id, err := s.Commander.Send(ctx, d, machines, parameters, fmt.Sprintf("Keyward %s inspection", c.Purpose))
	switch {
	case (unknownMachine(err) || fault.Is(err, fault.Denied)) && len(machines) > 1:
		first, one := s.send(ctx, d, machines[:len(machines)/2], needs, c)
		second, other := s.send(ctx, d, machines[len(machines)/2:], needs, c)
		return append(first, second...), errors.Join(one, other)
	case unknownMachine(err):
		c.ID, c.TotalBy = inspection.OfflineID(c.Nonce), c.SentAt
		return []record.Command{c}, s.Recorder.Sent(ctx, c)
	case err != nil:
		return nil, fmt.Errorf("asking %s: %w", strings.Join(machines, ", "), err)
	}
	c.ID = id
	return []record.Command{c}, s.Recorder.Sent(ctx, c)
}

// unknownMachine says whether SSM refused a command since a machine in it is not there, not in a state to
// take it, or of another system (SendCommand API reference, InvalidInstanceId, UnsupportedPlatformType).
func unknownMachine(err error) bool {
	var aws interface{ ErrorCode() string } // what every error of the SDK has, without importing it
	if !errors.As(err, &aws) {
		return false
	}
	return aws.ErrorCode() == "InvalidInstanceId" || aws.ErrorCode() == "UnsupportedPlatformType"
}
