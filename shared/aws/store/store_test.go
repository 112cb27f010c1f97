package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const (
	table  = "keyward"
	prefix = awstest.Account + "#" + awstest.Region + "#"
	keyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

var noon = awstest.Noon

type place struct {
	*awstest.Place
	*store.Store
	sdk *sdk.Client
}

// begin makes the table as the template declares it.
func begin(t testing.TB) *place {
	t.Helper()
	p := awstest.New(t)
	db := dynamodb.New(p.Clock, awstest.Region, awstest.Account)
	text := func(name string) dynamodb.Key { return dynamodb.Key{Name: name, Kind: "S"} }
	if err := db.CreateTable(dynamodb.Table{Name: table, Partition: text("pk"), Sort: text("sk"), TimeToLive: "expiresAt",
		Indexes: []dynamodb.Index{{Name: "list", Partition: text("listPk"), Sort: text("listSk")}}}); err != nil {
		t.Fatal(err)
	}
	p.Register(db.Service())
	return &place{p, store.New(p.Config, table, awstest.Account, awstest.Region), sdk.NewFromConfig(p.Config)}
}

// row reads a row as it lies in the table; it is empty when there is none.
func (p *place) row(t testing.TB, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := p.sdk.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String(table), Key: key(pk, sk)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(prefix + pk), "sk": text(sk)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// must ends the test at an error, for what is not what it is about.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares what was read with what was written.
func same[T any](t *testing.T, what string, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
}

func machine(id string) record.Machine {
	return record.Machine{ID: id, Name: "web-1", Owner: "owner@example.com", SessionARN: awstest.Session, Policy: "web",
		Key: record.Key{ARN: keyARN, Mode: policy.Mode("grant")}, EnrolledAt: noon}
}

// enrol writes a machine as it is first written.
func (p *place) enrol(t testing.TB, id string) record.Machine {
	t.Helper()
	m, err := p.Apply(t.Context(), store.Change{Machine: machine(id), At: noon})
	must(t, err)
	p.Calls()
	return m
}

// noise is text that does not compress.
func noise(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
	source := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[source.IntN(len(letters))]
	}
	return string(b)
}

func nth(n int) string { return fmt.Sprintf("i-%017x", n) }

func TestMachine(t *testing.T) {
	t.Parallel()
	p := begin(t)
	_, err := p.Machine(t.Context(), awstest.Machine)
	awstest.Wrapped(t, err, fault.NotFound, "reading machine "+awstest.Machine+": there is none")
	enrolled := p.enrol(t, awstest.Machine)
	want := machine(awstest.Machine)
	want.Version = 1
	same(t, "Apply", want)(enrolled, nil)
	same(t, "Machine", want)(p.Machine(t.Context(), awstest.Machine))
	if all, err := p.Machines(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Machines = %d, %v, want one", len(all), err)
	}
}

func TestMachinesInOrderAndBeyondOnePage(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const count = 90
	long := noise(15 << 10) // below what is compressed: 90 of them are more than 1 MB
	for _, n := range rand.Perm(count) {
		m := machine(nth(n))
		m.Name = long
		_, err := p.Apply(t.Context(), store.Change{Machine: m, At: noon})
		must(t, err)
	}
	p.Calls()
	all, err := p.Machines(t.Context())
	if err != nil || len(all) != count {
		t.Fatalf("Machines = %d, %v, want %d", len(all), err, count)
	}
	for n, m := range all {
		if m.ID != nth(n) || m.Name != long {
			t.Fatalf("Machines[%d] = %s, want %s, whole and in order", n, m.ID, nth(n))
		}
	}
	if calls := p.Operations(); len(calls) < 2 {
		t.Errorf("calls = %v, want more than one page", calls)
	}
	var ids []string
	for after := ""; ; {
		page, err := p.MachinesFrom(t.Context(), after, 40)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		after = ids[len(ids)-1]
	}
	if len(ids) != count || !slices.IsSorted(ids) {
		t.Errorf("MachinesFrom, 40 at a time: %d in order %t, want all %d", len(ids), slices.IsSorted(ids), count)
	}
}

func TestEvidenceNewestFirst(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	const count = 12
	long := noise(300 << 10) // compressed still more than a third of a page
	for n := range count {
		e := record.Evidence{Machine: m.ID, Command: fmt.Sprint(n), Sent: noon.Add(time.Duration(n) * time.Millisecond), Digest: long}
		var err error
		m, err = p.Apply(t.Context(), store.Change{Machine: m, Evidence: &e, At: noon})
		must(t, err)
	}
	for _, c := range []struct{ limit, want int }{{1, 1}, {4, 4}, {5, 5}, {7, 7}, {0, count}, {100, count}} {
		got, err := p.Evidence(t.Context(), m.ID, c.limit)
		if err != nil || len(got) != c.want {
			t.Errorf("Evidence(limit %d) = %d, %v, want %d", c.limit, len(got), err, c.want)
			continue
		}
		for i, e := range got {
			if want := fmt.Sprint(count - 1 - i); e.Command != want || e.Digest != long {
				t.Errorf("Evidence(limit %d)[%d] is of command %s, want %s, whole", c.limit, i, e.Command, want)
			}
		}
	}
	if none, err := p.Evidence(t.Context(), awstest.Other, 5); err != nil || len(none) != 0 {
		t.Errorf("Evidence of another machine = %d, %v, want none", len(none), err)
	}
}

// Evidence lies at the instant it was asked for: later by a nanosecond is later.
func TestEvidenceOrderIsTimeOrder(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	times := []time.Time{noon, noon.Add(1), noon.Add(100 * time.Millisecond), noon.Add(time.Second).In(time.FixedZone("", 3600)), noon.Add(9 * time.Hour)}
	for _, n := range []int{3, 0, 4, 2, 1} {
		var err error
		m, err = p.Apply(t.Context(), store.Change{Machine: m, Evidence: &record.Evidence{Machine: m.ID, Command: fmt.Sprint(n), Sent: times[n]}, At: noon})
		must(t, err)
	}
	got, err := p.Evidence(t.Context(), m.ID, 0)
	var order []string
	for _, e := range got {
		order = append(order, e.Command)
	}
	if strings.Join(order, "") != "43210" || err != nil {
		t.Errorf("Evidence in order %v, %v, want 4 3 2 1 0", order, err)
	}
}

// Evidence of a time is read in pages: each goes on after the last record of the one before, and no record is lost or
// comes twice, be it that two were sent in one instant.
func TestEvidenceFrom(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	sent := []time.Duration{-1, 0, 0, 1, time.Second, time.Hour, time.Hour + 1}
	for n, d := range sent {
		var err error
		m, err = p.Apply(t.Context(), store.Change{Machine: m, Evidence: &record.Evidence{Machine: m.ID, Command: fmt.Sprint(n), Sent: noon.Add(d)}, At: noon})
		must(t, err)
	}
	for limit := 1; limit <= 6; limit++ {
		var order, after string
		for {
			page, err := p.EvidenceFrom(t.Context(), m.ID, noon, noon.Add(time.Hour), after, limit)
			must(t, err)
			if len(page) > limit {
				t.Fatalf("a page of at most %d has %d", limit, len(page))
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				order += e.Command
			}
			after = store.Cursor(page[len(page)-1])
		}
		if order != "12345" {
			t.Errorf("pages of %d: %s, want 12345", limit, order)
		}
	}
	if none, err := p.EvidenceFrom(t.Context(), awstest.Other, noon, noon.Add(time.Hour), "", 5); err != nil || len(none) != 0 {
		t.Errorf("of another machine = %d, %v, want none", len(none), err)
	}
	if none, err := p.EvidenceFrom(t.Context(), m.ID, noon.Add(2*time.Hour), noon.Add(3*time.Hour), "", 5); err != nil || len(none) != 0 {
		t.Errorf("of a time without any = %d, %v, want none", len(none), err)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	for n := range 3 { // all in one instant: the order is that of the versions, then of the list
		var err error
		m, err = p.Apply(t.Context(), store.Change{Machine: m, At: noon, Ledger: []record.Entry{
			{Machine: m.ID, At: noon, Kind: record.EntryIntent, Text: fmt.Sprint(2 * n)},
			{Machine: m.ID, At: noon, Kind: record.EntryOrdered, Text: fmt.Sprint(2*n + 1)},
		}})
		must(t, err)
	}
	for limit, want := range map[int]string{0: "543210", 1: "5", 4: "5432"} {
		got, err := p.Ledger(t.Context(), m.ID, limit)
		var order strings.Builder
		for _, e := range got {
			order.WriteString(e.Text)
		}
		if err != nil || order.String() != want {
			t.Errorf("Ledger(limit %d) = %s, %v, want %s", limit, order.String(), err, want)
		}
	}
}

// One table may serve several accounts and Regions: what belongs to one must not show up in another.
func TestAccountsAndRegionsAreApart(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.enrol(t, awstest.Machine)
	must(t, p.SetHold(t.Context(), record.Hold{Scope: "global", SetAt: noon}))
	for name, other := range map[string]*store.Store{
		"account": store.New(p.Config, table, "210987654321", awstest.Region),
		"Region":  store.New(p.Config, table, awstest.Account, "eu-central-1"),
	} {
		if _, err := other.Machine(t.Context(), awstest.Machine); !fault.Is(err, fault.NotFound) {
			t.Errorf("other %s: Machine = %v, want NotFound", name, err)
		}
		machines, err := other.Machines(t.Context())
		if err != nil || len(machines) != 0 {
			t.Errorf("other %s: Machines = %v, %v, want none", name, machines, err)
		}
		holds, err := other.HoldsOn(t.Context(), record.Scopes(awstest.Machine, "web"), noon)
		if err != nil || len(holds) != 0 {
			t.Errorf("other %s: HoldsOn = %v, %v, want none", name, holds, err)
		}
		if _, err := other.Apply(t.Context(), store.Change{Machine: machine(awstest.Machine), NotHeld: []record.Scope{"global"}, At: noon}); err != nil {
			t.Errorf("other %s: Apply = %v, want success", name, err)
		}
	}
}
