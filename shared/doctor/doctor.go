package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// State is the outcome of a check. The zero value is Unknown.
type State string

// The states.
const (
	Unknown State = "" // the check could not be made
	OK      State = "ok"
	Warning State = "warning" // it works, and somebody should know
	Problem State = "problem" // something does not work, or will not when it has to
)

// Shown is a state's word.
func (s State) Shown() string {
	if s == Unknown {
		return "not known"
	}
	return string(s)
}

// MarshalText is Shown.
func (s State) MarshalText() ([]byte, error) { return []byte(s.Shown()), nil }

// Line is one check.
type Line struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Text  string `json:"text"`         // what was found, or why it is not known
	Do    string `json:"do,omitempty"` // what to do about it
}

// check is a named judgement over all facts.
type check struct {
	name  string
	judge func(Facts) Line
}

// checks are all, in the order of a deployment.
var checks = []check{
	{"stack", stack}, {"versions", versions}, {"documents", documents}, {"mail account", account}, {"mail quota", mailQuota}, {"sender", sender},
	{"alarms", alarms}, {"schedules", schedules}, {"time zone", timeZone}, {"policies' schedules", own}, {"sweep", sweep}, {"dead letters", letters},
	{"agents", agents}, {"keys", keys}, {"other ways to keys", ways}, {"KMS quotas", quotas}, {"fire drill", drills}, {"holds", holds},
}

// Judge makes every check.
func Judge(f Facts) []Line {
	var all []Line
	for _, c := range checks {
		line := c.judge(f)
		line.Check = c.name
		all = append(all, line)
	}
	return all
}

// Worst is the state that counts for all: a problem before what is not known, that before a warning.
func Worst(lines []Line) State {
	for _, s := range []State{Problem, Unknown, Warning} {
		if slices.ContainsFunc(lines, func(l Line) bool { return l.State == s }) {
			return s
		}
	}
	return OK
}

func unknown(because string) Line { return Line{State: Unknown, Text: "not known, because " + because} }

func ok(format string, args ...any) Line { return Line{State: OK, Text: fmt.Sprintf(format, args...)} }

func warning(do, format string, args ...any) Line {
	return Line{State: Warning, Text: fmt.Sprintf(format, args...), Do: do}
}

func problem(do, format string, args ...any) Line {
	return Line{State: Problem, Text: fmt.Sprintf(format, args...), Do: do}
}

// some names the first few.
func some(all []string) string {
	const most = 5
	slices.Sort(all)
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
