// Package handler tells those who keep findings what the machines' records say. It is what the program findings serves,
// apart from its wiring.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/rows"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/finding"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	EvidenceFrom(ctx context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error)
}

type hub interface {
	Import(ctx context.Context, p event.Place, all []finding.Finding) error
}

type compliance interface {
	Put(ctx context.Context, all finding.Compliance) error
}

// Handler serves records of the table's stream.
type Handler struct {
	Store      records
	Hub        hub        // nil: nothing is told to Security Hub
	Compliance compliance // nil: nothing is told to Systems Manager
	Account    string
	Region     string
	Log        *slog.Logger
}

// Handle tells of the machines' records in their order, up to the first that cannot be told: Lambda goes on from there.
// When that is the first of all, the error lets Lambda halve the batch.
func (h *Handler) Handle(ctx context.Context, _ time.Time, in events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for i, r := range in.Records {
		err := h.tell(ctx, r)
		switch {
		case err == nil:
			continue
		case i == 0:
			return answer, err
		}
		h.Log.WarnContext(ctx, "findings are tried again", boot.KeyCount, len(in.Records)-i, boot.KeyError, err.Error())
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
		break
	}
	return answer, nil
}

// machine is the sort key of a machine's record.
const machine = "machine"

func (h *Handler) tell(ctx context.Context, r events.DynamoDBEventRecord) error {
	row, err := rows.Of(r, h.Account, h.Region)
	if err != nil || row.Sort != machine || r.EventName == "REMOVE" {
		return err
	}
	now, err := rows.New[record.Machine](r)
	if err != nil {
		return err
	}
	var old record.Machine
	if r.EventName == "MODIFY" {
		if old, err = rows.Old[record.Machine](r); err != nil {
			return err
		}
	}
	if !finding.Told(old, now) {
		return nil
	}
	looked, err := h.looked(ctx, now)
	if err != nil {
		return err
	}
	place := event.Place{Partition: row.Partition, Account: h.Account, Region: h.Region}
	if all := finding.Of(place, old, now, looked); h.Hub != nil && len(all) > 0 {
		if err := h.Hub.Import(ctx, place, all); err != nil {
			return err
		}
	}
	if all, is := finding.ComplianceOf(now, looked); h.Compliance != nil && is {
		err := h.Compliance.Put(ctx, all)
		if fault.Is(err, fault.NotFound) {
			h.Log.InfoContext(ctx, "machine is not managed any more", boot.KeyMachine, now.ID)
			return nil
		}
		return err
	}
	return nil
}

// looked is what the inspection said that the record is of.
func (h *Handler) looked(ctx context.Context, m record.Machine) (finding.Looked, error) {
	at := m.State.LastEvidence
	kept, err := h.Store.EvidenceFrom(ctx, m.ID, at, at, "", 10)
	if err != nil {
		return finding.Looked{}, err
	}
	for _, k := range kept {
		if k.Sent.Equal(at) && k.Digest == m.Digest {
			return finding.Looked{Known: true, Command: k.Command, Result: k.Result}, nil
		}
	}
	return finding.Looked{}, nil
}
