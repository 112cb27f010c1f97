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
	AskPattern     = "^(-|[a-z]+:([A-Z]:)?[A-Za-z0-9/._+@-]+(,[a-z]+:([A-Z]:)?[A-Za-z0-9/._+@-]+)*)$"
)

// NothingAsked is the value of the parameter Ask that asks for nothing by name.
const NothingAsked = "-"

// MaxAsk is how many characters the parameter Ask may have: document and parameters together stay below
// SSM's 64 KiB.
const MaxAsk = 3000

// TimeoutSeconds is how long the script may run on a machine.
const TimeoutSeconds = 45

//go:embed inspect.linux.sh
var inspectLinux string

//go:embed inspect.windows.ps1
var inspectWindows string

//go:embed inspect.json
var inspectDocument string

var (
	nonce   = regexp.MustCompile(NoncePattern)
	collect = regexp.MustCompile(CollectPattern)
	asked   = regexp.MustCompile(AskPattern)
)

// InspectLinux is the text of the inspection script for Linux, its parameters still in place.
func InspectLinux() string { return inspectLinux }

// InspectWindows is the text of the inspection script for Windows PowerShell 5.1, its parameters still in
// place.
func InspectWindows() string { return inspectWindows }

// InspectDocument is the content of the SSM document, schema 2.2, as JSON.
func InspectDocument() string { return inspectDocument }

// Digest is the SHA-256, in hex, of what Script says that a document runs.
func Digest(script string) string {
	sum := sha256.Sum256([]byte(script))
	return hex.EncodeToString(sum[:])
}

// InspectDigest is the digest of the scripts of the inspection's document. A document whose scripts have
// another one is not ours to send.
func InspectDigest() string { return Digest(inspection(inspectLinux, inspectWindows).runs()) }

// carried is a script as the agent puts it together from a document's lines.
func carried(script string) string { return strings.TrimSuffix(script, "\n") }

// packed is a script as the inspection's document carries it, which has room for both platforms: without
// indentation and without lines of comment but the first.
func packed(script string) string {
	var kept []string
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimLeft(line, " \t")
		if i == 0 || line != "" && line[0] != '#' {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n") + "\n"
}

// Words are what the parameter Collect may ask for, each a group of facts.
func Words() []string {
	return append(Always(), onDemand...)
}

// Always are the words that every inspection asks for: what a new policy can be tried on before anything
// is collected for it.
func Always() []string {
	return []string{"os", "listeners", "firewall", "mounts", "ossec", "wazuh", "deepsecurity", "serverprotect", "officescan", "defender"}
}

// onDemand are the words that cost more, collected when a rule needs them.
var onDemand = []string{
	"clamav", "mdatp", "crowdstrike", "sentinelone", "guardduty", "aide", "auditd", "other",
	"reboot", "updates", "mac", "accounts", "sshd", "time", "kernel", "modules", "packages", "files", "cron", "suid", "tamper",
}

// Parameters are the values for the document's parameters: collect are words beyond those that are
// always asked for, ask are facts by name, such as file:/etc/passwd. The error says what is refused.
func Parameters(withNonce string, collect, ask []string) (map[string]string, error) {
	words := Always()
	for _, w := range onDemand {
		if slices.Contains(collect, w) {
			words = append(words, w)
		}
	}
	for _, w := range collect {
		if !slices.Contains(Words(), w) {
			return nil, fmt.Errorf("asking for facts: %q is not one of %s", w, strings.Join(Words(), ", "))
		}
	}
	return parameters(withNonce, words, ask)
}

func parameters(withNonce string, words, ask []string) (map[string]string, error) {
	names := NothingAsked
	if len(ask) > 0 {
		names = strings.Join(ask, ",")
	}
	list := strings.Join(words, ",")
	switch {
	case !nonce.MatchString(withNonce):
		return nil, fmt.Errorf("asking for facts: the nonce is not 32 hex digits")
	case !collect.MatchString(list):
		return nil, fmt.Errorf("asking for facts: nothing to collect")
	case !asked.MatchString(names) || len(names) > MaxAsk:
		return nil, fmt.Errorf("asking for facts: %.80q does not match %s in at most %d characters", names, AskPattern, MaxAsk)
	}
	return map[string]string{"Nonce": withNonce, "Collect": list, "Ask": names}, nil
}

// Render is the inspection script with its parameters filled in, as the agent would paste them: words are
// all that is collected, ask are facts by name. The error says which of them is refused.
func Render(withNonce string, words []string, ask ...string) (string, error) {
	for _, w := range words {
		if !slices.Contains(Words(), w) {
			return "", fmt.Errorf("rendering the inspection: %q is not one of %s", w, strings.Join(Words(), ", "))
		}
	}
	values, err := parameters(withNonce, words, ask)
	if err != nil {
		return "", fmt.Errorf("rendering the inspection: %w", err)
	}
	text := packed(inspectLinux)
	for name, v := range values {
		text = strings.ReplaceAll(text, "{{ "+name+" }}", v)
	}
	return text, nil
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

// Generate makes the content of the inspection's SSM document from its scripts. Each machine runs the step of
// its platform and skips the other.
func Generate(forLinux, forWindows string) (string, error) {
	return encode(inspection(forLinux, forWindows))
}

func inspection(forLinux, forWindows string) document {
	return document{
		SchemaVersion: "2.2",
		Description:   "Keyward inspection: reads facts about the machine, writes nothing, prints one line.",
		Parameters: map[string]parameter{
			"Nonce": {
				Type: "String", AllowedPattern: NoncePattern,
				Description: "32 hex digits that the answer has to repeat.",
			},
			"Collect": {
				Type: "String", AllowedPattern: CollectPattern, Default: strings.Join(Always(), ","),
				Description: "What to collect: words with commas between.",
			},
			"Ask": {
				Type: "String", AllowedPattern: AskPattern, Default: NothingAsked,
				Description: "What to collect by name: kind:name with commas between, or - for nothing.",
			},
		},
		MainSteps: []step{linux("inspect", packed(forLinux), TimeoutSeconds), windows("inspectWindows", packed(forWindows), TimeoutSeconds)},
	}
}

// linux is a step for Linux.
func linux(name, script string, timeoutSeconds int) step {
	return stepFor("Linux", "aws:runShellScript", name, script, timeoutSeconds)
}

// windows is a step for Windows, where the agent runs it in Windows PowerShell.
func windows(name, script string, timeoutSeconds int) step {
	return stepFor("Windows", "aws:runPowerShellScript", name, script, timeoutSeconds)
}

func stepFor(platform, action, name, script string, timeoutSeconds int) step {
	return step{
		Action: action, Name: name,
		Precondition: map[string][]string{"StringEquals": {"platformType", platform}},
		Inputs: inputs{
			TimeoutSeconds: fmt.Sprint(timeoutSeconds),
			RunCommand:     strings.Split(carried(script), "\n"),
		},
	}
}

// encode writes a line of a script on a line of its own, so that changes can be read, and indents nothing: SSM
// takes 64 KiB.
func encode(d document) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(d); err != nil {
		return "", fmt.Errorf("writing the document: %w", err)
	}
	return strings.ReplaceAll(b.String(), "\t", ""), nil // in a text a tab would be an escape
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
