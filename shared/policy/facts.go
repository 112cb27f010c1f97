package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// facts is a condition made of checks on facts, all of which must hold.
type facts struct {
	need   Needs
	stops  bool // a lock, which stops services and unmounts, could make it pass
	words  []string
	checks []func(*evidence.Evidence, time.Time) outcome
}

// asks needs facts of a kind by name.
func (c *facts) asks(kind string, names []string) {
	for _, name := range names {
		c.need.Ask = append(c.need.Ask, kind+":"+name)
	}
}

// add takes in one check, and what it expects in words.
func (c *facts) add(words string, check func(*evidence.Evidence, time.Time) outcome) {
	c.words, c.checks = append(c.words, words), append(c.checks, check)
}

func (c *facts) expected() string { return strings.Join(c.words, ", ") }
func (c *facts) needs() Needs     { return c.need }

func (c *facts) judge(ev *evidence.Evidence, now time.Time) outcome {
	outcomes := make([]outcome, 0, len(c.checks))
	for _, check := range c.checks {
		outcomes = append(outcomes, check(ev, now))
	}
	return joinAll(outcomes)
}

// asked refuses a mapping that asks nothing, unless something else is wrong with it already.
func (r *reader) asked(n *node, path string, c *facts, before int, names ...string) *facts {
	if len(c.checks) == 0 && len(r.errs) == before {
		expected := names[0]
		if last := len(names) - 1; last > 0 {
			expected = strings.Join(names[:last], ", ") + " or " + names[last]
		}
		r.fail(n, path, "asks nothing, expected %s", expected)
	}
	return c
}

// group is a group of facts that was collected, or the outcome that it was not.
func group[T any](what string, g *T, judge func(*T) outcome) outcome {
	if g == nil {
		return missing(what, evidence.WhyNotCollected)
	}
	return judge(g)
}

// limit is a comparison with a whole number: "<= 4".
type limit struct {
	operator string
	number   int
}

func (l limit) String() string { return l.operator + " " + strconv.Itoa(l.number) }

func (l limit) allows(n int) bool {
	switch l.operator {
	case "<":
		return n < l.number
	case "<=":
		return n <= l.number
	case ">":
		return n > l.number
	case ">=":
		return n >= l.number
	case "!=":
		return n != l.number
	default:
		return n == l.number
	}
}

const limitExpected = `a whole number, or an operator (<, <=, =, !=, >=, >) and one, such as "<= 4"`

var limitPattern = regexp.MustCompile(`^(<=|>=|!=|<|>|=)\s*(\d{1,9})$`)

// limit reads "<= 4"; a number alone is "= 4".
func (r *reader) limit(n *node, path string) limit {
	if n.kind == number && r.noted(n, number, shape{"minimum": 0, "maximum": 999_999_999}) ||
		r.noted(n, text, shape{"pattern": limitPattern.String(), "description": limitExpected}) {
		return limit{"=", 0}
	}
	written := n.text
	if n.kind == number {
		written = "= " + written
	}
	if parts := limitPattern.FindStringSubmatch(written); parts != nil && (n.kind == number || n.kind == text) {
		at, _ := strconv.Atoi(parts[2])
		return limit{parts[1], at}
	}
	r.got(n, path, limitExpected)
	return limit{"=", 0}
}

// some reads one word, or a list of them. What is refused is left out.
func (r *reader) some(n *node, path, what string, most int, read func(n *node, path string) string) []string {
	var all []string
	one := func(n *node, path string) {
		if word := read(n, path); word != "" {
			all = append(all, word)
		}
	}
	if n.kind != list {
		one(n, path)
		return all
	}
	r.each(n, path, what, 1, most, one)
	return all
}

var pathPattern = regexp.MustCompile(`^(/[A-Za-z0-9._+@-]+)+$|^/$`)

// path reads an absolute path of plain characters, as the inspection takes it.
func (r *reader) path(n *node, path string) string {
	if r.noted(n, text, shape{"pattern": pathPattern.String(), "maxLength": 200}) {
		return ""
	}
	if n.kind == text && pathPattern.MatchString(n.text) && len(n.text) <= 200 && !dots(n.text) {
		return n.text
	}
	r.got(n, path, "an absolute path of letters, digits and . _ + @ - /, at most 200 characters, without . or .. in it")
	return ""
}

func dots(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// within compares how long ago something was with a limit, by the guest's clock up to the inspection and
// by ours since.
func within(what string, l *ageLimit, date evidence.Fact[time.Time], at evidence.Collect, now time.Time) outcome {
	return check(what, date, func(d time.Time) outcome {
		if at.GuestEnd.IsZero() || at.Received.IsZero() {
			return missing(what, "no_guest_time")
		}
		return check(what, evidence.Age(d, at, now), func(age time.Duration) outcome {
			return l.judgeAge(what, age, what+" "+d.UTC().Format(time.RFC3339))
		})
	})
}

// judgeAge compares an age; value is what a finding is pinned to.
func (l *ageLimit) judgeAge(what string, age time.Duration, value string) outcome {
	actual := what + " " + formatDuration(age.Truncate(time.Second)) + " ago"
	if age < l.most || (age == l.most && l.operator == "<=") {
		return passed(actual)
	}
	return failed(actual, "", value)
}

func (l *ageLimit) String() string { return l.operator + " " + formatDuration(l.most) }

// only fails with the things found that are not among those allowed, one by one.
func only(what string, found, allowed []string) outcome {
	var bad []string
	for _, f := range found {
		if !slices.Contains(allowed, f) {
			bad = append(bad, f)
		}
	}
	if len(bad) == 0 {
		return passed(fmt.Sprintf("no other %s", what))
	}
	values := make([]string, len(bad))
	for i, b := range bad {
		values[i] = what + " " + b
	}
	return failed(few(bad), bad[0], values...)
}

// few names the first things of a list and counts the rest.
func few(all []string) string {
	const most = 5
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

// equal passes for one of the wanted words.
func equal(what string, f evidence.Fact[string], want []string) outcome {
	return check(what, f, func(s string) outcome {
		if slices.Contains(want, s) {
			return passed(what + " " + quoteUnlessPlain(s))
		}
		return failed(what+" "+quoteUnlessPlain(s), "", what+" "+s)
	})
}

// is passes for the wanted truth; yes and no are what to call it.
func is(what string, f evidence.Fact[bool], want bool, yes, no string) outcome {
	return check(what, f, func(b bool) outcome {
		actual := no
		if b {
			actual = yes
		}
		if b == want {
			return passed(actual)
		}
		return failed(actual, "", actual)
	})
}

// counted passes for a number within a limit.
func counted(what string, f evidence.Fact[int], l limit) outcome {
	return check(what, f, func(n int) outcome {
		actual := fmt.Sprintf("%s %d", what, n)
		if l.allows(n) {
			return passed(actual)
		}
		return failed(actual, "", actual)
	})
}
