package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

const (
	machineID = "i-1234567890abcdef0"
	nonce     = "0123456789abcdef0123456789abcdef"
)

// BenchmarkVerdict is what evaluate computes for one machine, on one core: the wire line is decoded and
// parsed, judged by a policy with typed rules, and moves the machine's standing.
func BenchmarkVerdict(b *testing.B) {
	sent := time.Date(2026, 11, 23, 4, 30, 0, 0, time.UTC)
	output, err := loadGuest(b, webServer).line(nonce, sent)
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(home, "policies", "web-tier.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	good := integrity.State{Standing: integrity.Good, Key: integrity.KeyReleased, Generation: 1, LastEvidence: sent.Add(-24 * time.Hour)}
	want := evidence.Expect{Machine: machineID, CommandID: "here", Nonce: nonce, Sent: sent, Received: sent.Add(10 * time.Second)}

	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var verdict policy.Verdict
	b.SetBytes(int64(len(output)))
	b.ReportAllocs()
	before := cpu(b, syscall.RUSAGE_SELF)
	for b.Loop() {
		e, err := evidence.Parse(output, want)
		if err != nil {
			b.Fatal(err)
		}
		result := policy.Evaluate(p, e, want.Received)
		verdict = result.Verdict
		integrity.Next(good, integrity.Input{Verdict: verdict.String(), Sent: sent, Presence: integrity.Running}, p.Integrity, want.Received)
	}
	if verdict != policy.Pass {
		b.Fatalf("the verdict is %s, expected %s: this is not the server that was to be measured", verdict, policy.Pass)
	}
	each := (cpu(b, syscall.RUSAGE_SELF) - before) / time.Duration(b.N)
	b.ReportMetric(float64(each)/1e3, "cpu-µs/op")
	figures.took("evidence to verdict, CPU on one core", each, aimVerdict, fmt.Sprintf("a line of %d characters, %d rules of web-tier", len(output), len(p.Rules)))
}
