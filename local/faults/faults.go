// Package faults is what can go wrong in keyward local when somebody asks for it: throttling, latency
// and errors of AWS calls, lost and doubled events, machines that do not answer. Without a fault asked
// for it changes nothing. The wire asks it before every call, the event bus for every event, SSM for
// every machine; which calls a rate hits is counted, not drawn, so that a run can be repeated.
package faults

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Config is what Faults need.
type Config struct {
	Now   func() time.Time                           // virtual time, for the real quotas; nil means time.Now
	Sleep func(ctx context.Context, d time.Duration) // waits for a latency in real time; nil does that
}

// Faults are the faults that are asked for. Safe for use from several goroutines.
type Faults struct {
	config Config

	mu     sync.Mutex
	active []*Active
	number int
}

// Active is a fault with its number and how often it hit.
type Active struct {
	ID   string `json:"id"`
	Hits int    `json:"hits"`
	Fault

	asked   float64 // calls or events that the selectors matched
	buckets map[string]*bucket
}

// New returns a place where nothing goes wrong.
func New(c Config) *Faults {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return &Faults{config: c}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Add checks a fault and makes it act. Those that act already go first.
func (f *Faults) Add(wanted Fault) (Active, error) {
	if err := wanted.check(); err != nil {
		return Active{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number++
	a := &Active{ID: strconv.Itoa(f.number), Fault: wanted, buckets: map[string]*bucket{}}
	f.active = append(f.active, a)
	return *a, nil
}

// List returns the faults in the order in which they were asked for, spent ones included.
func (f *Faults) List() []Active {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Active, len(f.active))
	for i, a := range f.active {
		list[i] = *a
	}
	return list
}

// Clear ends one fault and says whether it was there.
func (f *Faults) Clear(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.active)
	f.active = slices.DeleteFunc(f.active, func(a *Active) bool { return a.ID == id })
	return len(f.active) < n
}

// ClearAll ends all faults.
func (f *Faults) ClearAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = nil
}

// hit says whether a fault whose selectors match acts this time, and counts it.
func (a *Active) hit() bool {
	if a.Count > 0 && a.Hits >= a.Count {
		return false
	}
	rate := a.Rate
	if rate == 0 {
		rate = 1
	}
	a.asked++
	// The epsilon keeps ten times a tenth from being nine.
	if math.Floor(a.asked*rate+1e-9) == math.Floor((a.asked-1)*rate+1e-9) {
		return false
	}
	a.Hits++
	return true
}

// over says whether a call is above its real quota, and counts it.
func (a *Active) over(call string, now time.Time) bool {
	q, limited := quotas[call]
	if !limited || a.Count > 0 && a.Hits >= a.Count {
		return false
	}
	b := a.buckets[call]
	if b == nil {
		b = &bucket{}
		a.buckets[call] = b
	}
	if b.take(q, now) {
		return false
	}
	a.Hits++
	return true
}

// Intercept is the wire's: it waits out latencies and returns the first error that a fault asks for.
func (f *Faults) Intercept(ctx context.Context, r *wire.Request) *wire.Error {
	delay, e := f.judge(r.Service, r.Operation)
	if delay > 0 {
		f.config.Sleep(ctx, delay)
	}
	return e
}

func (f *Faults) judge(service, operation string) (delay time.Duration, e *wire.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if a.Service != "" && a.Service != service || a.Operation != "" && a.Operation != operation {
			continue
		}
		switch a.Kind {
		case Latency:
			if a.hit() {
				delay += time.Duration(a.Delay)
			}
		case Throttle:
			if a.RealQuotas && a.over(service+"."+operation, f.config.Now()) || !a.RealQuotas && a.hit() {
				return delay, throttled(service)
			}
		case Error:
			if a.hit() {
				return delay, &wire.Error{Code: a.Code, Message: a.Message, Status: a.Status}
			}
		}
	}
	return delay, nil
}

func throttled(service string) *wire.Error {
	e, known := throttles[service]
	if !known {
		e = throttles["ssm"]
	}
	return &e
}

// Event says how often an event of this detail type arrives: 1, unless it is lost (0) or doubled (2).
func (f *Faults) Event(detailType string) (copies int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if a.DetailType != "" && a.DetailType != detailType {
			continue
		}
		switch {
		case a.Kind == Drop && a.hit():
			return 0
		case a.Kind == Duplicate && a.hit():
			return 2
		}
	}
	return 1
}

// Late says how much later an event of this detail type arrives, in virtual time: 0, unless it is late.
func (f *Faults) Late(detailType string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if a.Kind == Late && (a.DetailType == "" || a.DetailType == detailType) && a.hit() {
			return time.Duration(a.Delay)
		}
	}
	return 0
}

// Silent says whether a machine does not answer. It is asked many times for one silence, so that it
// does not count as a hit more than once.
func (f *Faults) Silent(machine string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if a.Kind == Silent && (a.Machine == "" || a.Machine == machine) {
			a.Hits = 1
			return true
		}
	}
	return false
}

// The wire takes Intercept.
var _ = wire.Config{Intercept: (*Faults)(nil).Intercept}

// Handler answers POST (one fault), GET (list), DELETE (all) on path, and DELETE on path/ID. Who may
// ask is the caller's to check.
func (f *Faults) Handler(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, f.post)
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, f.List()) })
	mux.HandleFunc("DELETE "+path, func(w http.ResponseWriter, _ *http.Request) {
		f.ClearAll()
		answer(w, http.StatusOK, f.List())
	})
	mux.HandleFunc("DELETE "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("id"); !f.Clear(id) {
			complain(w, http.StatusNotFound, "no fault has the id "+strconv.Quote(id))
			return
		}
		answer(w, http.StatusOK, f.List())
	})
	return mux
}
