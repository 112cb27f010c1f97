package record

import "time"

// How long calls with an idempotency key are known, and how long one may take: longer than the function's timeout.
const (
	KeepCalls  = 24 * time.Hour
	CallWithin = time.Minute
)

// Call is what is kept of one call of the API that has an idempotency key, so that the same call again gets the same
// answer and is not carried out twice.
type Call struct {
	ID       string    `json:"id"`               // digest of the caller and his key
	Digest   string    `json:"digest"`           // of the method, the path, the query and the body
	At       time.Time `json:"at"`               // when it came first
	Until    time.Time `json:"until"`            // nobody else carries it out before; then whoever did has died
	Status   int       `json:"status,omitempty"` // of the answer; 0: there is none yet
	Type     string    `json:"type,omitempty"`
	Body     string    `json:"body,omitempty"`
	Attempts int64     `json:"attempts"` // raised by each write
}

// Begun is a call as its first bearer writes it.
func (c Call) Begun(now time.Time) Call {
	c.At, c.Until, c.Attempts = now, now.Add(CallWithin), 1
	return c
}

// Taken is what is kept of a call as another bearer of it takes it over: that it may is known by true. It may not when there
// is an answer, when somebody is at it, and when what is kept is another call.
func (c Call) Taken(digest string, now time.Time) (Call, bool) {
	if c.Digest != digest || c.Status != 0 || now.Before(c.Until) {
		return c, false
	}
	c.Until = now.Add(CallWithin)
	c.Attempts++
	return c, true
}

// Kept is whether a call is known still.
func (c Call) Kept(now time.Time) bool { return now.Before(c.At.Add(KeepCalls)) }
