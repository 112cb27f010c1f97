package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

// stormTakes is how long a storm may take on this host; grace is the policy's.
const (
	stormTakes = 30 * time.Minute
	grace      = 4 * time.Hour
)

// BenchmarkStorm is 1,000 machines with a key that all stop to comply at once, so that as many enforcements run side by
// side and are due together. With the breaker as it is by default no more than its 5 lose their keys; where people
// raised it, each loses its own, once.
func BenchmarkStorm(b *testing.B) {
	built(b, "build", "RevokeFunction", "bootstrap")
	b.Run("limit", func(b *testing.B) { benchmarkStorm(b, map[string]string{"BreakerRulePercent": "100"}, 5) })
	b.Run("all", func(b *testing.B) {
		benchmarkStorm(b, map[string]string{"BreakerRulePercent": "100", "BreakerMachines": "1000", "BreakerPercent": "100"}, fleetSize)
	})
}

func benchmarkStorm(b *testing.B, parameters map[string]string, want int) {
	var revoked, held, orders int
	var wall, last time.Duration
	for b.Loop() {
		b.StopTimer()
		f := startFleet(b, loadGuest(b, plainServer), parameters)
		f.enrol(b)
		f.check(b)
		f.giveKey(b)
		for _, a := range f.boot(b) {
			if a.status != http.StatusOK {
				b.Fatalf("a machine was answered %d before the storm", a.status)
			}
		}
		open := loadGuest(b, plainServer).with(b, []string{"net"}, "tcp 00000000:0050 0 712")
		f.guest.Store(&open)
		f.server.ResetCalls()
		b.StartTimer()
		wall, last = f.storm(b)
		b.StopTimer()
		revoked, held = f.taken(b)
		orders = f.server.Calls()["kms.RevokeGrant"]
		f.close(b)
		b.StartTimer()
	}
	if revoked != want || orders != want || revoked+held != fleetSize {
		b.Errorf("%d keys revoked by %d calls, %d held; want %d and the others held", revoked, orders, held, want)
	}
	b.ReportMetric(float64(revoked), "revoked")
	figures.took(fmt.Sprintf("%d enforcements at once, at most %d: wall", fleetSize, want), wall, 0,
		fmt.Sprintf("%d revoked, %d calls of RevokeGrant, %d held; the last %s after its deadline", revoked, orders, held, short(last)))
}

// storm has all machines found failing and waits until what follows is over, within the breaker's window. It says how
// long that took here, and how long after its deadline the last key was revoked.
func (f *fleet) storm(b *testing.B) (wall, last time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), stormTakes)
	defer cancel()
	begin := time.Now()
	f.check(b)
	if err := f.server.Clock().Forward(ctx, grace+45*time.Minute); err != nil {
		b.Fatal(err)
	}
	machines, err := f.store.Machines(ctx)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range machines {
		if m.State.Key == integrity.KeyRevoked {
			last = max(last, m.State.KeySince.Sub(m.State.DueAt))
		}
	}
	return time.Since(begin), last
}

// taken counts the machines that lost their keys, and those that are Bad and held by the breaker.
func (f *fleet) taken(b *testing.B) (revoked, held int) {
	b.Helper()
	machines, err := f.store.Machines(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range machines {
		switch {
		case m.State.Key == integrity.KeyRevoked:
			revoked++
		case m.State.Standing == integrity.Bad && m.State.HeldFor == "breaker-open":
			held++
		default:
			b.Logf("%s: %s, %s: %s, key %s, held for %q, due %s", m.ID, m.State.Standing, m.State.LastVerdict, m.State.Why, m.State.Key, m.State.HeldFor, m.State.DueAt)
		}
	}
	return revoked, held
}
