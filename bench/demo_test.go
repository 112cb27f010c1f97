package bench_test

import (
	"os/exec"
	"testing"
	"time"
)

// BenchmarkDemo is the whole story of keyward demo.
func BenchmarkDemo(b *testing.B) {
	program := built(b, "bin", "keyward")
	var walls []time.Duration
	for b.Loop() {
		begin := time.Now()
		if out, err := exec.Command(program, "demo", "--home", home).CombinedOutput(); err != nil {
			b.Fatalf("keyward demo: %v\n%s", err, out)
		}
		walls = append(walls, time.Since(begin))
	}
	figures.took("keyward demo", median(walls), aimDemo, "with what make build writes")
}
