package console

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// The lists of machines are long, and the API gives them in pages: ten thousand machines take seconds. So they are read
// beside the pages, while somebody looks, and every page says how old what it shows is.
const (
	freshFor = 3 * time.Second        // lists that are younger are not read again
	rest     = 10                     // times as long as reading took, it is not done again: a tenth of the time at most
	patience = 120 * time.Millisecond // a page waits for lists that are being read
)

// row is what lists show of a machine.
type row struct {
	ID, Name, Owner, Zone, Policy string

	Standing    integrity.Standing
	Since       time.Time
	Why         string
	Key         integrity.KeyState
	KeySince    time.Time
	Mode        policy.Mode
	Commanded   bool
	DueAt       time.Time // of a Bad one whose key is to be taken
	HeldFor     string
	LookedAt    time.Time // when the newest judged inspection was sent
	Verdict     string
	Failed      int    // rules
	text        string // that words are looked for in
	NotInEffect bool   // KMS shows ways to use its key all the same
}

func rowOf(m record.Machine) row {
	s := m.State
	r := row{
		ID: m.ID, Name: cut(m.Name, 200), Owner: cut(m.Owner, 200), Zone: cut(m.Zone, 200), Policy: m.Policy,
		Standing: s.Standing, Since: s.Since, Why: cut(s.Why, 160), Key: s.Key, KeySince: s.KeySince, Mode: m.Key.Mode, Commanded: !s.CommandedAt.IsZero(),
		HeldFor: s.HeldFor, LookedAt: s.LastEvidence, Verdict: s.LastVerdict, Failed: len(m.Findings),
		NotInEffect: s.Key == integrity.KeyRevoked && len(m.NotEffective) > 0,
	}
	r.text = strings.ToLower(r.ID + " " + r.Name + " " + r.Owner + " " + r.Zone)
	if s.Standing == integrity.Bad && s.Key != integrity.KeyRevoked {
		r.DueAt = s.DueAt
	}
	return r
}

// part is what not every role may read.
type part[T any] struct {
	Value   T
	Trouble *trouble
}

func partOf[T any](route string, read func() (T, error)) part[T] {
	v, err := read()
	if err != nil {
		return part[T]{Trouble: wrong(err, route)}
	}
	return part[T]{Value: v}
}

// lists are the machines and the requests that wait, as they were read at once.
type lists struct {
	Status  record.Status
	Rows    []row // by id
	Waiting []record.Request
	Holds   part[[]record.Hold]
	Breaker part[record.BreakerView]
	Drills  part[[]record.Drill]
	Read    time.Time // by our own clock, when reading began
	Took    time.Duration

	Looked  bool     // this is an answer of look
	Known   bool     // they were read once
	Trouble *trouble // why they could not be read anew
	Reading int      // machines read so far, while Known is not
}

// Age is how old they are.
func (l lists) Age() time.Duration { return time.Since(l.Read) }

// Now is the stack's time, which in keyward local is not ours.
func (l lists) Now() time.Time {
	if l.Status.Time.IsZero() {
		return time.Now().UTC()
	}
	return l.Status.Time.Add(time.Since(l.Read)).UTC()
}

// fleet keeps the newest lists.
type fleet struct {
	api API

	mu      sync.Mutex
	newest  lists
	reading chan struct{} // closed when the reading that goes on has ended; nil when none does
	ended   time.Time     // when the last one did
	doubted bool          // something was ordered since
}

func newFleet(api API) *fleet { return &fleet{api: api} }

// look gives the newest lists, and has them read anew when they are old.
func (f *fleet) look(ctx context.Context) lists {
	f.mu.Lock()
	old := f.doubted || time.Since(f.ended) > max(freshFor, rest*f.newest.Took)
	if f.reading == nil && old {
		f.reading, f.doubted = make(chan struct{}), false
		go f.read(context.WithoutCancel(ctx))
	}
	going := f.reading
	f.mu.Unlock()
	if going != nil {
		select {
		case <-going:
		case <-time.After(patience):
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.newest
	l.Looked = true
	return l
}

// doubt has the lists read again: something was ordered.
func (f *fleet) doubt() {
	f.mu.Lock()
	f.doubted = true
	f.mu.Unlock()
}

func (f *fleet) read(ctx context.Context) {
	const longest = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	l, err := f.all(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	l.Took = time.Since(l.Read)
	if err != nil {
		f.newest.Trouble, f.newest.Took = wrong(err, "GET /v1/machines"), l.Took
	} else {
		f.newest = l
	}
	close(f.reading)
	f.reading, f.ended = nil, time.Now()
}

// all reads the status, the machines and the requests that wait.
func (f *fleet) all(ctx context.Context) (l lists, err error) {
	l = lists{Read: time.Now(), Known: true}
	if l.Status, err = f.api.Status(ctx); err != nil {
		return l, err
	}
	l.Read = time.Now().Add(-time.Since(l.Read) / 2) // when the status was true, as well as can be known
	var beside sync.WaitGroup
	defer func() {
		beside.Wait()
		l.hold()
	}()
	beside.Go(func() {
		l.Holds = partOf("GET /v1/holds", func() ([]record.Hold, error) { return f.api.Holds(ctx) })
	})
	beside.Go(func() {
		l.Breaker = partOf("GET /v1/breaker", func() (record.BreakerView, error) { return f.api.Breaker(ctx) })
	})
	beside.Go(func() {
		l.Drills = partOf("GET /v1/drills", func() ([]record.Drill, error) { return f.api.Drills(ctx) })
	})
	for after := ""; ; {
		page, err := f.api.MachinePage(ctx, after)
		if err != nil {
			return l, err
		}
		for _, m := range page.Machines {
			l.Rows = append(l.Rows, rowOf(m))
		}
		f.mu.Lock()
		f.newest.Reading = len(l.Rows)
		f.mu.Unlock()
		if page.Next == "" {
			break
		}
		if page.Next <= after {
			return l, errors.New("listing machines: the pages do not go on after " + after)
		}
		after = page.Next
	}
	slices.SortFunc(l.Rows, func(a, b row) int { return compare(a.ID, b.ID) })
	l.Waiting, err = f.api.Requests(ctx, "", "Pending")
	return l, err
}

// hold says of machines whose keys are due that a hold covers them: the machine itself says so at its deadline only.
func (l lists) hold() {
	reasons := map[record.Scope]guard.Reason{}
	for _, h := range l.Holds.Value {
		kind, _, _ := strings.Cut(string(h.Scope), ":")
		reasons[h.Scope] = map[string]guard.Reason{"global": guard.ReasonHeldGlobal, "policy": guard.ReasonHeldPolicy, "machine": guard.ReasonHeldMachine}[kind]
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		for _, s := range record.Scopes(r.ID, r.Policy) {
			if why, ok := reasons[s]; ok && !r.DueAt.IsZero() && r.HeldFor == "" {
				r.HeldFor = string(why)
			}
		}
	}
}

// row is one machine of the lists.
func (l lists) row(id string) (row, bool) {
	at, ok := slices.BinarySearchFunc(l.Rows, id, func(r row, id string) int { return compare(r.ID, id) })
	if !ok {
		return row{}, false
	}
	return l.Rows[at], true
}
