package scheduler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // schedules name IANA zones, and the host may have none
)

// occurrences is a parsed schedule expression.
type occurrences interface {
	// next is the first occurrence that is not before from, and false when there is none.
	next(from time.Time) (time.Time, bool)
}

var (
	expressionForm = regexp.MustCompile(`^(rate|cron|at)\((.*)\)$`)
	rateForm       = regexp.MustCompile(`^([1-9][0-9]{0,8}) (minute|hour|day)s?$`)
)

// parse reads rate(…), cron(…) or at(…). The anchor is the first occurrence of a rate.
func parse(expression, zoneName string, anchor time.Time) (occurrences, error) {
	zone, err := loadZone(zoneName)
	if err != nil {
		return nil, err
	}
	m := expressionForm.FindStringSubmatch(expression)
	if m == nil {
		return nil, fmt.Errorf("want rate(…), cron(…) or at(…)")
	}
	switch m[1] {
	case "rate":
		return parseRate(m[2], anchor)
	case "at":
		return parseAt(m[2], zone)
	}
	return parseCron(m[2], zone)
}

// loadZone finds an IANA zone; the empty name is UTC.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // Local would be the host's own
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	return zone, nil
}

// rate is an occurrence every period, whatever the clocks of the zone do.
type rate struct {
	anchor time.Time
	period time.Duration
}

func parseRate(text string, anchor time.Time) (*rate, error) {
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("want a positive number and minutes, hours or days")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return nil, err
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	if n > int(10*365*24*time.Hour/unit) {
		return nil, fmt.Errorf("%s is longer than ten years", strings.TrimSpace(text))
	}
	return &rate{anchor: anchor, period: time.Duration(n) * unit}, nil
}

func (r *rate) next(from time.Time) (time.Time, bool) {
	if !from.After(r.anchor) {
		return r.anchor, true
	}
	periods := (from.Sub(r.anchor) + r.period - 1) / r.period
	return r.anchor.Add(periods * r.period), true
}

// once is the occurrence of at(…).
type once struct{ at time.Time }

func parseAt(text string, zone *time.Location) (*once, error) {
	wall, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil || len(text) != len("2006-01-02T15:04:05") {
		return nil, fmt.Errorf("want yyyy-mm-ddThh:mm:ss")
	}
	at, exists := instant(wall, zone)
	if !exists {
		return nil, fmt.Errorf("the clocks of %s never show %s", zone, text)
	}
	return &once{at}, nil
}

func (o *once) next(from time.Time) (time.Time, bool) { return o.at, !o.at.Before(from) }
