package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// lacks are the states that a product cannot be in.
var lacks = map[string][]string{
	"aide": {"running", "stopped"}, "guardduty": {"protecting"}, "other:falco": {"protecting"},
}

// Every product of the catalogue can be asked for in every state that it can be in, and its rule says what
// has to be collected.
func TestEveryProductInEveryState(t *testing.T) {
	t.Parallel()
	names := append(strings.Split(strings.TrimSuffix(productList, ", other:NAME"), ", "), "other:falco")
	for _, name := range names {
		signs := ""
		if name == "other:falco" {
			signs = ", package: falco, unit: falco.service, process: /usr/bin/falco"
		}
		for _, state := range []string{"running", "stopped", "installed", "absent", "protecting"} {
			text := fmt.Sprintf("policy: x\nrules: [{rule: r, product: {is: %q, state: %s%s}}]", name, state, signs)
			p, err := policy.Parse([]byte(text))
			if slices.Contains(lacks[name], state) {
				if err == nil || !strings.Contains(err.Error(), "does not fit "+name) {
					t.Errorf("Parse(%q) = %v, want a refusal", text, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("Parse(%q) = %v", text, err)
				continue
			}
			needs := p.Needs()
			if len(needs.Collect) == 0 || !slices.Contains(documents.Words(), needs.Collect[0]) {
				t.Errorf("%s needs %v, want a word of the inspection document", name, needs.Collect)
			}
			if _, err := documents.Parameters(strings.Repeat("0", 32), needs.Collect, needs.Ask); err != nil {
				t.Errorf("%s needs what the document refuses: %v", name, err)
			}
		}
	}
}

func TestOtherProduct(t *testing.T) {
	t.Parallel()
	falco := func(running string, version string) *evidence.Others {
		return &evidence.Others{
			Programs: evidence.Known([]evidence.Program{{Path: "/usr/bin/falco", Present: evidence.Known(true), Running: evidence.Known(running)}}),
			Packages: evidence.Known([]evidence.OtherPackage{{Name: "falco", Present: evidence.Known(true), Version: evidence.Known(version)}}),
		}
	}
	const rule = `product: {is: "other:falco", state: running, version: ">= 0.39", package: falco, process: /usr/bin/falco}`
	for name, c := range map[string]struct {
		others *evidence.Others
		want   policy.Verdict
		actual string
	}{
		"runs":       {falco("running", "0.39.2"), policy.Pass, "running; version 0.39.2"},
		"stopped":    {falco("stopped", "0.39.2"), policy.Fail, "stopped, without /usr/bin/falco"},
		"old":        {falco("running", "0.38.0"), policy.Fail, "version 0.38.0"},
		"not asked":  {nil, policy.Unknown, "presence unknown (not_collected)"},
		"cut":        {&evidence.Others{Programs: evidence.Unknown[[]evidence.Program]("cut")}, policy.Unknown, "presence unknown (cut)"},
		"other asks": {&evidence.Others{Programs: evidence.Known([]evidence.Program{})}, policy.Unknown, "presence unknown (not_collected)"},
	} {
		p, err := policy.Parse([]byte("policy: x\nrules: [{rule: r, " + rule + "}]"))
		if err != nil {
			t.Fatal(err)
		}
		r := policy.Evaluate(p, &evidence.Evidence{Others: c.others}, time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))
		if r.Verdict != c.want || r.Findings[0].Actual != c.actual {
			t.Errorf("%s: %v, %q, want %v, %q", name, r.Verdict, r.Findings[0].Actual, c.want, c.actual)
		}
	}
}
