package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy/custom"
)

// firstUse is the variable that makes this program another one, which compiles one policy and says how long that took: only a
// new process has not used CEL yet.
const firstUse = "KEYWARD_BENCH_FIRST_USE"

// compileOnce is that program.
func compileOnce(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begun := time.Now()
	if _, err := custom.Parse(text); err != nil {
		return err
	}
	_, err = fmt.Println(time.Since(begun).Nanoseconds())
	return err
}

// BenchmarkFirstUse is what the first event costs evaluate and api beyond their start when it is about a policy that
// no event of this process was about: parsed, and its rules in CEL compiled. Without rules in CEL nothing of CEL is used.
func BenchmarkFirstUse(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		rules []string
		n     int
	}{{"no rules", nil, 0}, {"12 typed rules", typed, 12}, {"12 rules in CEL", inCEL, 12}, {"100 rules in CEL", inCEL, 100}} {
		file := filepath.Join(b.TempDir(), "policy.yaml")
		if err := os.WriteFile(file, []byte(asking(b, c.rules, c.n).Text), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			var walls, cpus []time.Duration
			once := func() {
				cmd := exec.Command(self)
				cmd.Env = append(os.Environ(), firstUse+"="+file)
				out, err := cmd.Output()
				var wall int64
				if _, scanned := fmt.Sscan(string(out), &wall); err != nil || scanned != nil {
					b.Fatalf("compiling in a new process: %v, it said %q", err, out)
				}
				walls = append(walls, time.Duration(wall))
				cpus = append(cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			}
			for b.Loop() {
				once()
			}
			for len(walls) < leastStarts {
				once()
			}
			b.ReportMetric(float64(median(walls))/1e6, "median-ms/op")
			figures.took("start: first use of a policy, "+c.name, median(walls), 0, fmt.Sprintf("median of %d new processes, CPU of each %s", len(walls), short(median(cpus))))
		})
	}
}
