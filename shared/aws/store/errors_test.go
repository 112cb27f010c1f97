package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func only[T any](_ T, err error) error { return err }

// Every method tells its errors in the same way.
func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	own := map[string]fault.Kind{
		"ProvisionedThroughputExceededException": fault.Transient, "RequestLimitExceeded": fault.Transient, "InternalServerError": fault.Transient,
		"ResourceNotFoundException": fault.NotFound,
	}
	type methods map[string]func(context.Context, *store.Store) error
	for operation, all := range map[string]methods{
		"PutItem": {
			"Settled":   func(ctx context.Context, s *store.Store) error { return s.Settled(ctx, record.Command{ID: "c"}) },
			"Use":       func(ctx context.Context, s *store.Store) error { return s.Use(ctx, "b", noon, noon) },
			"Queue":     func(ctx context.Context, s *store.Store) error { return s.Queue(ctx, record.Turn{}) },
			"SetHold":   func(ctx context.Context, s *store.Store) error { return s.SetHold(ctx, record.Hold{Scope: "global"}) },
			"EndNotice": func(ctx context.Context, s *store.Store) error { return s.EndNotice(ctx, record.Notice{}) },
			"BeginNotice": func(ctx context.Context, s *store.Store) error {
				return only(s.BeginNotice(ctx, record.Notice{}))
			},
		},
		"GetItem": {
			"Machine": func(ctx context.Context, s *store.Store) error { return only(s.Machine(ctx, awstest.Machine)) },
			"Used":    func(ctx context.Context, s *store.Store) error { return only(s.Used(ctx, "b")) },
			"Command": func(ctx context.Context, s *store.Store) error { return only(s.Command(ctx, "c")) },
			"Answer":  func(ctx context.Context, s *store.Store) error { return only(s.Answer(ctx, "c", awstest.Machine)) },
			"Policy":  func(ctx context.Context, s *store.Store) error { return only(s.Policy(ctx, "web")) },
			"Request": func(ctx context.Context, s *store.Store) error { return only(s.Request(ctx, awstest.Machine, "r")) },
		},
		"Query": {
			"Machines": func(ctx context.Context, s *store.Store) error { return only(s.Machines(ctx)) },
			"Evidence": func(ctx context.Context, s *store.Store) error { return only(s.Evidence(ctx, awstest.Machine, 1)) },
			"EvidenceFrom": func(ctx context.Context, s *store.Store) error {
				return only(s.EvidenceFrom(ctx, awstest.Machine, noon, noon, "", 1))
			},
			"Waivers": func(ctx context.Context, s *store.Store) error { return only(s.Waivers(ctx)) },
			"Waiver":  func(ctx context.Context, s *store.Store) error { return only(s.Waiver(ctx, "w")) },
			"WaiversOn": func(ctx context.Context, s *store.Store) error {
				return only(s.WaiversOn(ctx, []record.Scope{"global"}))
			},
			"Ledger":       func(ctx context.Context, s *store.Store) error { return only(s.Ledger(ctx, awstest.Machine, 1)) },
			"Ahead":        func(ctx context.Context, s *store.Store) error { return only(s.Ahead(ctx, "b", "", noon)) },
			"Outbox":       func(ctx context.Context, s *store.Store) error { return only(s.Outbox(ctx)) },
			"OpenCommands": func(ctx context.Context, s *store.Store) error { return only(s.OpenCommands(ctx)) },
			"Holds":        func(ctx context.Context, s *store.Store) error { return only(s.Holds(ctx, noon)) },
		},
		"DeleteItem": {
			"LiftHold": func(ctx context.Context, s *store.Store) error { return s.LiftHold(ctx, "global") },
			"Started":  func(ctx context.Context, s *store.Store) error { return s.Started(ctx, "e") },
		},
		"TransactWriteItems": {
			"Apply": func(ctx context.Context, s *store.Store) error { return only(s.Apply(ctx, store.Change{At: noon})) },
			"SetWaiver": func(ctx context.Context, s *store.Store) error {
				return s.SetWaiver(ctx, record.Waiver{ID: "w", Scope: "global"}, nil)
			},
			"Sent":       func(ctx context.Context, s *store.Store) error { return s.Sent(ctx, record.Command{ID: "c"}) },
			"PutRequest": func(ctx context.Context, s *store.Store) error { return only(s.PutRequest(ctx, record.Request{})) },
			"PutPolicy":  func(ctx context.Context, s *store.Store) error { return only(s.PutPolicy(ctx, record.Policy{})) },
		},
	} {
		for name, call := range all {
			p.Mapped(t, operation, own, func(ctx context.Context, cfg aws.Config) error {
				return call(ctx, store.New(cfg, table, awstest.Account, awstest.Region))
			})
			if t.Failed() {
				t.Fatalf("the failures above are of %s", name)
			}
		}
	}
	p.Refuse("GetItem", awstest.Error("AccessDeniedException"))
	awstest.Wrapped(t, only(p.HoldsOn(t.Context(), []record.Scope{"global"}, noon)), fault.Denied, "reading hold on global: AccessDeniedException")
	// Only a transaction tells apart whose condition did not hold.
	p.Refuse("PutItem", awstest.Error("TransactionConflictException"))
	awstest.Wrapped(t, p.SetHold(t.Context(), record.Hold{Scope: "global"}), fault.Transient, "setting hold on global")
}

