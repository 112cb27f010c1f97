package policy_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// conditions cover every kind of check, so that the property below sees each of them.
var conditions = []string{
	"os: {is: [debian, amzn]}", "os: {version: '>= 12'}", "os: {kernel: '>= 5.10, != 6.0'}",
	"ports: {closed: [tcp/1-100]}", "ports: {open: [tcp/22]}", "ports: {only: [tcp/22], loopback: ignore}",
	"product: {is: ossec, state: running}", "product: {is: ossec, state: stopped}", "product: {is: ossec, state: absent}",
	"product: {is: ossec, state: installed, version: '< 4'}", "product: {is: ossec, state: protecting}",
	"product: {is: serverprotect-linux, definitions: {age: '<= 72h'}}",
}

func drawCondition(t *rapid.T) string { return rapid.SampledFrom(conditions).Draw(t, "condition") }

func drawPolicy(t *rapid.T) *policy.Policy {
	text := "policy: x\nrules:\n"
	for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
		text += "- rule: r" + string(rune('a'+i)) + "\n"
		switch rapid.IntRange(0, 2).Draw(t, "join") {
		case 0:
			text += "  " + drawCondition(t) + "\n"
		case 1:
			text += "  all: [{" + drawCondition(t) + "}, {" + drawCondition(t) + "}]\n"
		default:
			text += "  any: [{" + drawCondition(t) + "}, {" + drawCondition(t) + "}]\n"
		}
		text += "  missing: " + rapid.SampledFrom([]string{"unknown", "fail"}).Draw(t, "missing") + "\n"
		text += "  info: " + rapid.SampledFrom([]string{"true", "false"}).Draw(t, "info") + "\n"
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%q) = %v", text, err)
	}
	return p
}

// drawFact is a fact of one of these values, or unknown.
func drawFact[T any](t *rapid.T, name string, values ...T) evidence.Fact[T] {
	at := rapid.IntRange(-1, len(values)-1).Draw(t, name)
	if at < 0 {
		return evidence.Unknown[T]("timeout")
	}
	return evidence.Known(values[at])
}

func drawProduct(t *rapid.T, id evidence.ProductID) evidence.Product {
	return evidence.Product{
		ID: id, Present: drawFact(t, "present", true, true, false), Version: drawFact(t, "version", "3.7.0", "4.1", "new"),
		Running:    evidence.Running{State: drawFact(t, "running", "running", "partial", "stopped")},
		Protection: evidence.Protection{State: drawFact(t, "protection", "protecting", "reduced", "off")},
		Definition: evidence.Definition{Date: drawFact(t, "date", guestEnd, guestEnd.Add(-100*time.Hour), guestEnd.Add(100*time.Hour))},
	}
}

func drawEvidence(t *rapid.T) *evidence.Evidence {
	lists := [][]evidence.Listener{
		{}, {on("tcp", "0.0.0.0", "any", 22)}, {on("tcp", "127.0.0.1", "loopback", 80)}, {on("tcp", "::", "any", 80), on("tcp", "::", "any", 22)},
	}
	return &evidence.Evidence{
		Collect: evidence.Collect{GuestEnd: guestEnd, Received: noon},
		OS: evidence.OS{
			ID: drawFact(t, "id", "debian", "rhel"), VersionID: drawFact(t, "versionId", "11", "12", "sid"),
			Kernel: drawFact(t, "kernel", "4.19", "6.0", "6.1.0-18-amd64"),
		},
		Listeners: drawFact(t, "listeners", lists...),
		Products:  []evidence.Product{drawProduct(t, evidence.OSSEC), drawProduct(t, evidence.ServerProtect)},
	}
}

// lose forgets some of the facts.
func lose(t *rapid.T, ev *evidence.Evidence) *evidence.Evidence {
	less := *ev
	less.Products = append([]evidence.Product(nil), ev.Products...)
	gone := func(what string) bool { return rapid.Bool().Draw(t, "lose "+what) }
	text := evidence.Unknown[string]("lost")
	if gone("id") {
		less.OS.ID = text
	}
	if gone("version") {
		less.OS.VersionID = text
	}
	if gone("kernel") {
		less.OS.Kernel = text
	}
	if gone("listeners") {
		less.Listeners = evidence.Unknown[[]evidence.Listener]("lost")
	}
	if gone("guest time") {
		less.Collect.GuestEnd = time.Time{}
	}
	for i := range less.Products {
		p := &less.Products[i]
		if gone("presence") {
			p.Present = evidence.Unknown[bool]("lost")
		}
		if gone("version") {
			p.Version = text
		}
		if gone("running") {
			p.Running.State = text
		}
		if gone("protection") {
			p.Protection.State = text
		}
		if gone("date") {
			p.Definition.Date = evidence.Unknown[time.Time]("lost")
		}
	}
	if gone("products") {
		less.Products = nil
	}
	return &less
}

// TestLosingFactsNeverHelps: what is not known any more can turn a verdict to Unknown, or to Fail
// where the rule says so, but can never make Pass of what was not.
func TestLosingFactsNeverHelps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, ev := drawPolicy(t), drawEvidence(t)
		before, after := policy.Evaluate(p, ev, noon), policy.Evaluate(p, lose(t, ev), noon)
		if before.Verdict != policy.Pass && after.Verdict == policy.Pass {
			t.Fatalf("Evaluate = %v, and %v with fewer facts", before.Verdict, after.Verdict)
		}
		for i, f := range after.Findings {
			if was := before.Findings[i]; f.Verdict == policy.Pass && was.Verdict != policy.Pass {
				t.Fatalf("rule %s (%s) = %v (%s), and Pass with fewer facts (%s)", f.Rule, f.Expected, was.Verdict, was.Actual, f.Actual)
			}
			if f.Verdict != policy.Pass && (f.Actual == "" || f.Expected == "") {
				t.Fatalf("rule %s = %v without expected and actual: %+v", f.Rule, f.Verdict, f)
			}
			if f.Verdict == policy.Unknown && f.Why == "" {
				t.Fatalf("rule %s is Unknown without a reason: %+v", f.Rule, f)
			}
		}
	})
}
