package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
	"github.com/keyward/keyward/statemachine"
)

// fleet is the machines of one account with everything that happens to them.
type fleet struct {
	*world.World
	options   Options
	number    int
	seed      uint64
	random    *rand.Rand // of the people and of AWS's weather; each machine has its own
	kinds     []*kind
	share     float64 // of all kinds
	incidents []incident
	weight    int // of all incidents
	all       []*subject
	byID      map[string]*subject
	end       time.Time

	holds    map[string]holding
	outages  []span              // in which we could not look
	recorded map[string]recorded // mails by reference

	takes []take

	violations []Violation
	steps      []string // of Options.Trace
	measured   measured
	trace      bool
	meter      *meter
}

// recorded is what was written of a mail.
type recorded struct {
	begun    time.Time // when the invocation started that began it
	accepted int64     // seq of the record that says so; 0 is none
	back     int64     // seq of the record that says that it came back from all who got it; 0 is none
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// holding is one person's hold as it truly is.
type holding struct {
	set  bool
	seq  int64
	at   time.Time // when it was set or lifted
	ends time.Time // zero: when it is lifted
}

// stands is whether it holds at a time: one that says when it ends is over then, whoever lifts it later.
func (h holding) stands(at time.Time) bool { return h.set && (h.ends.IsZero() || at.Before(h.ends)) }

// over is when a hold that stands no more was over.
func (h holding) over() time.Time {
	if h.set {
		return h.ends
	}
	return h.at
}

func newFleet(o Options, number, size int) *fleet {
	seed := o.Seed*1_000_003 + uint64(number)
	f := &fleet{
		World: world.New(start, seed, levels[o.Faults]), options: o, number: number, seed: seed,
		random: rand.New(rand.NewPCG(seed, 1)), kinds: chosen(o.Policies, kinds(), func(k *kind) string { return k.name }),
		incidents: chosen(o.Incidents, incidents, func(i incident) string { return i.name }), byID: map[string]*subject{}, end: start.Add(time.Duration(o.Days) * 24 * time.Hour),
		holds: map[string]holding{}, recorded: map[string]recorded{}, measured: newMeasured(), trace: o.Trace != "",
	}
	for _, k := range f.kinds {
		f.share += k.share
	}
	for _, i := range f.incidents {
		f.weight += i.weight
	}
	f.Watch = f
	if err := f.Define(statemachine.Enforcement); err != nil {
		panic(err) // a test holds that local/sfn/asl knows all of it
	}
	Install(f.World)
	f.Store.Keep = 4
	f.Mail.Bounces = bounces
	f.SSM.Answered = f.answered
	f.SSM.Over = f.over
	f.Safe.Stops = f.stops
	for _, k := range f.kinds {
		if _, err := f.Store.PutPolicy(context.Background(), k.stored(start)); err != nil {
			panic(err)
		}
		f.daily(k)
	}
	for i := range size {
		if o.Only == nil || slices.Contains(o.Only, i) {
			f.born(i)
		}
	}
	f.Every(start.Add(5*time.Minute), 5*time.Minute, f.sweep)
	f.Every(start.Add(24*time.Hour), 24*time.Hour, func() {
		f.SSM.Forget(f.Now().Add(-48 * time.Hour))
		f.Store.Forget(f.Now().Add(-48 * time.Hour))
	})
	if o.Faults != "none" {
		f.weather()
	}
	f.people()
	f.changes()
	f.puts()
	f.waive()
	f.orders(seed)
	f.Every(start.Add(12*time.Hour), 24*time.Hour, f.reset)
	return f
}

// chosen are those of a list whose names were asked for, all of it when none was.
func chosen[T any](names []string, all []T, name func(T) string) []T {
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !slices.Contains(names, name(v)) })
}

