package dynamodb

import (
	"strconv"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/dynamodb/expression"
)

// oldest is how long past an expiry may lie before AWS takes it for a mistake and leaves the item be
// ("Using time to live", five years).
const oldest = 5 * 365 * 24 * time.Hour

// sweep is the next deletion of expired items of a table: one timer, whatever the number of items.
type sweep struct {
	at    time.Time
	timer *clock.Timer
}

// expiry is when an item expires; ok is false for one that does not.
func (t *table) expiry(item Item) (at time.Time, ok bool) {
	v := item[t.TimeToLive]
	if t.TimeToLive == "" || v.Kind != expression.Number {
		return at, false
	}
	seconds, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || seconds < 0 || seconds > 1e11 {
		return at, false
	}
	return time.Unix(int64(seconds), 0), true
}

// planSweep sees to it that the item is deleted at the whole hour after its expiry.
func (db *DB) planSweep(t *table, item Item) {
	expiry, ok := t.expiry(item)
	now := db.clock.Now()
	if !ok || now.Sub(expiry) > oldest {
		return
	}
	if expiry.Before(now) {
		expiry = now
	}
	at := expiry.Truncate(time.Hour).Add(time.Hour)
	if t.sweep.timer != nil {
		if !at.Before(t.sweep.at) {
			return
		}
		t.sweep.timer.Stop()
	}
	t.sweep.at = at
	t.sweep.timer = db.clock.At(at, "expiry in table "+t.Name, func() { db.deleteExpired(t, at) })
}

// deleteExpired deletes what has expired by the instant and plans for what is left.
func (db *DB) deleteExpired(t *table, by time.Time) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !t.sweep.at.Equal(by) {
		return
	}
	t.sweep = sweep{}
	for key, r := range t.rows {
		expiry, ok := t.expiry(r.item)
		switch {
		case !ok:
		case expiry.Before(by) && by.Sub(expiry) <= oldest:
			db.store(t, key, nil, true)
		default:
			db.planSweep(t, r.item)
		}
	}
}
