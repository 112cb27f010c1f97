// Package handler tells others what the ledger says. It is what the program publish serves, apart from its wiring.
package handler

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/rows"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	EvidenceFrom(ctx context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error)
}

type bus interface {
	Publish(ctx context.Context, all []event.Event) (int, error)
}

// Handler serves records of the table's stream. All fields are required.
type Handler struct {
	Store   records
	Bus     bus
	Account string
	Region  string
	Log     *slog.Logger
}

// Handle publishes the ledger entries among the records in their order, up to the first that cannot be: Lambda is told to
// go on from there. When that is the first of all, the error lets Lambda halve the batch, until what cannot be told is
// alone and given up, so that it takes nothing else with it.
func (h *Handler) Handle(ctx context.Context, _ time.Time, in events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	var all []event.Event
	var of []int // the record of each event
	var problem error
	for i, r := range in.Records {
		e, is, err := h.event(ctx, r)
		if err != nil {
			problem = err
			of = append(of, i)
			break
		}
		if is {
			all, of = append(all, e), append(of, i)
		}
	}
	if n, err := h.Bus.Publish(ctx, all); err != nil {
		problem, of = err, of[n:]
	} else {
		of = of[n:]
	}
	if problem == nil {
		return answer, nil
	}
	failed := of[0]
	if failed == 0 {
		return answer, problem
	}
	h.Log.WarnContext(ctx, "events are tried again", boot.KeyCount, len(in.Records)-failed, boot.KeyError, problem.Error())
	answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: in.Records[failed].Change.SequenceNumber})
	return answer, nil
}

// ledger is how the sort keys of ledger entries begin.
const ledger = "ledger#"

// event is what a record tells; is says whether it tells something.
func (h *Handler) event(ctx context.Context, r events.DynamoDBEventRecord) (e event.Event, is bool, err error) {
	row, err := rows.Of(r, h.Account, h.Region)
	if err != nil {
		return e, false, err
	}
	place, ok := strings.CutPrefix(row.Sort, ledger)
	if !ok || r.EventName != "INSERT" {
		return e, false, nil // entries are written once
	}
	entry, err := rows.New[record.Entry](r)
	if err != nil {
		return e, false, err
	}
	result, err := h.result(ctx, entry)
	if err != nil {
		return e, false, err
	}
	e, err = event.Of(event.Place{Partition: row.Partition, Account: h.Account, Region: h.Region, Row: place}, entry, result)
	return e, err == nil, err
}

// looks are the inspections of a machine within inspection.TooOld at most, that are read to find one.
const looks = 50

// result is the judgement that a change of standing follows from, nil when there is none or it is not kept any more. It
// was written in the transaction of the entry, of an inspection that was not too old then.
func (h *Handler) result(ctx context.Context, e record.Entry) (*policy.Result, error) {
	if e.Kind != record.EntryVerdict {
		return nil, nil
	}
	kept, err := h.Store.EvidenceFrom(ctx, e.Machine, e.At.Add(-inspection.TooOld), e.At, "", looks)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		if k.JudgedAt.Equal(e.At) && k.Digest == e.Detail {
			return &k.Result, nil
		}
	}
	return nil, nil
}
