package bench_test

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/simulate"
)

// BenchmarkMillionMachineDays simulates a million machine-days, in fleets of a thousand machines side by side, with
// faults in every check. A broken invariant fails it.
func BenchmarkMillionMachineDays(b *testing.B) {
	before := debug.SetGCPercent(400) // as keyward simulate does
	defer debug.SetGCPercent(before)
	for n := range b.N {
		began := time.Now()
		r, err := simulate.Run(b.Context(), simulate.Options{Machines: 33_400, Days: 30, Seed: uint64(1000 + n), Faults: "some"})
		if err != nil {
			b.Fatal(err)
		}
		if r.Broken > 0 {
			var text strings.Builder
			r.Print(&text)
			b.Fatal(text.String())
		}
		b.ReportMetric(float64(r.Machines*r.Days)/time.Since(began).Seconds(), "machine-days/s")
		b.ReportMetric(float64(r.Mails["revoked"]), "revocations")
		b.ReportMetric(float64(r.Broken), "violations")
	}
}
