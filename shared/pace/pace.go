// Package pace spreads calls that an AWS quota limits: a bucket of tokens says whether a call may be made now, and a
// queue, in order of severity, when to ask again. It is pure: the store keeps buckets and queues, revoke and restore
// ask. Whoever gets no token is told when to come back and calls nobody until then.
package pace

import (
	"fmt"
	"time"
)

// Names of the buckets. Revoking and restoring have one each, so that a wave of one never keeps the other waiting.
const (
	DisableKey  = "disable-key"
	RevokeGrant = "revoke-grant"
	EnableKey   = "enable-key"
	CreateGrant = "create-grant"
)

// Waits between two questions: shorter would hammer the table, longer would notice a hold late.
const (
	least = time.Second
	most  = 30 * time.Second
)

// Bucket is a limit on calls. The zero value lets nothing pass.
type Bucket struct {
	Name  string
	Every time.Duration // one call each, in the long run
	Burst int           // calls at once after a pause
}

// Half is the bucket for one direction, revoking or restoring, of calls of which the account's quota allows so many a
// second: half of them. The quota is at least 1.
func Half(name string, quota int) Bucket {
	quota = max(quota, 1)
	return Bucket{Name: name, Every: 2 * time.Second / time.Duration(quota), Burst: max(quota/2, 1)}
}

// Take says whether so many calls may be made now, and if so until when the bucket is used: before that time it is not
// full. Used is that time as it was kept, zero for a bucket that was never used. More calls than Burst need a full one.
// In any time d no more than Burst plus d/Every calls are let pass (the generic cell rate algorithm, ITU-T I.371).
func (b Bucket) Take(used, now time.Time, calls int) (until time.Time, ok bool) {
	if calls <= 0 {
		return used, true
	}
	if b.Every <= 0 || b.Burst < 1 {
		return used, false
	}
	if used.Before(now) {
		used = now
	}
	if used.Sub(now) > time.Duration(b.Burst-min(calls, b.Burst))*b.Every {
		return used, false
	}
	return used.Add(time.Duration(calls) * b.Every), true
}

// May is whether one with so many before it in the queue may ask for a token at all: those in front may, as many as get
// one within two seconds, so that order holds to within that time and no token is left for want of somebody who asks.
func (b Bucket) May(ahead int) bool {
	return b.Every > 0 && ahead < b.Burst+int(2*time.Second/b.Every)
}

// Return is when one with so many before it asks again, in whole seconds: when their calls are made, and not later than
// in half a minute, since the queue moves and holds are set.
func (b Bucket) Return(ahead int, now time.Time) time.Time {
	at := now.Add(min(max(b.Lasts(ahead), least), most))
	if down := at.Truncate(time.Second); down.Before(at) {
		return down.Add(time.Second)
	}
	return at
}

// Lasts is how long so many calls take when nobody else calls.
func (b Bucket) Lasts(calls int) time.Duration {
	return time.Duration(max(calls-b.Burst, 0)) * b.Every
}

// Plan is when calls that may be made from these times on, in this order, are made when nobody else calls.
func (b Bucket) Plan(from []time.Time) []time.Time {
	planned, used := make([]time.Time, len(from)), time.Time{}
	for i, at := range from {
		until, ok := b.Take(used, at, 1)
		if !ok && b.Every > 0 && b.Burst > 0 {
			at = used.Add(-time.Duration(b.Burst-1) * b.Every)
			until, _ = b.Take(used, at, 1)
		}
		planned[i], used = at, until
	}
	return planned
}

// Order is a place in a queue as text that sorts: more failed rules first, then the earlier deadline, then the id.
func Order(failed int, due time.Time, machine string) string {
	return fmt.Sprintf("%03d#%s#%s", 999-min(max(failed, 0), 999), due.UTC().Format("2006-01-02T15:04:05Z"), machine)
}
