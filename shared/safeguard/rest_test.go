package safeguard_test

import (
	"testing"

	"github.com/keyward/keyward/shared/safeguard"
)

const backup = "backup.service"

func steps(before, after, result string, more ...safeguard.Step) safeguard.Answer {
	return safeguard.Answer{Steps: append([]safeguard.Step{{Kind: safeguard.Unit, Name: backup, Before: before, After: after, Result: result}}, more...)}
}

// Only a unit that was read back as active, with buffers written out after it, is an application at rest.
func TestAtRest(t *testing.T) {
	t.Parallel()
	flushed, cut := safeguard.Step{Kind: safeguard.Buffers, Name: "buffers", Result: "done"}, safeguard.Step{Kind: safeguard.Buffers, Name: "buffers", Result: "failed"}
	for name, c := range map[string]struct {
		a   safeguard.Answer
		ok  bool
		why string
	}{
		"started":           {steps("inactive", "active", "done", flushed), true, ""},
		"by an earlier try": {steps("active", "active", "already", flushed), true, ""},
		"another's":         {steps("active", "active", "skipped", flushed), false, "unit backup.service is active"},
		"not started":       {steps("inactive", "inactive", "failed", flushed), false, "unit backup.service is inactive"},
		"starting":          {steps("inactive", "activating", "done", flushed), false, "unit backup.service is activating"},
		"no word":           {steps("inactive", "", "done", flushed), false, "unit backup.service: the machine does not say its state"},
		"nothing":           {safeguard.Answer{}, false, "unit backup.service: the machine says nothing of it"},
		"sync failed":       {steps("inactive", "active", "done", cut), false, "buffers were not written out: sync failed on the machine"},
		"no sync":           {steps("inactive", "active", "done"), false, "buffers were not written out: sync failed on the machine"},
	} {
		if ok, why := safeguard.AtRest(backup, c.a); ok != c.ok || why != c.why {
			t.Errorf("%s: AtRest = %t, %q, want %t, %q", name, ok, why, c.ok, c.why)
		}
		if got := safeguard.LeftAlone(backup, c.a); got != (name == "another's") {
			t.Errorf("%s: LeftAlone = %t", name, got)
		}
	}
}

func TestResumed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a      safeguard.Answer
		atRest bool
		ok     bool
		lasted bool
	}{
		"stopped":                {steps("active", "inactive", "done"), true, true, true},
		"ended before":           {steps("inactive", "inactive", "already"), true, true, false},
		"gone":                   {steps("absent", "absent", "already"), true, true, false},
		"never started":          {steps("failed", "failed", "already"), false, true, false},
		"failed to stop":         {steps("active", "failed", "failed"), true, false, true},
		"failed, answer unread":  {steps("active", "failed", "failed"), false, false, true},
		"ended before, and bad":  {steps("failed", "failed", "already"), true, false, false},
		"still active":           {steps("active", "active", "failed"), true, false, true},
		"stopping":               {steps("active", "deactivating", "failed"), true, false, true},
		"no word":                {steps("active", "", "done"), true, false, true},
		"nothing said of it":     {safeguard.Answer{}, true, false, false},
		"nothing, and no rest":   {safeguard.Answer{}, false, false, false},
		"no word before, either": {steps("", "", "done"), false, false, false},
	} {
		if ok, why := safeguard.Resumed(backup, c.atRest, c.a); ok != c.ok || ok != (why == "") {
			t.Errorf("%s: Resumed = %t, %q, want %t", name, ok, why, c.ok)
		}
		if got := safeguard.Lasted(backup, c.a); got != c.lasted {
			t.Errorf("%s: Lasted = %t, want %t", name, got, c.lasted)
		}
	}
}
