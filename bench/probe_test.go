package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
)

// BenchmarkProbe runs the inspection script on this host, from a file as SSM's agent does.
func BenchmarkProbe(b *testing.B) {
	text, err := documents.Render(nonce, documents.Words())
	if err != nil {
		b.Fatal(err)
	}
	script := filepath.Join(b.TempDir(), "_script.sh")
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		b.Fatal(err)
	}
	var walls, cpus []time.Duration
	var processes []int
	line := ""
	for b.Loop() {
		before := forks(b)
		r := runProbe(b, script)
		processes = append(processes, forks(b)-before)
		walls, cpus, line = append(walls, r.wall), append(cpus, r.cpu), r.line
	}
	// What others start at the same time counts too, so the least is nearest to the truth.
	least := slices.Min(processes)
	b.ReportMetric(float64(median(cpus))/1e6, "cpu-ms/op")
	b.ReportMetric(float64(least), "processes/op")
	b.ReportMetric(float64(len(line)), "characters")
	who := "as a normal user"
	if os.Getuid() == 0 {
		who = "as root"
	}
	figures.took("inspection of this host, wall", median(walls), aimProbeWall, fmt.Sprintf("%s, median of %d runs", who, len(walls)))
	figures.took("inspection of this host, CPU", median(cpus), aimProbeCPU, "user and system, median")
	figures.counted("inspection of this host, processes", least, aimProbeForks, "the least of all runs")
	figures.counted("inspection of this host, characters", len(line), aimProbeLine, "of its line")
	figures.note("inspection: processes are counted in /proc/stat, where what other programs of the host start counts too.")
}

type probed struct {
	wall, cpu time.Duration
	line      string
}

func runProbe(b *testing.B, script string) probed {
	b.Helper()
	cmd := exec.Command("sh", script)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	line := strings.TrimSuffix(stdout.String(), "\n")
	if err != nil || !strings.HasPrefix(line, "KWE1 ") {
		b.Fatalf("running the inspection: %v, it printed %q and %q, expected one line KWE1", err, line, stderr.String())
	}
	return probed{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), line: line}
}

// forks is how many processes and threads this host has started since it was (proc_stat(5)).
func forks(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(fmt.Errorf("counting processes: %w", err))
	}
	for l := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(l, "processes "); ok {
			started, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				b.Fatal(err)
			}
			return started
		}
	}
	b.Fatal("counting processes: /proc/stat does not say")
	return 0
}
