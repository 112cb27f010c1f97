package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/record"
)

const (
	machineRow  = "machine"
	machineList = "machines"
)

func machineKey(id string) string { return "machine#" + id }

func machineItem(m record.Machine) item {
	return item{
		pk: machineKey(m.ID), sk: machineRow, listPK: machineList, listSK: m.ID,
		version: m.Version, doc: m,
		extra: map[string]types.AttributeValue{"generation": number(m.State.Generation)},
	}
}

// Machine reads one enrolled machine; fault.NotFound if there is none.
func (s *Store) Machine(ctx context.Context, id string) (record.Machine, error) {
	return get[record.Machine](ctx, s, machineKey(id), machineRow, "reading machine "+id)
}

// Machines reads all enrolled machines, by id.
func (s *Store) Machines(ctx context.Context) ([]record.Machine, error) {
	return list[record.Machine](ctx, s, machineList, "listing machines")
}

// Evidence reads the newest evidence records of a machine, newest first.
func (s *Store) Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error) {
	return under[record.Evidence](ctx, s, machineKey(machine), "evidence#", true, limit, "reading evidence of "+machine)
}

// Ledger reads the newest ledger entries of a machine, newest first; limit 0 means all.
func (s *Store) Ledger(ctx context.Context, machine string, limit int) ([]record.Entry, error) {
	return under[record.Entry](ctx, s, machineKey(machine), "ledger#", true, limit, "reading ledger of "+machine)
}

// Outbox reads the executions that have to be started, oldest name first.
func (s *Store) Outbox(ctx context.Context) ([]record.Start, error) {
	return under[record.Start](ctx, s, outboxKey, "start#", false, 0, "reading outbox")
}

// Started takes an entry out of the outbox; one that is gone already is no error.
func (s *Store) Started(ctx context.Context, name string) error {
	return s.remove(ctx, outboxKey, "start#"+name, condition{}, "clearing outbox entry "+name)
}