// run runs the fleet to its end, or to its first violation if that is asked for.
func (f *fleet) run(ctx context.Context) {
	var told int64
	for n := 0; f.Next(f.end); n++ {
		if n%1024 == 0 {
			told = f.meter.add(len(f.all), told, f.Now())
		}
		if f.options.Stop && len(f.violations) > 0 || n%1024 == 0 && ctx.Err() != nil {
			break
		}
	}
	f.meter.add(len(f.all), told, f.end)
	f.Close()
}

// daily is Scheduler for one policy.
func (f *fleet) daily(k *kind) {
	at, _ := time.Parse("15:04", k.at)
	first := start.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	event, _ := json.Marshal(inspection.Request{Version: inspection.Version, Purpose: record.Scheduled, Policy: k.name})
	f.Every(first, 24*time.Hour, func() {
		if f.random.Float64() >= f.Faults.Missing {
			f.Event("inspect", k.name, event)
		}
	})
}

// sweep is Scheduler for the sweep, and the moment at which everybody is looked at by those who watch.
func (f *fleet) sweep() {
	if f.random.Float64() >= f.Faults.Missing {
		f.Event("sweep", "", []byte("{}"))
	}
	f.scan()
}

// over is EventBridge's event that a command has ended everywhere.
func (f *fleet) over(command string) {
	f.Event("evaluate", command, []byte(`{"source":"aws.ssm","detail":{"command-id":"`+command+`"}}`))
}

// born enrols one machine, as the people's API writes it, and has it ask for its key.
func (f *fleet) born(index int) {
	s := &subject{
		fleet: f, index: index, random: rand.New(rand.NewPCG(f.seed, uint64(index)+1000)), goodSince: start, ableSince: start, runsSince: start,
	}
	id := fmt.Sprintf("i-%08x%09x", f.number, index)
	s.guest = &world.Guest{
		ID: id, Session: "arn:aws:sts::" + world.Account + ":assumed-role/web/" + id, Zone: "us-east-1a", Power: integrity.Running,
		Kernel: "6.1.0-18-amd64", Ports: []int{22}, Tags: map[string]string{"keyward:guarded": "true"},
	}
	if f.Faults.Skew > 0 {
		s.guest.Skew = time.Duration(s.random.Int64N(int64(2*f.Faults.Skew))) - f.Faults.Skew
	}
	at := s.random.Float64() * f.share
	for _, s.kind = range f.kinds {
		if at -= s.kind.share; at < 0 {
			break
		}
	}
	s.mode = s.kind.terms.Mode
	s.key = fmt.Sprintf("arn:aws:kms:%s:%s:key/shared-%d", world.Region, world.Account, index/100)
	owner := ""
	if s.mode == policy.DisableKey {
		s.key, owner = fmt.Sprintf("arn:aws:kms:%s:%s:key/own-%d", world.Region, world.Account, index), s.guest.Session
		f.EC2.Attach(s.key, fmt.Sprintf("vol-%08x%09x", f.number, index), id)
	}
	if !f.Keys.Exists(s.key) {
		f.Keys.Create(s.key, true, owner)
	}
	f.Bear(s.guest)
	f.all = append(f.all, s)
	f.byID[id] = s
	f.At(start.Add(s.between(0, time.Hour)), func() {
		m := record.Machine{
			ID: id, Name: fmt.Sprintf("machine-%d", index), Owner: ownerOf(index), SessionARN: s.guest.Session, Zone: "us-east-1a",
			Policy: s.kind.name, Key: record.Key{ARN: s.key, Mode: s.mode}, EnrolledAt: f.Now(), EnrolledBy: person, Tags: maps.Clone(s.guest.Tags),
		}
		_, err := f.Store.Apply(context.Background(), store.Change{Machine: m, At: f.Now(), Ledger: []record.Entry{{
			Machine: id, At: f.Now(), Kind: record.EntryEnrolled, By: person, Text: "enrolled",
		}}})
		if err != nil {
			panic(err)
		}
		if s.random.IntN(10) == 0 {
			s.after(time.Hour, 30*time.Hour, s.boot) // its agent is installed later
		} else {
			s.boot()
		}
		s.live()
	})
}
