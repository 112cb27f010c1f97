package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/record"
)

const (
	machineRow  = "machine"
	machineList = "machines"
)

func machineKey(id string) string { return "machine#" + id }

// machineItem leaves the drill's machine out of the list: it is none of the fleet, and counts nowhere.
func machineItem(m record.Machine) item {
	i := item{
		pk: machineKey(m.ID), sk: machineRow, listPK: machineList, listSK: m.ID,
		version: m.Version, doc: m,
		extra: map[string]types.AttributeValue{"generation": number(m.State.Generation)},
	}
	if drill.Is(m.ID) {
		i.listPK, i.listSK = "", ""
	}
	return i
}

// Machine reads one enrolled machine; fault.NotFound if there is none.
func (s *Store) Machine(ctx context.Context, id string) (record.Machine, error) {
	return get[record.Machine](ctx, s, machineKey(id), machineRow, "reading machine "+id)
}

// Machines reads all enrolled machines, by id.
func (s *Store) Machines(ctx context.Context) ([]record.Machine, error) {
	return list[record.Machine](ctx, s, machineList, "listing machines")
}

// MachinesFrom reads the enrolled machines by id, at most limit of them, from the first whose id comes after after.
func (s *Store) MachinesFrom(ctx context.Context, after string, limit int) ([]record.Machine, error) {
	return query[record.Machine](ctx, s, s.listed(machineList, after), limit, "listing machines")
}

// listed are the rows of a list whose place comes after one, "" for all of them.
func (s *Store) listed(name, after string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		IndexName:                 aws.String(listIndex),
		KeyConditionExpression:    aws.String("listPk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(s.prefix + name)},
	}
	if after != "" {
		in.KeyConditionExpression = aws.String("listPk = :pk AND listSk > :after")
		in.ExpressionAttributeValues[":after"] = str(after)
	}
	return in
}

// Evidence reads the newest evidence records of a machine, newest first.
func (s *Store) Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error) {
	return under[record.Evidence](ctx, s, machineKey(machine), "evidence#", true, limit, "reading evidence of "+machine)
}

// EvidenceFrom reads a machine's evidence of inspections that were sent from one time until another, oldest first, at
// most limit of them. After is Cursor of the last that was read before, "" for none: what is not later is left out.
func (s *Store) EvidenceFrom(ctx context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error) {
	first := stamp(from)
	if after > first {
		first = after
		limit++ // the one that was read before comes again
	}
	page, err := query[record.Evidence](ctx, s, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + machineKey(machine)), ":first": str("evidence#" + first),
			":last": str("evidence#" + stamp(until.Add(time.Nanosecond))), // what was sent just then sorts before it
		},
		ConsistentRead: aws.Bool(true),
	}, limit, "reading evidence of "+machine)
	if len(page) > 0 && Cursor(page[0]) == after {
		page = page[1:]
	}
	return page, err
}

// Cursor is where EvidenceFrom goes on after this record.
func Cursor(e record.Evidence) string { return stamp(e.Sent) + "#" + e.Command }

// Ledger reads the newest ledger entries of a machine, newest first; limit 0 means all.
func (s *Store) Ledger(ctx context.Context, machine string, limit int) ([]record.Entry, error) {
	return under[record.Entry](ctx, s, machineKey(machine), "ledger#", true, limit, "reading ledger of "+machine)
}

// LedgerFrom reads a part of a machine's ledger, oldest first by the clocks of who wrote: at most limit entries after a
// place, "" for none, and the place to go on from, "" when there is no more. What was written with an earlier time than
// the place meanwhile is left out.
func (s *Store) LedgerFrom(ctx context.Context, machine, after string, limit int) ([]record.Entry, string, error) {
	const start = "ledger#"
	first := start
	if after != "" {
		first = start + after + " " // the next place there could be
	}
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + machineKey(machine)), ":first": str(first), ":last": str("ledger$"),
		},
	})
	if err != nil {
		return nil, "", awsconf.Wrap(err, "reading ledger of "+machine)
	}
	var entries []record.Entry
	for _, row := range out.Items {
		e, err := decode[record.Entry](row)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, e)
	}
	last, _ := out.LastEvaluatedKey["sk"].(*types.AttributeValueMemberS)
	if last == nil {
		return entries, "", nil
	}
	return entries, strings.TrimPrefix(last.Value, start), nil
}

// Outbox reads the executions that have to be started, oldest name first.
func (s *Store) Outbox(ctx context.Context) ([]record.Start, error) {
	return under[record.Start](ctx, s, outboxKey, "start#", false, 0, "reading outbox")
}

// Started takes an entry out of the outbox; one that is gone already is no error.
func (s *Store) Started(ctx context.Context, name string) error {
	return s.remove(ctx, outboxKey, "start#"+name, condition{}, "clearing outbox entry "+name)
}
