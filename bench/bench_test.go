// Package bench measures Keyward against the figures that its design aims for and prints them as one
// table: evidence to verdict, the inspection on this host, the start of each function, one check of a
// fleet, and the demo. It holds benchmarks and nothing else; `make bench` runs it, after make build.
//
// No figure fails a benchmark, since hosts differ and are shared: only what does not run at all does.
package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

// What the design aims for.
const (
	aimVerdict       = 150 * time.Microsecond
	aimProbeWall     = 500 * time.Millisecond
	aimProbeCPU      = 200 * time.Millisecond
	aimProbeForks    = 60
	aimProbeLine     = 2400
	aimInit          = 10 * time.Millisecond
	aimInitRevoke    = 7 * time.Millisecond
	aimInitWithRules = 15 * time.Millisecond // evaluate and api link the language of custom rules
	aimFleetSSM      = 60
	aimFleetCPU      = time.Second
	aimDemo          = time.Minute
)

// home is the project's folder, with what make build writes.
const home = ".."

// figures are what the benchmarks of this run found, in their order.
var figures report

func TestMain(m *testing.M) {
	if file := os.Getenv(firstUse); file != "" {
		if err := compileOnce(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	figures.print()
	os.Exit(code)
}

// report is a table of figures and the lines below it.
type report struct {
	rows  []row
	notes []string
}

// row is one figure; what has no aim has no ratio.
type row struct{ what, figure, aim, ratio, more string }

// sections are how a row's what begins, in the order of the table.
var sections = []string{"evidence", "inspection", "start", "check", "requests", "keyward demo"}

func (r row) section() int {
	return slices.IndexFunc(sections, func(start string) bool { return strings.HasPrefix(r.what, start) })
}

// put adds a row; a benchmark that runs again, as with -count, replaces its own.
func (r *report) put(add row) {
	if i := slices.IndexFunc(r.rows, func(old row) bool { return old.what == add.what }); i >= 0 {
		r.rows[i] = add
		return
	}
	r.rows = append(r.rows, add)
}

// took adds a duration; an aim of 0 is none.
func (r *report) took(what string, d, aim time.Duration, more string) {
	add := row{what: what, figure: short(d), more: more}
	if aim > 0 {
		add.aim, add.ratio = "< "+short(aim), ratio(float64(d)/float64(aim))
	}
	r.put(add)
}

// counted adds a number; an aim of 0 is none.
func (r *report) counted(what string, n, aim int, more string) {
	add := row{what: what, figure: fmt.Sprint(n), more: more}
	if aim > 0 {
		add.aim, add.ratio = fmt.Sprint("<= ", aim), ratio(float64(n)/float64(aim))
	}
	r.put(add)
}

func (r *report) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !slices.Contains(r.notes, line) {
		r.notes = append(r.notes, line)
	}
}

func (r *report) print() {
	if len(r.rows) == 0 {
		return // go test without -bench
	}
	fmt.Printf("\nFigures of this host: %s/%s, %d cores, load %s, %s. A ratio over 1 is worse than the aim; nothing is decided by it.\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load(), runtime.Version())
	slices.SortStableFunc(r.rows, func(a, b row) int { return a.section() - b.section() })
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tFIGURE\tAIM\tRATIO\tMORE")
	for _, row := range r.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", row.what, row.figure, row.aim, row.ratio, row.more)
	}
	_ = w.Flush() // of standard output; nothing is left to say it to
	fmt.Println()
	for _, n := range r.notes {
		fmt.Println(n)
	}
}

// load is how many programs wanted a core in the last minute (proc_loadavg(5)): on a host with other
// work, walls are longer than ours alone would be.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// ratio marks what is over its aim, so that the eye finds it.
func ratio(r float64) string {
	if r > 1 {
		return fmt.Sprintf("%.2f over", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// short is a duration with three digits or so.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 10*unit {
			return d.Round(unit / 10).String()
		}
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// median says what a host does; a mean says what else ran on it.
func median[T int | time.Duration](samples []T) T {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}

// cpu is what this process, or its children that ended, have used (getrusage(2)).
func cpu(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// built is the path of something that make build writes.
func built(b *testing.B, path ...string) string {
	b.Helper()
	full, err := filepath.Abs(filepath.Join(append([]string{home}, path...)...))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(full); err != nil {
		b.Fatalf("%v: run make build first", err)
	}
	return full
}
