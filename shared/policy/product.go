package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// productState is the state a policy asks of a product.
type productState string

const (
	stateAny        productState = "" // only its version or definitions are asked for
	stateInstalled  productState = "installed"
	stateAbsent     productState = "absent"
	stateRunning    productState = "running"
	stateStopped    productState = "stopped"
	stateProtecting productState = "protecting"
)

var productStates = []string{
	string(stateRunning), string(stateStopped), string(stateInstalled), string(stateAbsent), string(stateProtecting),
}

// productCondition asks for a product of the catalogue in a state, and for its version and the age of
// its definitions.
type productCondition struct {
	id      evidence.ProductID
	state   productState
	version *constraint
	age     *ageLimit
	signs   evidence.Signs
	named   bool // say the product's name in what was found, because the rule has several conditions
}

// ageLimit is "<= 72h" or "< 72h".
type ageLimit struct {
	operator string
	most     time.Duration
}

func (c *productCondition) expected() string {
	words := string(c.id)
	if c.state != stateAny {
		words += " " + string(c.state)
	}
	var more []string
	if c.version != nil {
		more = append(more, "version "+c.version.text)
	}
	if c.age != nil {
		more = append(more, "definitions "+c.age.operator+" "+formatDuration(c.age.most)+" old")
	}
	switch {
	case len(more) == 0:
		return words
	case c.state == stateAny:
		return words + " " + strings.Join(more, ", ")
	default:
		return words + ", " + strings.Join(more, ", ")
	}
}

func (c *productCondition) needs() Needs {
	if isOther(c.id) {
		return c.otherNeeds()
	}
	if w := traitOf(c.id).word; w != "" {
		return collect(w)
	}
	return Needs{}
}

func (c *productCondition) judge(ev *evidence.Evidence, now time.Time) outcome {
	p := c.found(ev)
	o := check("presence", p.Present, func(present bool) outcome { return c.judgePresent(p, present, ev.Collect, now) })
	if o.verdict == Fail && o.offender == "" {
		o.offender = string(c.id)
	}
	if c.named {
		o.actual = string(c.id) + " " + o.actual
	}
	return o
}

// judgePresent judges a product of which it is known whether it is installed. Not installed is
// knowledge: it fails whatever is asked of the product but its absence.
func (c *productCondition) judgePresent(p evidence.Product, present bool, at evidence.Collect, now time.Time) outcome {
	switch {
	case c.state == stateAbsent && present:
		return failed("installed", location(p), string(c.id)+" installed")
	case c.state == stateAbsent:
		return passed("not installed")
	case !present:
		return failed("not installed", "", string(c.id)+" not installed")
	}
	outcomes := []outcome{c.judgeState(p)}
	if c.version != nil {
		outcomes = append(outcomes, judgeVersion("version", string(c.id), p.Version, *c.version))
	}
	if c.age != nil {
		outcomes = append(outcomes, c.age.judge(c.id, p.Definition.Date, at, now))
	}
	return joinAll(outcomes)
}

func (c *productCondition) judgeState(p evidence.Product) outcome {
	switch c.state {
	case stateRunning, stateStopped:
		return check("running state", p.Running.State, func(s string) outcome {
			if s == string(c.state) {
				return passed(s)
			}
			return notRunning(p, s)
		})
	case stateProtecting:
		return judgeProtecting(p)
	default:
		return passed("installed")
	}
}

// judgeProtecting asks for both, since a product that says of itself that it protects while its
// processes are down must not pass.
func judgeProtecting(p evidence.Product) outcome {
	up := check("running state", p.Running.State, func(s string) outcome {
		if s == "stopped" {
			return notRunning(p, s)
		}
		return outcome{verdict: Pass}
	})
	protects := check("protection", p.Protection.State, func(s string) outcome {
		if s == string(stateProtecting) {
			return passed(s)
		}
		actual := "protection " + s
		if p.Protection.Reason != "" {
			actual += " (" + p.Protection.Reason + ")"
		}
		return failed(actual, "", string(p.ID)+" "+actual)
	})
	return joinAll([]outcome{up, protects})
}

// notRunning fails with the state and the processes that are not there: another one that is missing is
// another finding.
func notRunning(p evidence.Product, state string) outcome {
	value := string(p.ID) + " " + state
	if missing := slices.Sorted(slices.Values(p.Running.Missing)); len(missing) > 0 && state != "stopped" {
		value += " without " + strings.Join(missing, ", ")
	}
	actual, offender := running(p, state)
	return failed(actual, offender, value)
}

// running tells the state, with the processes that are not there.
func running(p evidence.Product, state string) (actual, offender string) {
	if len(p.Running.Missing) == 0 {
		return state, location(p)
	}
	const few = 5
	gone := p.Running.Missing
	if len(gone) > few {
		gone = append(append([]string(nil), gone[:few]...), "and others")
	}
	return state + ", without " + strings.Join(gone, ", "), gone[0]
}

func location(p evidence.Product) string {
	if p.Dir.Known && p.Dir.Value != "" {
		return string(p.ID) + " in " + p.Dir.Value
	}
	return string(p.ID)
}

// judgeVersion compares a version that was found; of is whose version it is.
func judgeVersion(what, of string, f evidence.Fact[string], c constraint) outcome {
	return check(what, f, func(s string) outcome {
		v, ok := parseVersion(s)
		switch {
		case !ok:
			return missing(what+" "+quote(s), "unreadable_version")
		case c.allows(v):
			return passed(what + " " + s)
		default:
			return failed(what+" "+s, "", of+" "+what+" "+s)
		}
	})
}

// judge measures the age as evidence.Age does, by the guest's clock and then by ours.
func (a ageLimit) judge(id evidence.ProductID, date evidence.Fact[time.Time], at evidence.Collect, now time.Time) outcome {
	return check("date of definitions", date, func(d time.Time) outcome {
		if at.GuestEnd.IsZero() || at.Received.IsZero() {
			return missing("age of definitions", "no_guest_time")
		}
		o := check("age of definitions", evidence.Age(d, at, now), a.allows)
		if o.verdict == Fail {
			o.values = []string{string(id) + " definitions of " + d.UTC().Format(time.RFC3339)}
		}
		return o
	})
}

func (a ageLimit) allows(age time.Duration) outcome {
	actual := "definitions " + formatDuration(age.Truncate(time.Second)) + " old"
	if age < a.most || (age == a.most && a.operator == "<=") {
		return passed(actual)
	}
	return failed(actual, "")
}
