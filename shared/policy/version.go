package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// version is a version number as far as it can be compared. Of "v1:5.10.0-rc2-28.el9" the numbers are
// 5 10 0, the stage is rc 2, the revision is 28; the epoch before the colon and all other text are
// left out, since distributions add them to the same software.
type version struct {
	numbers  []string // without leading zeros, so that length and text order them
	stage    int      // alpha, beta and rc come before none
	stageNo  string
	revision []string // nil if there is none
}

const maxNumbers = 8

var versionPattern = regexp.MustCompile(`^[vV]?(?:\d+:)?(\d+(?:\.\d+)*)` +
	`(?:[-~._]?(?i:(alpha|beta|rc|preview|pre|dev|snapshot))[.-]?(\d*))?` +
	`(?:[^-]*-(\d+(?:\.\d+)*))?`)

// stages in their order; a version without one is a release and comes after all of them.
var stages = map[string]int{"dev": -4, "snapshot": -4, "alpha": -3, "beta": -2, "pre": -2, "preview": -2, "rc": -1}

// parseVersion reads a version; ok is false if it does not begin with a number.
func parseVersion(s string) (v version, ok bool) {
	parts := versionPattern.FindStringSubmatch(strings.TrimSpace(s))
	if parts == nil {
		return version{}, false
	}
	v.numbers = split(parts[1])
	v.stage = stages[strings.ToLower(parts[2])]
	v.stageNo = strings.TrimLeft(parts[3], "0")
	if parts[4] != "" {
		v.revision = split(parts[4])
	}
	return v, len(v.numbers) <= maxNumbers
}

func split(dotted string) []string {
	numbers := strings.Split(dotted, ".")
	for i, n := range numbers {
		numbers[i] = strings.TrimLeft(n, "0")
	}
	return numbers
}

// compare says whether found comes before (-1), is (0) or comes after (1) the wanted version. A
// revision counts only if the wanted version names one: "3.7.0" is "3.7.0-10738.el7".
func compare(found, wanted version) int {
	revision := 0
	if wanted.revision != nil {
		revision = compareNumbers(found.revision, wanted.revision)
	}
	return cmp.Or(
		compareNumbers(found.numbers, wanted.numbers),
		cmp.Compare(found.stage, wanted.stage),
		compareNumber(found.stageNo, wanted.stageNo),
		revision,
	)
}

// compareNumbers takes missing numbers as zero: 3.7 is 3.7.0.
func compareNumbers(a, b []string) int {
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := compareNumber(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// compareNumber compares digits of any length without leading zeros; "" is zero.
func compareNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// operators of versions, the longer before those they begin with.
var operators = []string{"<=", "<", ">=", ">", "!=", "="}

// constraint is one or more comparisons that a version has to satisfy, all of them.
type constraint struct {
	parts []comparison
	text  string // as messages show it: >= 3.7.0, < 4
}

type comparison struct {
	operator string
	version  version
}

// parseConstraint reads ">= 3.7.0" or ">= 3.7.0, < 4".
func parseConstraint(s string) (constraint, bool) {
	var c constraint
	var shown []string
	for _, part := range strings.Split(s, ",") {
		operator, rest := cutOperator(strings.TrimSpace(part))
		v, ok := parseVersion(rest)
		if operator == "" || !ok || strings.ContainsAny(rest, " \t<>=!") {
			return constraint{}, false
		}
		c.parts = append(c.parts, comparison{operator, v})
		shown = append(shown, operator+" "+rest)
	}
	c.text = strings.Join(shown, ", ")
	return c, len(c.parts) <= maxNumbers
}

func cutOperator(s string) (operator, rest string) {
	for _, o := range operators {
		if rest, ok := strings.CutPrefix(s, o); ok {
			return o, strings.TrimSpace(rest)
		}
	}
	return "", s
}

// allows says whether the version satisfies every comparison.
func (c constraint) allows(v version) bool {
	return !slices.ContainsFunc(c.parts, func(p comparison) bool { return !p.holds(compare(v, p.version)) })
}

func (p comparison) holds(order int) bool {
	switch p.operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "=":
		return order == 0
	default:
		return order != 0
	}
}

const versionExpected = `an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`

// constraint reads a constraint on versions.
func (r *reader) constraint(n *node, path string) *constraint {
	if r.noted(n, text, shape{"description": versionExpected}) {
		return nil
	}
	if n.kind == text {
		if c, ok := parseConstraint(n.text); ok {
			return &c
		}
	}
	r.got(n, path, versionExpected)
	return nil
}
