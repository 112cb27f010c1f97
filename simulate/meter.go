package simulate

import (
	"sync/atomic"
	"time"
)

// meter counts the virtual time that machines have had, in machine-seconds. A nil meter counts nothing.
type meter struct {
	done atomic.Int64
	all  int64
	told func(done, all int64)
}

// meterOf is the meter of the fleets that run.
func meterOf(o Options, sizes []int) *meter {
	if o.Told == nil {
		return nil
	}
	m := &meter{told: o.Told}
	for i, size := range sizes {
		if o.Only != nil {
			size = len(o.Only)
		}
		if o.Number == 0 || o.Number == i+1 {
			m.all += int64(size) * int64(o.Days) * 24 * 60 * 60
		}
	}
	return m
}

// add counts a fleet's time up to now; told is what it returned before.
func (m *meter) add(machines int, told int64, now time.Time) int64 {
	if m == nil {
		return 0
	}
	seconds := int64(now.Sub(start) / time.Second)
	m.told(min(m.done.Add(int64(machines)*(seconds-told)), m.all), m.all)
	return seconds
}
