package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

// typed and inCEL are the same twelve questions twice: by the catalogue, and in CEL.
var (
	typed = []string{
		`os: {is: [debian, amzn]}`, `os: {version: ">= 12"}`, `os: {kernel: ">= 5.10"}`, `ports: {closed: [tcp/80], loopback: ignore}`, `ports: {closed: [tcp/23]}`,
		`ports: {closed: [tcp/3389]}`, `ports: {closed: [tcp/5900-5910]}`, `ports: {open: [tcp/22]}`, `product: {is: ossec, state: running}`,
		`product: {is: ossec, state: installed, version: ">= 3.7"}`, `product: {is: deep-security, state: protecting}`, `product: {is: officescan, state: absent}`,
	}
	inCEL = []string{
		`expression: 'evidence.os.id in ["debian", "amzn"]'`, `expression: 'versionIs(evidence.os.versionId, ">= 12")'`,
		`expression: 'versionIs(evidence.os.kernel, ">= 5.10")'`,
		`each: listeners, expression: 'e.proto != "tcp" || e.port != 80 || e.scope == "loopback"'`, `each: listeners, expression: 'e.proto != "tcp" || e.port != 23'`,
		`each: listeners, expression: 'e.proto != "tcp" || e.port != 3389'`, `each: listeners, expression: 'e.proto != "tcp" || e.port < 5900 || e.port > 5910'`,
		`expression: 'evidence.listeners.exists(l, l.proto == "tcp" && l.port == 22)'`,
		`each: products, where: 'e.id == "ossec"', expression: 'e.present && e.running.state == "running"'`,
		`each: products, where: 'e.id == "ossec"', expression: 'e.present && versionIs(e.version, ">= 3.7")'`,
		`each: products, where: 'e.id == "deep-security"', expression: 'e.present && e.protection.state == "protecting"'`,
		`each: products, where: 'e.id == "officescan"', expression: '!e.present'`,
	}
)

// asking is a policy of so many rules, taken in turn.
func asking(b *testing.B, rules []string, n int) *policy.Policy {
	b.Helper()
	text := "policy: bench\n"
	for i := range n {
		if i == 0 {
			text += "rules:\n"
		}
		text += fmt.Sprintf("- {rule: r%d, %s}\n", i, rules[i%len(rules)])
	}
	p, err := custom.Parse([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

const documentsOfAFleet = 100_000

// BenchmarkCatalogue is one machine's line, decoded, parsed and judged, by 0, 12 and 100 rules of the
// catalogue and in CEL, on one core; and what that is for 100,000 machines, each judged.
func BenchmarkCatalogue(b *testing.B) {
	sent := time.Date(2026, 11, 23, 4, 30, 0, 0, time.UTC)
	output, err := loadGuest(b, webServer).line(nonce, sent)
	if err != nil {
		b.Fatal(err)
	}
	want := evidence.Expect{Machine: machineID, CommandID: "here", Nonce: nonce, Sent: sent, Received: sent.Add(10 * time.Second)}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, c := range []struct {
		kind  string
		rules []string
		n     int
	}{{"no", nil, 0}, {"typed", typed, 12}, {"CEL", inCEL, 12}, {"typed", typed, 100}, {"CEL", inCEL, 100}} {
		p := asking(b, c.rules, c.n)
		judge := func() policy.Verdict {
			e, err := evidence.Parse(output, want)
			if err != nil {
				b.Fatal(err)
			}
			return policy.Evaluate(p, e, want.Received).Verdict
		}
		wanted := policy.Pass
		if c.n == 0 {
			wanted = policy.Unknown
		}
		if got := judge(); got != wanted {
			e, _ := evidence.Parse(output, want)
			b.Fatalf("%d %s rules: the verdict is %s, expected %s: %+v", c.n, c.kind, got, wanted, policy.Evaluate(p, e, want.Received).Bad())
		}
		name := strings.Replace(fmt.Sprintf("%d %s rules", c.n, c.kind), "0 no", "no", 1)
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b, syscall.RUSAGE_SELF)
			for b.Loop() {
				judge()
			}
			each := (cpu(b, syscall.RUSAGE_SELF) - before) / time.Duration(b.N)
			b.ReportMetric(float64(each)/1e3, "cpu-µs/op")
			aim := aimVerdict
			if c.kind == "CEL" {
				aim = 0 // the aim is for rules of the catalogue
			}
			figures.took("evidence to verdict, "+name, each, aim, "a machine, on one core")
		})
		b.Run(strings.ReplaceAll(name, " ", "-")+"-of-100000-documents", func(b *testing.B) {
			var wall, used time.Duration
			for b.Loop() {
				begun, before := time.Now(), cpu(b, syscall.RUSAGE_SELF)
				for range documentsOfAFleet {
					judge()
				}
				wall, used = time.Since(begun), cpu(b, syscall.RUSAGE_SELF)-before
				b.ReportMetric(float64(documentsOfAFleet)/wall.Seconds(), "documents/s")
			}
			figures.took("evidence to verdict, "+name+", 100,000 documents", wall, 0, fmt.Sprintf("CPU %s, on one core, decoded one by one", short(used)))
		})
	}
}

// BenchmarkCompile is what a policy costs before it judges: parsed, and its rules in CEL compiled.
func BenchmarkCompile(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(home, "policies", "linux-baseline.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		// Another comment is another text, so that nothing is remembered.
		if _, err := custom.Parse(fmt.Appendf(nil, "# %d\n%s", n, text)); err != nil {
			b.Fatal(err)
		}
	}
}
