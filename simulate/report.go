package simulate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Violation is one invariant that broke.
type Violation struct {
	Invariant string    `json:"invariant"`
	Fleet     int       `json:"fleet"`
	Machine   string    `json:"machine"`
	Index     int       `json:"index"` // of the machine in its fleet
	At        time.Time `json:"at"`
	Text      string    `json:"text"`
	Replay    string    `json:"replay,omitempty"` // the command that shows it again
	Steps     []string  `json:"steps,omitempty"`  // of the machine, up to it
}

// Percentiles are of one latency.
type Percentiles struct {
	Count int    `json:"count"`
	P50   string `json:"p50"`
	P99   string `json:"p99"`
	Most  string `json:"most"`
}

// Report is what a run found.
type Report struct {
	Machines   int                    `json:"machines"`
	Days       int                    `json:"days"`
	Seed       uint64                 `json:"seed"`
	Faults     string                 `json:"faults"`
	Violations []Violation            `json:"violations"`
	Broken     int                    `json:"broken"` // violations in all
	Latencies  map[string]Percentiles `json:"latencies"`
	Calls      map[string]int         `json:"calls"`      // by service and operation
	Deaths     map[string]int         `json:"deaths"`     // invocations that died, by function
	DeadEnds   map[string]int         `json:"deadEnds"`   // events given up, by function
	Mails      map[string]int         `json:"mails"`      // by kind
	Executions map[string]int         `json:"executions"` // that ended, by status
	Repeats    int                    `json:"repeats"`    // mails sent again
	Ordered    int                    `json:"ordered"`    // keys taken because a person said so
	Steps      int                    `json:"steps"`      // machines looked at
	Took       string                 `json:"took"`       // wall time

	samples map[string][]time.Duration
}

// measured is what one fleet counts.
type measured struct {
	samples      map[string][]time.Duration
	mails, ended map[string]int
	repeats      int
	ordered      int
	machineSteps int
}

func newMeasured() measured {
	return measured{samples: map[string][]time.Duration{}, mails: map[string]int{}, ended: map[string]int{}}
}

func (m *measured) since(what string, from, to time.Time) {
	if !from.IsZero() && !to.Before(from) {
		m.samples[what] = append(m.samples[what], to.Sub(from))
	}
}

// most is how many violations a report shows.
const most = 10

func (f *fleet) violate(s *subject, invariant, text string) {
	v := Violation{Invariant: invariant, Fleet: f.number, Machine: s.guest.ID, Index: s.index, At: f.Now(), Text: text}
	f.note(s, "BROKEN", invariant, text)
	if f.trace && s.guest.ID == f.options.Trace {
		v.Steps = slices.Clone(f.steps)
	}
	f.violations = append(f.violations, v)
}

// note keeps a step of the machine that is traced.
func (f *fleet) note(s *subject, what string, more ...string) {
	if f.trace && s.guest.ID == f.options.Trace {
		f.noteAll(what, more...)
	}
}

// noteAll keeps a step that is about everybody. A hostile machine's words are not in it: there are none here.
func (f *fleet) noteAll(what string, more ...string) {
	if !f.trace {
		return
	}
	const longest = 80
	if len(f.steps) >= longest {
		f.steps = slices.Delete(f.steps, 0, 1)
	}
	f.steps = append(f.steps, f.Now().Format("2006-01-02 15:04:05.000 ")+what+": "+strings.Join(more, " "))
}

func (f *fleet) report() Report {
	r := Report{
		Violations: f.violations, Broken: len(f.violations), Calls: f.Counts, Deaths: f.Deaths, DeadEnds: f.DeadEnds, Mails: f.measured.mails,
		Executions: f.measured.ended, Repeats: f.measured.repeats, Ordered: f.measured.ordered, Steps: f.measured.machineSteps, samples: f.measured.samples,
	}
	return r
}

// add adds another fleet's report.
func (r *Report) add(o Report) {
	r.Violations = append(r.Violations, o.Violations...)
	r.Violations = r.Violations[:min(len(r.Violations), most)]
	r.Broken += o.Broken
	r.Repeats += o.Repeats
	r.Ordered += o.Ordered
	r.Steps += o.Steps
	for _, pair := range []struct{ to, from *map[string]int }{
		{&r.Calls, &o.Calls}, {&r.Deaths, &o.Deaths}, {&r.DeadEnds, &o.DeadEnds}, {&r.Mails, &o.Mails}, {&r.Executions, &o.Executions},
	} {
		if *pair.to == nil {
			*pair.to = map[string]int{}
		}
		for k, n := range *pair.from {
			(*pair.to)[k] += n
		}
	}
	if r.samples == nil {
		r.samples, r.Latencies = map[string][]time.Duration{}, map[string]Percentiles{}
	}
	for k, list := range o.samples {
		r.samples[k] = append(r.samples[k], list...)
	}
	for k, list := range r.samples {
		slices.Sort(list)
		at := func(p float64) string {
			return list[min(len(list)-1, int(p*float64(len(list))))].Round(time.Millisecond).String()
		}
		r.Latencies[k] = Percentiles{Count: len(list), P50: at(0.5), P99: at(0.99), Most: at(1)}
	}
}

// Print writes a report for people.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "%d machines, %d days, seed %d, faults %s: %d machine-days in %s\n\n", r.Machines, r.Days, r.Seed, r.Faults, r.Machines*r.Days, r.Took)
	for _, what := range slices.Sorted(maps.Keys(r.Latencies)) {
		p := r.Latencies[what]
		fmt.Fprintf(w, "%-22s %7d times   p50 %-12s p99 %-12s most %s\n", what, p.Count, p.P50, p.P99, p.Most)
	}
	for _, table := range []struct {
		title string
		rows  map[string]int
	}{{"mails", r.Mails}, {"executions", r.Executions}, {"invocations that died", r.Deaths}, {"events given up", r.DeadEnds}, {"calls", r.Calls}} {
		fmt.Fprintf(w, "\n%s\n", table.title)
		for _, k := range slices.Sorted(maps.Keys(table.rows)) {
			fmt.Fprintf(w, "  %-30s %10d\n", k, table.rows[k])
		}
	}
	fmt.Fprintf(w, "\nmails sent again: %d\nkeys taken because a person said so: %d\n", r.Repeats, r.Ordered)
	if r.Broken == 0 {
		fmt.Fprintf(w, "every invariant held, at %d looks at a machine\n", r.Steps)
		return
	}
	fmt.Fprintf(w, "BROKEN: %d times\n", r.Broken)
	for _, v := range r.Violations {
		fmt.Fprintf(w, "\n%s\n  machine %s at %s: %s\n", v.Invariant, v.Machine, v.At.Format(time.RFC3339), v.Text)
		if v.Replay != "" {
			fmt.Fprintf(w, "  %s\n", v.Replay)
		}
		for _, s := range v.Steps {
			fmt.Fprintf(w, "    %s\n", s)
		}
	}
}
