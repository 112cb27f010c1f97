package store

import (
	"context"

	"github.com/keyward/keyward/shared/record"
)

const (
	commandRow  = "command"
	openList    = "commands"
	answerStart = "answer#"
)

func commandKey(id string) string { return "command#" + id }

func commandItem(c record.Command) item {
	i := item{pk: commandKey(c.ID), sk: commandRow, doc: c, expires: c.SentAt.Add(keepCommands)}
	if c.Open {
		i.listPK, i.listSK = openList, stamp(c.SentAt)+"#"+c.ID
	}
	return i
}

func answerItem(a record.Answer) item {
	return item{pk: commandKey(a.Command), sk: answerStart + a.Machine, doc: a, expires: a.Sent.Add(keepCommands)}
}

// Sent records a command that was sent.
func (s *Store) Sent(ctx context.Context, c record.Command) error {
	c.Open = true
	return s.putOnce(ctx, commandItem(c), isNew, "it is recorded already", "recording command "+c.ID)
}

// Command reads a command; fault.NotFound if we never sent it.
func (s *Store) Command(ctx context.Context, id string) (record.Command, error) {
	return get[record.Command](ctx, s, commandKey(id), commandRow, "reading command "+id)
}

// Settled takes a command off the list of open ones, once every machine has an answer.
func (s *Store) Settled(ctx context.Context, c record.Command) error {
	c.Open = false
	return s.put(ctx, commandItem(c), condition{expression: "attribute_exists(pk)"}, "settling command "+c.ID)
}

// OpenCommands reads the commands that lack an answer, oldest first.
func (s *Store) OpenCommands(ctx context.Context) ([]record.Command, error) {
	return list[record.Command](ctx, s, openList, "listing open commands")
}

// Answers reads what became of a command's machines so far.
func (s *Store) Answers(ctx context.Context, command string) ([]record.Answer, error) {
	return under[record.Answer](ctx, s, commandKey(command), answerStart, false, 0, "reading answers to "+command)
}

// Answer reads what became of one machine of a command; fault.NotFound if it has no answer yet.
func (s *Store) Answer(ctx context.Context, command, machine string) (record.Answer, error) {
	return get[record.Answer](ctx, s, commandKey(command), answerStart+machine, "reading answer of "+machine)
}
