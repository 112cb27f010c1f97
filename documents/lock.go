package documents

import (
	_ "embed" // the script and the document
	"fmt"
	"regexp"
	"strings"
)

// Patterns that the lock document allows its parameters to match. A list is names with commas between,
// or "-" for none; none of them can hold a space, a quote or anything else that a shell would act on.
const (
	ActionPattern   = "^(flush|status|quiesce|resume|lock|unlock)$"
	WithinPattern   = "^[1-9][0-9]{0,2}$"
	UnitsPattern    = "^(-|" + unit + "(," + unit + ")*)$"
	MountsPattern   = "^(-|" + mount + "(," + mount + ")*)$"
	MappingsPattern = "^(-|" + mapping + "(," + mapping + ")*)$"

	unit    = `[A-Za-z0-9][A-Za-z0-9_.:@-]*\.(service|socket|timer)`
	mount   = `(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+`
	mapping = `[A-Za-z0-9_][A-Za-z0-9_.-]*`
)

// MaxWithin is the most seconds that the parameter Within may say. LockTimeoutSeconds, after which the
// agent kills the script, leaves it time to read back and to answer.
const (
	MaxWithin          = 900
	LockTimeoutSeconds = MaxWithin + 120
)

//go:embed lock.linux.sh
var lockLinux string

//go:embed lock.json
var lockDocument string

// LockLinux is the text of the lock script for Linux, its parameters still in place.
func LockLinux() string { return lockLinux }

// LockDocument is the content of the lock's SSM document, schema 2.2, as JSON.
func LockDocument() string { return lockDocument }

// LockDigest is the digest of the script of the lock's document.
func LockDigest() string { return Digest(locking(lockLinux).runs()) }

var lockParameters = map[string]parameter{
	"Nonce":    {Type: "String", AllowedPattern: NoncePattern, Description: "32 hex digits that the answer has to repeat."},
	"Action":   {Type: "String", AllowedPattern: ActionPattern, Description: "flush: write out buffers; status: only read; quiesce: start, then write out buffers; resume: stop; lock: stop, unmount and close; unlock: mount and start."},
	"Within":   {Type: "String", AllowedPattern: WithinPattern, Default: "300", Description: "Seconds that all steps may take together, at most 900."},
	"Units":    {Type: "String", AllowedPattern: UnitsPattern, Default: "-", Description: "systemd units with commas between, in the order in which they are stopped or started; - for none."},
	"Mounts":   {Type: "String", AllowedPattern: MountsPattern, Default: "-", Description: "Mount points with commas between, in order; - for none."},
	"Mappings": {Type: "String", AllowedPattern: MappingsPattern, Default: "-", Description: "dm-crypt mappings with commas between, in order; - for none."},
}

// GenerateLock makes the content of the lock's SSM document from its script.
func GenerateLock(script string) (string, error) { return encode(locking(script)) }

func locking(script string) document {
	return document{
		SchemaVersion: "2.2",
		Description:   "Keyward lock: stops named units, unmounts named mounts, closes named dm-crypt mappings, or undoes it; brings an application to rest by a named unit, or lets it go on; prints one line.",
		Parameters:    lockParameters, MainSteps: []step{linux("lock", script, LockTimeoutSeconds)},
	}
}

// RenderLock is the lock script with its parameters filled in, as the agent would paste them. The error
// names the parameter that is refused.
func RenderLock(parameters map[string]string) (string, error) {
	var pairs []string
	for name, p := range lockParameters {
		v, given := parameters[name]
		if !given {
			v = p.Default
		}
		if !regexp.MustCompile(p.AllowedPattern).MatchString(v) {
			return "", fmt.Errorf("rendering the lock: %s is %q, expected a match of %s", name, v, p.AllowedPattern)
		}
		pairs = append(pairs, "{{ "+name+" }}", v)
	}
	for name := range parameters {
		if _, known := lockParameters[name]; !known {
			return "", fmt.Errorf("rendering the lock: there is no parameter %q", name)
		}
	}
	return strings.NewReplacer(pairs...).Replace(lockLinux), nil
}
