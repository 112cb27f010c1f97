package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxName is the longest name of a state, in characters.
const maxName = 80

// Parse reads a definition. The error joins everything that is wrong with it.
func Parse(definition []byte) (*Machine, error) {
	var problems []error
	r := &reader{where: "state machine", problems: &problems}
	if err := json.Unmarshal(definition, &r.fields); err != nil || r.fields == nil {
		return nil, fmt.Errorf("reading state machine: expected a JSON object: %w", err)
	}
	m := &Machine{StartAt: read[string](r, "StartAt"), States: map[string]*State{}}
	m.Timeout = time.Duration(r.number("TimeoutSeconds", 1, maxSeconds, 0)) * time.Second
	read[string](r, "Comment")
	for name, only := range map[string]string{"QueryLanguage": "JSONPath", "Version": "1.0"} {
		if v, ok := optional[string](r, name); ok && v != only {
			r.problem(name, "keyward local knows %s alone, found %q", only, v)
		}
	}
	m.parseStates(r)
	r.end()
	m.check(&problems)
	if len(problems) > 0 {
		return nil, fmt.Errorf("reading state machine: %w", errors.Join(problems...))
	}
	return m, nil
}

func (m *Machine) parseStates(r *reader) {
	raw, _ := r.take("States")
	var states map[string]json.RawMessage
	if err := json.Unmarshal(raw, &states); err != nil || len(states) == 0 {
		r.problem("States", "expected an object that is not empty")
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		below := &reader{where: fmt.Sprintf("state %q", name), problems: r.problems}
		if err := json.Unmarshal(states[name], &below.fields); err != nil || below.fields == nil {
			r.problem(name, "expected an object")
			continue
		}
		if len([]rune(name)) > maxName {
			r.problem(name, "expected a name of at most %d characters", maxName)
		}
		m.States[name] = parseState(name, below)
	}
}

// check finds states that are named and missing, and states that nothing leads to.
func (m *Machine) check(problems *[]error) {
	if m.States[m.StartAt] == nil {
		*problems = append(*problems, fmt.Errorf("state machine: StartAt: state %q is missing", m.StartAt))
		return
	}
	reached := map[string]bool{m.StartAt: true}
	for queue := []string{m.StartAt}; len(queue) > 0; queue = queue[1:] {
		targets := m.States[queue[0]].targets()
		for _, next := range slices.Sorted(maps.Keys(targets)) {
			if m.States[next] == nil {
				*problems = append(*problems, fmt.Errorf("state %q: %s: state %q is missing", queue[0], targets[next], next))
				continue
			}
			if !reached[next] {
				reached[next] = true
				queue = append(queue, next)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		if !reached[name] {
			*problems = append(*problems, fmt.Errorf("state %q: Next: no state leads to it", name))
		}
	}
}