// cancelled is what DynamoDB answers to a transaction that it did not carry out.
func cancelled(codes ...string) *wire.Error {
	reasons := make([]map[string]string, len(codes))
	for i, c := range codes {
		reasons[i] = map[string]string{"Code": c}
	}
	e := awstest.Error("TransactionCanceledException")
	e.Members = map[string]any{"CancellationReasons": reasons}
	return e
}

func TestCancelledTransactions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reasons []string
		kind    fault.Kind
		says    string
	}{
		"condition of the machine": {[]string{"ConditionalCheckFailed", "None"}, fault.Conflict, "it was changed by somebody else"},
		"condition of a hold":      {[]string{"None", "ConditionalCheckFailed"}, fault.Conflict, "it is held: global"},
		"the first counts":         {[]string{"ConditionalCheckFailed", "TransactionConflict"}, fault.Conflict, "it was changed by somebody else"},
		"two at once":              {[]string{"None", "TransactionConflict"}, fault.Transient, "the table is busy with it"},
		"throttled":                {[]string{"ThrottlingError", "None"}, fault.Transient, "the table is busy with it"},
		"too much for the table":   {[]string{"ProvisionedThroughputExceeded", "None"}, fault.Transient, "the table is busy with it"},
		"a record too large":       {[]string{"ValidationError", "None"}, fault.Invalid, "DynamoDB refuses a record: ValidationError"},
		"no reason":                {[]string{"None", "None"}, fault.Conflict, "TransactionCanceledException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			p.Refuse("TransactWriteItems", cancelled(c.reasons...))
			_, err := p.Apply(t.Context(), store.Change{Machine: machine(awstest.Machine), NotHeld: []record.Scope{"global"}, At: noon})
			awstest.Wrapped(t, err, c.kind, "changing machine "+awstest.Machine+": "+c.says)
			var original *types.TransactionCanceledException
			if !errors.As(err, &original) {
				t.Errorf("the chain of %v lost AWS's error", err)
			}
		})
	}
}

// What only met others is tried again; what lost to them is not.
func TestContention(t *testing.T) {
	t.Parallel()
	busy, lost := cancelled("None", "TransactionConflict"), cancelled("ConditionalCheckFailed", "TransactionConflict")
	for name, c := range map[string]struct {
		answers []*wire.Error
		calls   int
		kind    fault.Kind // of an error
		ok      bool
	}{
		"met others twice":   {[]*wire.Error{busy, busy, nil}, 3, 0, true},
		"throttled, then ok": {[]*wire.Error{cancelled("ThrottlingError"), nil}, 2, 0, true},
		"met others always":  {[]*wire.Error{busy}, 5, fault.Transient, false},
		"lost":               {[]*wire.Error{lost, nil}, 1, fault.Conflict, false},
		"refused":            {[]*wire.Error{cancelled("ValidationError"), nil}, 1, fault.Invalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			patient := store.New(p.Patient(), table, awstest.Account, awstest.Region)
			p.Refuse("TransactWriteItems", c.answers...)
			_, err := patient.Apply(t.Context(), store.Change{Machine: machine(awstest.Machine), NotHeld: []record.Scope{"global"}, At: noon})
			if c.ok != (err == nil) || err != nil && !fault.Is(err, c.kind) {
				t.Errorf("Apply = %v, want success %v or kind %s", err, c.ok, fault.Of(c.kind).Name)
			}
			if got := len(p.Calls()); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
		})
	}
}

// A person who sets or lifts a hold while transactions check it must not be told that there is none.
func TestHoldsWhileTransactionsCheckThem(t *testing.T) {
	t.Parallel()
	p := begin(t)
	patient := store.New(p.Patient(), table, awstest.Account, awstest.Region)
	met := awstest.Error("TransactionConflictException")
	p.Refuse("PutItem", met, nil)
	must(t, patient.SetHold(t.Context(), record.Hold{Scope: "global"}))
	p.Refuse("DeleteItem", met)
	awstest.Wrapped(t, p.LiftHold(t.Context(), "global"), fault.Transient, "lifting hold on global")
	p.Refuse("DeleteItem", met, nil)
	must(t, patient.LiftHold(t.Context(), "global"))
}

// The answer to a write got lost and the SDK repeats it: it must not find its own row and call it somebody else's.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	write := map[string]func(context.Context, *store.Store) error{
		"Apply": func(ctx context.Context, s *store.Store) error {
			return only(s.Apply(ctx, store.Change{Machine: machine(awstest.Machine), At: noon}))
		},
		"Sent": func(ctx context.Context, s *store.Store) error {
			return s.Sent(ctx, record.Command{ID: command, SentAt: noon})
		},
		"PutRequest": func(ctx context.Context, s *store.Store) error {
			return only(s.PutRequest(ctx, record.Request{ID: "r"}))
		},
		"PutPolicy": func(ctx context.Context, s *store.Store) error {
			return only(s.PutPolicy(ctx, record.Policy{Name: "web"}))
		},
	}
	for name, call := range write {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			p.Lose("TransactWriteItems")
			if err := call(t.Context(), store.New(p.Patient(), table, awstest.Account, awstest.Region)); err != nil {
				t.Errorf("%s = %v, want success", name, err)
			}
			if got := len(p.Calls()); got != 2 {
				t.Errorf("%d calls, want 2", got)
			}
			awstest.Wrapped(t, call(t.Context(), p.Store), fault.Conflict, "") // the first one did count
		})
	}
}
