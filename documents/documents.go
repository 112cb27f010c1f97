// Package documents holds what runs on machines: the scripts of the inspection and of the lock, and the
// SSM documents made of them. Everything that sends, pins or runs a document takes it from here, so that
// the text that was compiled in is the text that runs.
//
// It refuses parameters that could be anything but a nonce and words that are harmless, since SSM
// pastes them into the script as text. inspect, recheck, safeguard, keyward local and keyward inspect
// --here call it.
package documents

//go:generate go run ./internal/generate

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Patterns that the document allows its parameters to match.
const (
	NoncePattern   = "^[0-9a-f]{32}$"
	CollectPattern = "^[a-z]+(,[a-z]+)*$"
)

// TimeoutSeconds is how long the script may run on a machine.
const TimeoutSeconds = 45

//go:embed inspect.linux.sh
var inspectLinux string

//go:embed inspect.json
var inspectDocument string

var (
	nonce   = regexp.MustCompile(NoncePattern)
	collect = regexp.MustCompile(CollectPattern)
)

// InspectLinux is the text of the inspection script for Linux, its two parameters still in place.
func InspectLinux() string { return inspectLinux }

// InspectDocument is the content of the SSM document, schema 2.2, as JSON.
func InspectDocument() string { return inspectDocument }

// Digest is the SHA-256, in hex, of what Script says that a document runs.
func Digest(script string) string {
	sum := sha256.Sum256([]byte(script))
	return hex.EncodeToString(sum[:])
}

// InspectDigest is the digest of the scripts of the inspection's document. A document whose scripts have
// another one is not ours to send.
func InspectDigest() string { return Digest(inspection(inspectLinux).runs()) }

// carried is a script as the agent puts it together from a document's lines.
func carried(script string) string { return strings.TrimSuffix(script, "\n") }

// Words are what the parameter Collect may ask for, each a group of facts.
func Words() []string {
	return []string{"os", "listeners", "firewall", "mounts", "ossec", "wazuh", "deepsecurity", "serverprotect"}
}

// Render is the inspection script with its parameters filled in, as the agent would paste them. The
// error says which of them is refused.
func Render(withNonce string, words []string) (string, error) {
	if !nonce.MatchString(withNonce) {
		return "", fmt.Errorf("rendering the inspection: the nonce is not 32 hex digits")
	}
	for _, w := range words {
		if !slices.Contains(Words(), w) {
			return "", fmt.Errorf("rendering the inspection: %q is not one of %s", w, strings.Join(Words(), ", "))
		}
	}
	list := strings.Join(words, ",")
	if !collect.MatchString(list) {
		return "", fmt.Errorf("rendering the inspection: nothing to collect")
	}
	return strings.NewReplacer("{{ Nonce }}", withNonce, "{{ Collect }}", list).Replace(inspectLinux), nil
}

type document struct {
	SchemaVersion string               `json:"schemaVersion"`
	Description   string               `json:"description"`
	Parameters    map[string]parameter `json:"parameters"`
	MainSteps     []step               `json:"mainSteps"`
}

type parameter struct {
	Type           string `json:"type"`
	Description    string `json:"description"`
	AllowedPattern string `json:"allowedPattern"`
	Default        string `json:"default,omitempty"`
}

type step struct {
	Action       string              `json:"action"`
	Name         string              `json:"name"`
	Precondition map[string][]string `json:"precondition"`
	Inputs       inputs              `json:"inputs"`
}

type inputs struct {
	TimeoutSeconds string   `json:"timeoutSeconds"`
	RunCommand     []string `json:"runCommand"`
}

// Generate makes the content of the inspection's SSM document from its script.
func Generate(script string) (string, error) { return encode(inspection(script)) }

func inspection(script string) document {
	return document{
		SchemaVersion: "2.2",
		Description:   "Keyward inspection: reads facts about the machine, writes nothing, prints one line.",
		Parameters: map[string]parameter{
			"Nonce": {
				Type: "String", AllowedPattern: NoncePattern,
				Description: "32 hex digits that the answer has to repeat.",
			},
			"Collect": {
				Type: "String", AllowedPattern: CollectPattern, Default: strings.Join(Words(), ","),
				Description: "What to collect: words with commas between.",
			},
		},
		MainSteps: []step{linux("inspect", script, TimeoutSeconds)},
	}
}

// linux is a step for Linux.
func linux(name, script string, timeoutSeconds int) step {
	return step{
		Action: "aws:runShellScript", Name: name,
		Precondition: map[string][]string{"StringEquals": {"platformType", "Linux"}},
		Inputs: inputs{
			TimeoutSeconds: fmt.Sprint(timeoutSeconds),
			RunCommand:     strings.Split(carried(script), "\n"),
		},
	}
}

func encode(d document) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return "", fmt.Errorf("writing the document: %w", err)
	}
	return b.String(), nil
}

// Script is what a document's content, as GetDocument returns it, runs: of each step its action, its name,
// its precondition and its text. It is what digests are made of, so that a step more, a step less and a
// step for other machines are all another script.
func Script(content string) (string, error) {
	var d document
	if err := json.Unmarshal([]byte(content), &d); err != nil {
		return "", fmt.Errorf("reading the document: %w", err)
	}
	if len(d.MainSteps) == 0 {
		return "", fmt.Errorf("reading the document: expected at least one step")
	}
	return d.runs(), nil
}

func (d document) runs() string {
	var b strings.Builder
	for _, s := range d.MainSteps {
		fmt.Fprintf(&b, "%q %q %q\n%s\n", s.Action, s.Name, s.Precondition, strings.Join(s.Inputs.RunCommand, "\n"))
	}
	return b.String()
}
