// Package agent does what the Systems Manager agent does with a command on one machine: it puts the
// parameters into the document, runs its steps in order and reports each with the status, the exit
// code and the cut output that the real agent (3.3 line, Linux) was seen to report.
//
// It runs schema 2.2 documents of aws:runShellScript steps, and knows aws:runPowerShellScript only as
// a step to skip on Linux. What it does not do is refused by name when the document is parsed; a
// script that asks for a reboot fails. local/ssm calls it, with documents of the template alone.
package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The actions of steps.
const (
	ShellScript      = "aws:runShellScript"
	PowerShellScript = "aws:runPowerShellScript"
)

// MaxDocumentSize is the limit of a document together with the values of its parameters, in bytes.
const MaxDocumentSize = 64 << 10

// Unsupported is the error of a document that AWS may well accept and this agent does not run.
type Unsupported struct{ What string }

func (e *Unsupported) Error() string { return "keyward local does not implement " + e.What }

func unsupported(format string, args ...any) error {
	return &Unsupported{What: fmt.Sprintf(format, args...)}
}

// Document is a command document that may run. The zero value has no steps.
type Document struct {
	SchemaVersion string               `json:"schemaVersion"`
	Description   string               `json:"description"`
	Parameters    map[string]Parameter `json:"parameters"`
	Steps         []Step               `json:"mainSteps"`
}

// Step is one step as it is written. Texts in it may hold {{ Parameter }}.
type Step struct {
	Action       string              `json:"action"`
	Name         string              `json:"name"`
	Precondition map[string][]string `json:"precondition"`
	Inputs       Inputs              `json:"inputs"`
}

// Inputs are what a script step takes.
type Inputs struct {
	RunCommand       []string `json:"runCommand"`
	TimeoutSeconds   any      `json:"timeoutSeconds"` // a number or its text; below 5 or nothing means 3,600
	WorkingDirectory string   `json:"workingDirectory"`
	OnFailure        string   `json:"onFailure"`   // exit or successAndExit
	FinallyStep      bool     `json:"finallyStep"` // runs after an exit condition too
}

var (
	stepName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)
	placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
)

// Parse reads a document in JSON and refuses what the agent would not run, or not run as AWS does.
func Parse(content string) (*Document, error) {
	if len(content) > MaxDocumentSize {
		return nil, fmt.Errorf("reading the document: %d bytes, expected at most %d", len(content), MaxDocumentSize)
	}
	var d Document
	decoder := json.NewDecoder(bytes.NewReader([]byte(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, unsupported("%s in a document", name)
		}
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("reading the document: expected one JSON object")
	}
	return &d, d.check()
}

func (d *Document) check() error {
	if d.SchemaVersion != "2.2" {
		return unsupported("document schemaVersion %q, only 2.2", d.SchemaVersion)
	}
	if len(d.Steps) == 0 {
		return fmt.Errorf("reading mainSteps: expected at least one step")
	}
	for name, p := range d.Parameters {
		if err := p.check(); err != nil {
			return fmt.Errorf("reading parameter %s: %w", name, err)
		}
	}
	seen := map[string]bool{}
	for _, s := range d.Steps {
		if seen[s.Name] {
			return unsupported("two steps of the name %q", s.Name)
		}
		seen[s.Name] = true
		if err := d.checkStep(s); err != nil {
			return fmt.Errorf("reading step %q: %w", s.Name, err)
		}
	}
	return nil
}

func (d *Document) checkStep(s Step) error {
	if !stepName.MatchString(s.Name) {
		return fmt.Errorf("expected a name of letters, digits, _ and -")
	}
	if s.Action != ShellScript && s.Action != PowerShellScript {
		return unsupported("action %q", s.Action)
	}
	if !slices.Contains([]string{"", "exit", "successAndExit"}, s.Inputs.OnFailure) {
		return unsupported("onFailure %q", s.Inputs.OnFailure)
	}
	if err := d.checkPrecondition(s.Precondition); err != nil {
		return err
	}
	if s.Action == PowerShellScript && !slices.Contains(s.Precondition["StringEquals"], "Windows") {
		return unsupported("%s without the precondition that platformType is Windows", PowerShellScript)
	}
	texts := append([]string{s.Inputs.WorkingDirectory}, s.Inputs.RunCommand...)
	switch t := s.Inputs.TimeoutSeconds.(type) {
	case nil, float64:
	case string:
		texts = append(texts, t)
	default:
		return fmt.Errorf("reading timeoutSeconds: expected a number or its text, found %v", t)
	}
	return d.checkPlaceholders(append(texts, s.Precondition["StringEquals"]...))
}

func (d *Document) checkPrecondition(p map[string][]string) error {
	for operator, operands := range p {
		if operator != "StringEquals" {
			return unsupported("precondition operator %q", operator)
		}
		variable := func(o string) bool { return o == "platformType" || placeholder.MatchString(o) }
		if len(operands) != 2 || !slices.ContainsFunc(operands, variable) {
			return fmt.Errorf("reading precondition: expected two operands, one of them platformType or a parameter, found %q", operands)
		}
	}
	return nil
}

func (d *Document) checkPlaceholders(texts []string) error {
	for _, text := range texts {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "ssm:") || strings.HasPrefix(m[1], "ssm-secure:") || strings.HasPrefix(m[1], "global:") {
				return unsupported("{{ %s }} in a document", m[1])
			}
			if _, ok := d.Parameters[m[1]]; !ok {
				return fmt.Errorf("reading {{ %s }}: expected the name of a parameter", m[1])
			}
		}
	}
	return nil
}

// Platforms are the platform types that AWS derives from the actions of the steps.
func (d *Document) Platforms() []string {
	uses := func(action string) bool {
		return slices.ContainsFunc(d.Steps, func(s Step) bool { return s.Action == action })
	}
	if uses(PowerShellScript) {
		return []string{"Windows", "Linux", "MacOS"}
	}
	return []string{"Linux", "MacOS"}
}
