package scheduler

import "time"

// NextOccurrence is what a schedule's timer is set to; the zero time for none.
func NextOccurrence(expression, zone string, from time.Time) (time.Time, error) {
	o, err := parse(expression, zone, from)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := o.next(from)
	if !ok {
		return time.Time{}, nil
	}
	return at, nil
}
