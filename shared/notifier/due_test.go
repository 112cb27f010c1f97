package notifier_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func quiet(from, to string, days ...string) *record.Quiet {
	return &record.Quiet{From: from, To: to, Days: days}
}

// In Berlin clocks go from 02:00 to 03:00 on 29 March 2026, a Sunday, and from 03:00 back to 02:00 on 25 October, a Sunday.
func TestDue(t *testing.T) {
	t.Parallel()
	const berlin = "Europe/Berlin"
	hourly := &record.Digest{Every: "1h", After: 10}
	night := quiet("22:00", "06:00")
	tests := []struct {
		name      string
		n         record.Notifier
		first     string
		count     int
		urgent    bool
		now, want string
	}{
		{name: "one by one", first: "2026-01-05T12:00:00Z", count: 1, now: "2026-01-05T12:00:00Z", want: "2026-01-05T12:00:00Z"},
		{name: "one by one, late", first: "2026-01-05T12:00:00Z", count: 1, now: "2026-01-05T12:07:00Z", want: "2026-01-05T12:07:00Z"},
		{name: "a clock that is behind", first: "2026-01-05T12:00:00Z", count: 1, now: "2026-01-05T11:59:00Z", want: "2026-01-05T12:00:00Z"},
		{name: "a digest gathers", n: record.Notifier{Digest: hourly}, first: "2026-01-05T12:00:00Z", count: 9, now: "2026-01-05T12:01:00Z", want: "2026-01-05T13:00:00Z"},
		{name: "enough of a digest", n: record.Notifier{Digest: hourly}, first: "2026-01-05T12:00:00Z", count: 10, now: "2026-01-05T12:01:00Z", want: "2026-01-05T12:01:00Z"},
		{name: "its time is over", n: record.Notifier{Digest: hourly}, first: "2026-01-05T12:00:00Z", count: 2, now: "2026-01-05T13:03:00Z", want: "2026-01-05T13:03:00Z"},
		{name: "by time alone", n: record.Notifier{Digest: &record.Digest{Every: "5m"}}, first: "2026-01-05T12:00:00Z", count: 1000, now: "2026-01-05T12:01:00Z", want: "2026-01-05T12:05:00Z"},
		{name: "by number alone, after a day at the latest", n: record.Notifier{Digest: &record.Digest{After: 5}}, first: "2026-01-05T12:00:00Z", count: 4, now: "2026-01-05T12:01:00Z", want: "2026-01-06T12:00:00Z"},
		{name: "a time that nobody checked", n: record.Notifier{Digest: &record.Digest{Every: "often"}}, first: "2026-01-05T12:00:00Z", count: 4, now: "2026-01-05T12:01:00Z", want: "2026-01-06T12:00:00Z"},
		{name: "quiet by day", n: record.Notifier{Quiet: quiet("12:00", "13:00")}, first: "2026-01-05T12:00:00Z", count: 1, now: "2026-01-05T12:00:00Z", want: "2026-01-05T13:00:00Z"},
		{name: "its end is not quiet", n: record.Notifier{Quiet: quiet("12:00", "13:00")}, first: "2026-01-05T12:00:00Z", count: 1, now: "2026-01-05T13:00:00Z", want: "2026-01-05T13:00:00Z"},
		{name: "before midnight", n: record.Notifier{Quiet: night}, first: "2026-01-05T23:00:00Z", count: 1, now: "2026-01-05T23:00:00Z", want: "2026-01-06T06:00:00Z"},
		{name: "after midnight", n: record.Notifier{Quiet: night}, first: "2026-01-06T05:59:59Z", count: 1, now: "2026-01-06T05:59:59Z", want: "2026-01-06T06:00:00Z"},
		{name: "what cannot wait", n: record.Notifier{Quiet: night}, first: "2026-01-05T23:00:00Z", count: 1, urgent: true, now: "2026-01-05T23:00:00Z", want: "2026-01-05T23:00:00Z"},
		{name: "a digest that ends in a quiet time", n: record.Notifier{Digest: hourly, Quiet: night}, first: "2026-01-05T21:30:00Z", count: 1, now: "2026-01-05T21:31:00Z", want: "2026-01-06T06:00:00Z"},
		{name: "a digest that ends after it", n: record.Notifier{Digest: hourly, Quiet: night}, first: "2026-01-06T05:30:00Z", count: 1, now: "2026-01-06T05:31:00Z", want: "2026-01-06T06:30:00Z"},
		{name: "begins on Friday", n: record.Notifier{Quiet: quiet("22:00", "06:00", "fri")}, first: "2026-01-10T01:00:00Z", count: 1, now: "2026-01-10T01:00:00Z", want: "2026-01-10T06:00:00Z"},
		{name: "does not begin on Saturday", n: record.Notifier{Quiet: quiet("22:00", "06:00", "fri")}, first: "2026-01-10T23:00:00Z", count: 1, now: "2026-01-10T23:00:00Z", want: "2026-01-10T23:00:00Z"},
		{name: "the zone's Friday, which is still Thursday in UTC", n: record.Notifier{TimeZone: "Asia/Tokyo", Quiet: quiet("06:00", "08:00", "fri")}, first: "2026-01-08T21:30:00Z", count: 1, now: "2026-01-08T21:30:00Z", want: "2026-01-08T23:00:00Z"},
		{name: "in winter", n: record.Notifier{TimeZone: berlin, Quiet: night}, first: "2026-01-05T21:00:00Z", count: 1, now: "2026-01-05T21:00:00Z", want: "2026-01-06T05:00:00Z"},
		{name: "in summer", n: record.Notifier{TimeZone: berlin, Quiet: night}, first: "2026-07-05T20:00:00Z", count: 1, now: "2026-07-05T20:00:00Z", want: "2026-07-06T04:00:00Z"},
		{name: "the night that is an hour shorter", n: record.Notifier{TimeZone: berlin, Quiet: night}, first: "2026-03-28T21:00:00Z", count: 1, now: "2026-03-28T21:00:00Z", want: "2026-03-29T04:00:00Z"},
		{name: "the night that is an hour longer", n: record.Notifier{TimeZone: berlin, Quiet: night}, first: "2026-10-24T20:00:00Z", count: 1, now: "2026-10-24T20:00:00Z", want: "2026-10-25T05:00:00Z"},
		{name: "an end that clocks leave out", n: record.Notifier{TimeZone: berlin, Quiet: quiet("22:00", "02:30")}, first: "2026-03-29T00:00:00Z", count: 1, now: "2026-03-29T00:00:00Z", want: "2026-03-29T01:00:00Z"},
		{name: "a beginning that clocks leave out", n: record.Notifier{TimeZone: berlin, Quiet: quiet("02:30", "06:00")}, first: "2026-03-29T01:00:00Z", count: 1, now: "2026-03-29T01:00:00Z", want: "2026-03-29T04:00:00Z"},
		{name: "all of it is left out", n: record.Notifier{TimeZone: berlin, Quiet: quiet("02:10", "02:50")}, first: "2026-03-29T01:00:00Z", count: 1, now: "2026-03-29T01:00:00Z", want: "2026-03-29T01:00:00Z"},
		{name: "an end that comes twice", n: record.Notifier{TimeZone: berlin, Quiet: quiet("22:00", "02:30")}, first: "2026-10-25T00:29:00Z", count: 1, now: "2026-10-25T00:29:00Z", want: "2026-10-25T00:30:00Z"},
		{name: "is not quiet the second time", n: record.Notifier{TimeZone: berlin, Quiet: quiet("22:00", "02:30")}, first: "2026-10-25T01:15:00Z", count: 1, now: "2026-10-25T01:15:00Z", want: "2026-10-25T01:15:00Z"},
		{name: "a beginning that comes twice", n: record.Notifier{TimeZone: berlin, Quiet: quiet("02:30", "06:00")}, first: "2026-10-25T00:30:00Z", count: 1, now: "2026-10-25T00:30:00Z", want: "2026-10-25T05:00:00Z"},
		{name: "a zone where half an hour is moved", n: record.Notifier{TimeZone: "Australia/Lord_Howe", Quiet: quiet("22:00", "02:15")}, first: "2026-10-03T14:00:00Z", count: 1, now: "2026-10-03T14:00:00Z", want: "2026-10-03T15:30:00Z"},
		{name: "a zone that nobody checked is UTC", n: record.Notifier{TimeZone: "Nowhere", Quiet: night}, first: "2026-01-05T23:00:00Z", count: 1, now: "2026-01-05T23:00:00Z", want: "2026-01-06T06:00:00Z"},
		{name: "times that nobody checked are none", n: record.Notifier{Quiet: quiet("22", "6:00")}, first: "2026-01-05T23:00:00Z", count: 1, now: "2026-01-05T23:00:00Z", want: "2026-01-05T23:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := notifier.Due(tt.n, at(t, tt.first), tt.count, !tt.urgent, at(t, tt.now))
			if want := at(t, tt.want); !got.Equal(want) {
				t.Errorf("Due = %s, want %s", got.UTC().Format(time.RFC3339), want.Format(time.RFC3339))
			}
		})
	}
}

