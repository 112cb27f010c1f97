package gather_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/gather"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/record"
)

// fake keeps the sample's story. What is in broken fails.
type fake struct {
	data   report.Data
	broken map[string]error
	asked  atomic.Int64
	cancel func()
}

func (f *fake) Machines(context.Context) ([]record.Machine, error) {
	return f.data.Machines, f.broken["machines"]
}

func (f *fake) Ledger(_ context.Context, id string) ([]record.Entry, map[string]record.Head, error) {
	if f.asked.Add(1); f.cancel != nil {
		f.cancel()
	}
	entries := f.data.Ledger[id]
	return entries, map[string]record.Head{"": {Number: int64(len(entries)), Hash: entries[len(entries)-1].Hash}}, f.broken["ledger "+id]
}

func (f *fake) Looks(_ context.Context, id string, since, until time.Time, each func(record.Evidence)) error {
	for _, l := range f.data.Looks[id] {
		if l.Sent.Before(since) || l.Sent.After(until) {
			continue
		}
		e := evidence.Evidence{OS: evidence.OS{Pretty: l.System, BootID: evidence.Known(l.BootID), Boot: evidence.Known(l.Boot)}, Mounts: l.Mounts}
		e.AWS = &evidence.AWS{Instance: &evidence.Instance{Image: l.Image, Type: l.Type}, Volumes: l.Volumes}
		each(record.Evidence{Machine: id, Sent: l.Sent, Presence: l.Presence, Evidence: &e})
	}
	return f.broken["looks "+id]
}

func (f *fake) Requests(context.Context) ([]record.Request, error) {
	return f.data.Requests, f.broken["requests"]
}

func (f *fake) PolicyNames(context.Context) ([]string, error) {
	return []string{"web", "old"}, f.broken["names"]
}

func (f *fake) PolicyVersions(_ context.Context, name string) ([]record.Policy, error) {
	return f.data.Policies[name], f.broken["versions "+name]
}

func (f *fake) Holds(context.Context) ([]record.Hold, error) { return f.data.Holds, f.broken["holds"] }

func (f *fake) Waivers(context.Context) (record.WaiverList, error) {
	list := record.WaiverList{Waivers: f.data.Waivers}
	if f.broken["waiver"] != nil {
		list.Unread = 2
	}
	return list, f.broken["waivers"]
}

func (f *fake) BreakerEvents(context.Context) ([]record.BreakerEvent, error) {
	return f.data.Events, f.broken["events"]
}

func read(t *testing.T, f *fake, sections []report.ID) report.Report {
	t.Helper()
	place := gather.Place{Account: f.data.Account, Region: f.data.Region, Version: f.data.Version, ReadAt: f.data.ReadAt}
	last := 0
	d, err := gather.Gather(t.Context(), f, place, sample.Period(), sections, func(done, all int) {
		if done != last+1 || all != len(f.data.Machines) {
			t.Errorf("progress says %d of %d after %d", done, all, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	return report.Build(d, sample.Period(), sections)
}

// TestWhatIsReadIsReported: what was gathered makes the report that the sample's data makes.
func TestWhatIsReadIsReported(t *testing.T) {
	t.Parallel()
	got, want := read(t, &fake{data: sample.Data()}, report.All()), report.Build(sample.Data(), sample.Period(), report.All())
	var a, b strings.Builder
	if err := errors.Join(report.CSV(&a, got), report.CSV(&b, want)); err != nil {
		t.Fatal(err)
	}
	x, y := strings.Split(a.String(), "\n"), strings.Split(b.String(), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] && !strings.Contains(y[i], "no_evidence") { // of a look without evidence the fake makes one with nothing in it
			t.Errorf("line %d is %.200q, want %.200q", i, x[i], y[i])
		}
	}
	if !got.Complete() {
		t.Errorf("gaps: %q", got.Gaps)
	}
}

// TestWhatCannotBeReadIsNamed: each thing on its own, with the rest still there.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	gone := errors.New("AWS limits us")
	for thing, want := range map[string]string{
		"ledger " + sample.Web: "the ledger of " + sample.Web + ": AWS limits us",
		"looks " + sample.Shop: "the inspections of " + sample.Shop + ": AWS limits us",
		"requests":             "the key requests: AWS limits us",
		"names":                "the list of policies: AWS limits us",
		"versions web":         "the versions of policy web: AWS limits us",
		"holds":                "people's holds: AWS limits us",
		"waivers":              "the waivers: AWS limits us",
		"waiver":               "2 of the waivers: their rows cannot be read",
		"events":               "what was done about the breakers: AWS limits us",
	} {
		r := read(t, &fake{data: sample.Data(), broken: map[string]error{thing: gone}}, report.All())
		if len(r.Gaps) != 1 || r.Gaps[0] != want || r.Complete() {
			t.Errorf("%s: gaps %q, want %q", thing, r.Gaps, want)
		}
		if thing == "ledger "+sample.Web {
			for _, s := range r.Sections {
				if s.ID == report.Revocations && len(s.Tables[0].Rows) != 0 {
					t.Error("a revocation of a ledger that was not read")
				}
				if s.ID == report.Compliance && s.Figures[0].Value.In(time.UTC) != "2" {
					t.Errorf("machines %v, want the two that were read", s.Figures[0])
				}
			}
		}
	}
}

// TestALedgerThatIsNotWhole is a gap, too.
func TestALedgerThatIsNotWhole(t *testing.T) {
	t.Parallel()
	d := sample.Data()
	d.Ledger[sample.Web] = slices.Delete(d.Ledger[sample.Web], 3, 4)
	r := read(t, &fake{data: d}, []report.ID{report.Compliance})
	if len(r.Gaps) != 1 || !strings.HasPrefix(r.Gaps[0], "the ledger of "+sample.Web+" is not whole: entries before 5") {
		t.Errorf("gaps %q", r.Gaps)
	}
}

func TestNoMachinesIsAnError(t *testing.T) {
	t.Parallel()
	gone := errors.New("AWS limits us")
	f := &fake{data: sample.Data(), broken: map[string]error{"machines": gone}}
	if _, err := gather.Gather(t.Context(), f, gather.Place{}, sample.Period(), report.All(), func(int, int) {}); !errors.Is(err, gone) {
		t.Errorf("Gather: %v", err)
	}
}

// TestCancelled: what was stopped is no report with gaps.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{data: sample.Data(), cancel: cancel}
	if _, err := gather.Gather(ctx, f, gather.Place{}, sample.Period(), report.All(), func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Gather: %v", err)
	}
}

// TestNothingThatIsNotNeeded: key requests alone ask for no ledger.
func TestNothingThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	f := &fake{data: sample.Data()}
	read(t, f, []report.ID{report.KeysApproved})
	if n := f.asked.Load(); n != 0 {
		t.Errorf("%d ledgers were read", n)
	}
}
