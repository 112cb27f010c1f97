package policy_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

func BenchmarkEvaluate(b *testing.B) {
	p := parse(b, string(packFiles(b)["web-tier.yaml"]))
	ev := host(installed(evidence.OSSEC), installed(evidence.DeepSecurity), listens(on("tcp", "0.0.0.0", "any", 443)))
	for port := 9000; port < 9040; port++ {
		listens(on("tcp", "127.0.0.1", "loopback", port))(ev)
	}
	if got := policy.Evaluate(p, ev, noon); got.Verdict != policy.Pass {
		b.Fatalf("Evaluate = %v, want Pass; %+v", got.Verdict, got.Bad())
	}
	b.ReportAllocs()
	for b.Loop() {
		policy.Evaluate(p, ev, noon)
	}
}

func BenchmarkParse(b *testing.B) {
	text := packFiles(b)["web-tier.yaml"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
