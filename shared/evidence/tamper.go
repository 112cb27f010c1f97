package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseTamper reads what fact_tamper of the script prints.
func parseTamper(d *document) Tamper {
	var t Tamper
	if why := d.why("tamper"); why != "" {
		t.Why = append(t.Why, "tamper: "+why)
	}
	if d.UID != 0 {
		t.Why = append(t.Why, "programs: "+WhyNotRoot)
	}
	for line := range lines(d.text("tamper")) {
		label, rest, _ := strings.Cut(clean(line), " ")
		if why, not := strings.CutPrefix(rest, "!"); not {
			if label != "asset" { // what is no EC2 instance has none
				t.Why = append(t.Why, label+": "+code(why))
			}
			continue
		}
		switch label {
		case "preload":
			t.add(SignalPreload, rest)
		case "init":
			if n, ok := number(rest); ok && n > 0 {
				t.add(SignalInit, strconv.Itoa(n)+" variables")
			}
		case "over":
			t.add(SignalOvermount, rest)
		case "masked":
			t.add(SignalMasked, rest)
		case "host":
			t.add(SignalHosts, rest)
		case "exe":
			state, path, _ := strings.Cut(rest, " ")
			t.add(programSignals[state], path)
		}
	}
	slices.Sort(t.Why)
	t.Why = slices.Compact(t.Why)
	t.Why = t.Why[:min(len(t.Why), 16)]
	t.Whole = Known(true)
	if len(t.Why) > 0 {
		t.Whole = Unknown[bool]("not_all_looked_at")
	}
	return t
}

var programSignals = map[string]string{"gone": SignalDeleted, "replaced": SignalReplaced, "place": SignalPlace}

const maxSignals = 64

// add keeps a signal once; a list that is full says so.
func (t *Tamper) add(signal, detail string) { t.put(Signal{signal, clean(detail), "guest"}) }

func (t *Tamper) put(s Signal) {
	switch {
	case s.Code == "" || slices.Contains(t.Signals, s):
	case len(t.Signals) >= maxSignals:
		if !slices.Contains(t.Why, "signals: "+WhyTooMany) {
			t.Why = append(t.Why, "signals: "+WhyTooMany)
		}
	default:
		t.Signals = append(t.Signals, s)
	}
}

// FarOff is how far a machine's clock may be from ours before that is a sign of tampering.
const FarOff = 5 * time.Minute

// crossCheck adds the signals that come of comparing facts with each other.
func (e *Evidence) crossCheck(d *document) {
	t := e.Tamper
	if t == nil {
		return
	}
	if skew := time.Duration(e.Collect.SkewSeconds) * time.Second; skew.Abs() > FarOff {
		t.add(SignalClock, skew.String())
	}
	if e.Modules != nil {
		for _, name := range e.Modules.Hidden {
			t.add(SignalModule, name)
		}
	}
	if asset := words(d.text("tamper"))["asset"]; strings.HasPrefix(asset, "i-") && strings.HasPrefix(e.Machine, "i-") && asset != e.Machine {
		t.add(SignalIdentity, asset)
	}
	if d.UID != 0 {
		return
	}
	for _, l := range e.Listeners.Or(nil) {
		if !l.PID.Known {
			t.add(SignalListener, l.Proto+"/"+strconv.Itoa(l.Port)+" on "+l.Addr)
		}
	}
}
