package inspection_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const script = "#!/bin/sh\necho hello\nexit 0\n"
	tests := []struct {
		name    string
		content string
		want    string // part of the error, "" for none
	}{
		{"one line each", `{"mainSteps":[{"action":"aws:runShellScript","inputs":{"runCommand":["#!/bin/sh","echo hello","exit 0"]}}]}`, ""},
		{"one text", `{"mainSteps":[{"action":"aws:runShellScript","inputs":{"runCommand":["#!/bin/sh\necho hello\nexit 0\n"]}}]}`, ""},
		{"another step before", `{"mainSteps":[{"action":"aws:runPowerShellScript","inputs":{"runCommand":["x"]}},{"action":"aws:runShellScript","inputs":{"runCommand":["#!/bin/sh","echo hello","exit 0"]}}]}`, ""},
		{"another script", `{"mainSteps":[{"action":"aws:runShellScript","inputs":{"runCommand":["#!/bin/sh","echo owned","exit 0"]}}]}`, "is not the one"},
		{"no steps", `{}`, "is not the one"},
		{"no JSON", `{`, "it is not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := inspection.Check(inspection.Document{Name: "d", Version: "3", Content: tt.content}, script)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("Check = %v, want nil", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !fault.Is(err, fault.Conflict) {
				t.Errorf("Check = %v, want a conflict that says %q", err, tt.want)
			}
		})
	}
}

func TestNonce(t *testing.T) {
	t.Parallel()
	a, b := inspection.Nonce(), inspection.Nonce()
	if a == b || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(a) {
		t.Errorf("Nonce() = %q, then %q", a, b)
	}
}
