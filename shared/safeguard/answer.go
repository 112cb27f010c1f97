package safeguard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// Limits on an answer.
const (
	maxOutput   = 64 << 10 // bytes of output
	maxDocument = 64 << 10 // bytes of JSON once inflated
	maxSteps    = 64
	maxText     = 240 // characters of what a machine says in its own words
)

const (
	tag         = "KWL1"
	wireVersion = 1
)

// Answer is what a machine answered to one command of the lock document.
type Answer struct {
	Action Action
	Root   bool // it ran as root
	Steps  []Step
}

// Step is what became of one name. States and results are fixed words, "" for any other; Why is the
// machine's own text, printable and limited.
type Step struct {
	Kind          Kind
	Name          string
	Before, After string
	Result        string // done, already, failed, skipped, read
	Why           string
}

// Asked is what an answer has to be the answer to.
type Asked struct {
	Action Action
	Nonce  string
	Names  Names
}

type wireAnswer struct {
	Version int    `json:"v"`
	Nonce   string `json:"nonce"`
	Action  string `json:"action"`
	UID     *int   `json:"uid"`
	Steps   []struct {
		Kind   string `json:"k"`
		Name   string `json:"n"`
		Before string `json:"before"`
		After  string `json:"after"`
		Result string `json:"r"`
		Why    string `json:"why"`
	} `json:"steps"`
}

var (
	states = map[Kind][]string{
		Unit:    {"active", "inactive", "failed", "activating", "deactivating", "reloading", "maintenance", "absent", "unreadable"},
		Mount:   {"mounted", "unmounted", "unreadable"},
		Mapping: {"open", "closed", "unreadable"},
	}
	results = []string{"done", "already", "failed", "skipped", "read"}
)

// Parse reads the one line in a command's output. Steps about what was not asked for, and a second one
// about the same name, are refused: such an answer is not ours. The error is evidence.Refusal.
func Parse(output string, want Asked) (Answer, error) {
	text, dropped, err := evidence.Line(tag, output, maxOutput, maxDocument)
	if err != nil {
		return Answer{}, err
	}
	var w wireAnswer
	if err := json.Unmarshal(text, &w); err != nil {
		return Answer{}, &evidence.Refusal{Reason: evidence.BadJSON}
	}
	switch {
	case w.Version != wireVersion:
		return Answer{}, &evidence.Refusal{Reason: evidence.WrongVersion}
	case w.Nonce == "" || w.Nonce != want.Nonce || w.Action != string(want.Action):
		return Answer{}, &evidence.Refusal{Reason: evidence.WrongNonce}
	case len(w.Steps) > maxSteps || dropped:
		return Answer{}, &evidence.Refusal{Reason: evidence.TooLarge}
	}
	a := Answer{Action: want.Action, Root: w.UID != nil && *w.UID == 0}
	for _, s := range w.Steps {
		kind := Kind(s.Kind)
		if _, twice := a.find(kind, s.Name); twice || !want.has(kind, s.Name) {
			return Answer{}, &evidence.Refusal{Reason: evidence.BadJSON}
		}
		a.Steps = append(a.Steps, Step{
			Kind: kind, Name: s.Name, Before: known(states[kind], s.Before), After: known(states[kind], s.After),
			Result: known(results, s.Result), Why: printable(s.Why),
		})
	}
	return a, nil
}

func (w Asked) has(k Kind, name string) bool {
	switch k {
	case Buffers:
		return name == "buffers"
	case Unit:
		return slices.Contains(w.Names.Units, name)
	case Mount:
		return slices.Contains(w.Names.Mounts, name)
	case Mapping:
		return slices.Contains(w.Names.Mappings, name)
	}
	return false
}

func known(words []string, s string) string {
	if slices.Contains(words, s) {
		return s
	}
	return ""
}

func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxText)]
}

func (a Answer) find(k Kind, name string) (Step, bool) {
	i := slices.IndexFunc(a.Steps, func(s Step) bool { return s.Kind == k && s.Name == name })
	if i < 0 {
		return Step{}, false
	}
	return a.Steps[i], true
}

// Flushed says whether buffers were written out.
func (a Answer) Flushed() bool {
	s, there := a.find(Buffers, "buffers")
	return there && s.Result == "done"
}

// told is why a name is not where it should be.
func (s Step) told(k Kind, name string, there bool) string {
	switch {
	case !there:
		return fmt.Sprintf("%s %s: the machine says nothing of it", k, name)
	case s.After == "":
		return fmt.Sprintf("%s %s: the machine does not say its state", k, name)
	case s.Why != "":
		return fmt.Sprintf("%s %s is %s (%s)", k, name, s.After, s.Why)
	default:
		return fmt.Sprintf("%s %s is %s", k, name, s.After)
	}
}

// Text is an answer in one line: each name with its state.
func (a Answer) Text() string {
	var parts []string
	for _, s := range a.Steps {
		if s.Kind == Buffers {
			continue
		}
		part := s.Name + " " + s.After
		if s.After == "" {
			part = s.Name + " unknown"
		}
		if s.Result == "failed" && s.Why != "" {
			part += " (" + s.Why + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// seconds is a duration as the document takes it, rounded up and within its bounds.
func seconds(d time.Duration) string {
	const most = 900
	s := int((d + time.Second - 1) / time.Second)
	return strconv.Itoa(min(max(s, 1), most))
}
