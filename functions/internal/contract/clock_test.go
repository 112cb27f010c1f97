package contract_test

import (
	"strings"
	"testing"
)

// clocks are the names of package time that ask the machine what time it is, or wait.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// Now is the start of the invocation, which boot takes from the deadline: in keyward local it is virtual,
// so nothing that is deployed may ask the machine.
func TestNobodyAsksForTheTime(t *testing.T) {
	t.Parallel()
	for _, s := range append(sources(t, "shared", true), sources(t, "functions", true)...) {
		used := s.uses("time")
		for _, name := range clocks {
			if at := used[name]; at != "" {
				t.Errorf("%s: time.%s: the only now is the start of the invocation, which boot gives", at, name)
			}
		}
	}
}

// Handlers and shared packages never read the environment: main and boot do, once.
func TestOnlyMainReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, s := range append(sources(t, "shared", true), sources(t, "functions", true)...) {
		if s.path == "functions/internal/boot/boot.go" || s.path == "functions/internal/fake/fake.go" {
			continue
		}
		for name, at := range s.uses("os") {
			if main := strings.HasPrefix(s.path, "functions/") && strings.HasSuffix(s.path, "/main.go") && name == "LookupEnv"; !main {
				t.Errorf("%s: os.%s: only main reads the process, and the environment alone", at, name)
			}
		}
	}
}

// fault names HTTP statuses and talks to nobody.
func TestFaultNamesStatusesAlone(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t, "shared/fault", true) {
		for name, at := range s.uses("net/http") {
			if !strings.HasPrefix(name, "Status") {
				t.Errorf("%s: http.%s: fault may name statuses alone", at, name)
			}
		}
	}
}