// TestDueHolds: whatever a checked notifier says and whenever it is asked, nothing is sent before it happened, nor more than a
// day later than without a quiet time, nor in a quiet time but what cannot wait.
func TestDueHolds(t *testing.T) {
	t.Parallel()
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	clock := func() string {
		return time.Date(2026, 1, 1, r.IntN(24), r.IntN(4)*15, 0, 0, time.UTC).Format("15:04")
	}
	tried := 0
	for range 10_000 {
		n := record.Notifier{Name: "ops", To: []string{"ops@example.com"}, TimeZone: pick("", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago")}
		n.Quiet = &record.Quiet{From: clock(), To: clock()}
		for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
			if r.IntN(3) > 0 {
				n.Quiet.Days = append(n.Quiet.Days, d)
			}
		}
		switch r.IntN(3) {
		case 0:
			n.Digest = &record.Digest{Every: pick("5m", "1h", "7h30m", "24h")}
		case 1:
			n.Digest = &record.Digest{Every: pick("5m", "24h"), After: 2 + r.IntN(20)}
		}
		if notifier.Check(n) != nil {
			continue // both times are the same, or nearly
		}
		tried++
		// Around each of the two moments of a year at which clocks are moved, and at any other time.
		first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(365*24*60)) * time.Minute)
		if r.IntN(2) == 0 {
			first = time.Date(2026, time.Month(3+7*r.IntN(2)), 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(14*24*60)) * time.Minute)
		}
		now, count, canWait := first.Add(time.Duration(r.IntN(30*60))*time.Minute), 1+r.IntN(30), r.IntN(4) > 0
		got := notifier.Due(n, first, count, canWait, now)
		loud := n
		loud.Quiet = nil
		wanted := notifier.Due(loud, first, count, canWait, now)
		end, quiet := notifier.QuietUntil(n, got)
		switch {
		case got.Before(first), got.Before(now):
			t.Fatalf("Due(%+v, %s, %d, %t, %s) = %s, before its time", n, first, count, canWait, now, got)
		case got.Sub(wanted) > 24*time.Hour:
			t.Fatalf("Due(%+v, %s, %d, %t, %s) = %s, more than a day after %s", n, first, count, canWait, now, got, wanted)
		case quiet && canWait:
			t.Fatalf("Due(%+v, %s, %d, %t, %s) = %s, quiet until %s", n, first, count, canWait, now, got, end)
		case !canWait && !got.Equal(wanted):
			t.Fatalf("Due(%+v, %s, %d, %t, %s) = %s, and cannot wait", n, first, count, canWait, now, got)
		}
	}
	if tried < 7_000 {
		t.Errorf("%d cases were tried, want most of them", tried)
	}
}
