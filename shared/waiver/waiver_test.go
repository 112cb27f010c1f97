package waiver_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	id    = "i-1234567890abcdef0"
	other = "i-0abcdef1234567890"
	rule  = "no plain web"
	nginx = "tcp/80, /usr/sbin/nginx"
	nc    = "tcp/8080, /usr/bin/nc"
)

var machine = record.Machine{ID: id, Policy: "web", Tags: map[string]string{"tier": "web", "stage": "test"}}

// a is a waiver of nginx on the machine for a day, with edits.
func a(edits ...func(*record.Waiver)) record.Waiver {
	w := record.Waiver{
		ID: "w-1", Scope: "machine:" + id, Policy: "web", Rule: rule, Values: []string{nginx}, Reason: "ticket 4711",
		By: "arn:aws:iam::123456789012:user/ada", SetAt: noon.Add(-time.Hour), Expires: noon.Add(24 * time.Hour),
	}
	for _, e := range edits {
		e(&w)
	}
	return w
}

func failed(rule string, values ...string) policy.Finding {
	return policy.Finding{Rule: rule, Verdict: policy.Fail, Actual: "something", Values: values}
}

func result(findings ...policy.Finding) policy.Result {
	return policy.Result{Policy: "web", Version: 3, Verdict: policy.Sum(findings), Findings: findings}
}

func TestApply(t *testing.T) {
	t.Parallel()
	unknown := policy.Finding{Rule: rule, Verdict: policy.Unknown, Why: "timeout", Values: []string{nginx}}
	passed := policy.Finding{Rule: "kernel", Verdict: policy.Pass}
	info := failed(rule, nginx)
	info.Info = true
	unsure := failed(rule, nginx)
	unsure.Unsure = "running state unknown (timeout)"
	scope := func(s record.Scope, tags map[string]string, policyName string) record.Waiver {
		return a(func(w *record.Waiver) { w.Scope, w.Tags, w.Policy = s, tags, policyName })
	}
	tests := []struct {
		name     string
		waivers  []record.Waiver
		findings []policy.Finding
		want     policy.Verdict
		by       []string // ids at the first finding
	}{
		{"no waiver", nil, []policy.Finding{failed(rule, nginx), passed}, policy.Fail, nil},
		{"its machine", []record.Waiver{a()}, []policy.Finding{failed(rule, nginx), passed}, policy.Pass, []string{"w-1"}},
		{"the only rule", []record.Waiver{a()}, []policy.Finding{failed(rule, nginx)}, policy.Pass, []string{"w-1"}},
		{"another machine", []record.Waiver{scope("machine:"+other, nil, "web")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"its policy", []record.Waiver{scope("policy:web", nil, "web")}, []policy.Finding{failed(rule, nginx)}, policy.Pass, []string{"w-1"}},
		{"another policy", []record.Waiver{scope("policy:db", nil, "db")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"its machine under another policy", []record.Waiver{scope("machine:"+id, nil, "db")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"all machines, any policy", []record.Waiver{scope("global", nil, "")}, []policy.Finding{failed(rule, nginx)}, policy.Pass, []string{"w-1"}},
		{"all machines, another policy's rule", []record.Waiver{scope("global", nil, "db")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"its tags", []record.Waiver{scope("global", map[string]string{"tier": "web", "stage": "test"}, "")}, []policy.Finding{failed(rule, nginx)}, policy.Pass, []string{"w-1"}},
		{"one tag differs", []record.Waiver{scope("global", map[string]string{"tier": "web", "stage": "prod"}, "")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"a tag is missing", []record.Waiver{scope("policy:web", map[string]string{"team": ""}, "")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"no scope", []record.Waiver{scope("", nil, "")}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"another port", []record.Waiver{a()}, []policy.Finding{failed(rule, nc)}, policy.Fail, nil},
		{"another port beside it", []record.Waiver{a()}, []policy.Finding{failed(rule, nginx, nc)}, policy.Fail, nil},
		{"another rule", []record.Waiver{a()}, []policy.Finding{failed("no web at all", nginx)}, policy.Fail, nil},
		{"one of two findings", []record.Waiver{a()}, []policy.Finding{failed(rule, nginx), failed("kernel", "system kernel 4")}, policy.Fail, []string{"w-1"}},
		{"two waivers for two values", []record.Waiver{a(), a(func(w *record.Waiver) { w.ID, w.Values = "w-2", []string{nc} })}, []policy.Finding{failed(rule, nginx, nc)}, policy.Pass, []string{"w-1", "w-2"}},
		{"one of two values is left", []record.Waiver{a(func(w *record.Waiver) { w.Values = []string{nginx, nc} })}, []policy.Finding{failed(rule, nc)}, policy.Pass, []string{"w-1"}},
		{"the longer of two", []record.Waiver{a(), a(func(w *record.Waiver) { w.ID, w.Expires = "w-2", w.Expires.Add(time.Hour) })}, []policy.Finding{failed(rule, nginx)}, policy.Pass, []string{"w-2"}},
		{"expired now", []record.Waiver{a(func(w *record.Waiver) { w.Expires = noon })}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"without an end", []record.Waiver{a(func(w *record.Waiver) { w.Expires = time.Time{} })}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"lifted", []record.Waiver{a(func(w *record.Waiver) { w.Lifted = &record.Lift{At: noon} })}, []policy.Finding{failed(rule, nginx)}, policy.Fail, nil},
		{"unknown", []record.Waiver{a()}, []policy.Finding{unknown}, policy.Unknown, nil},
		{"unknown beside it", []record.Waiver{a()}, []policy.Finding{failed(rule, nginx), {Rule: "kernel"}}, policy.Unknown, []string{"w-1"}},
		{"unknown within it", []record.Waiver{a()}, []policy.Finding{unsure}, policy.Unknown, []string{"w-1"}},
		{"informational", []record.Waiver{a()}, []policy.Finding{info, passed}, policy.Pass, nil},
		{"a finding without values", []record.Waiver{a(func(w *record.Waiver) { w.Values = nil })}, []policy.Finding{failed(rule)}, policy.Fail, nil},
		{"an empty value is a value", []record.Waiver{a()}, []policy.Finding{failed(rule, "")}, policy.Fail, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := result(tt.findings...)
			got := waiver.Apply(before, tt.waivers, machine, noon)
			var by []string
			for _, p := range got.Findings[0].Waived {
				by = append(by, p.Waiver)
			}
			if diff := cmp.Diff(tt.by, by); diff != "" || got.Verdict != tt.want {
				t.Errorf("Apply = %s, want %s; waived by (-want +got):\n%s", got.Verdict, tt.want, diff)
			}
			if diff := cmp.Diff(result(tt.findings...), before); diff != "" {
				t.Errorf("Apply changed what it was given:\n%s", diff)
			}
			if got.Policy != "web" || got.Version != 3 {
				t.Errorf("Apply = policy %s version %d", got.Policy, got.Version)
			}
			wantCovered := tt.want != policy.Fail && len(tt.by) > 0
			if covered := waiver.Covered(tt.findings, tt.waivers, machine, noon); covered != wantCovered {
				t.Errorf("Covered = %t, want %t", covered, wantCovered)
			}
		})
	}
}

func TestAFindingSaysByWhatItIsWaived(t *testing.T) {
	t.Parallel()
	w := a()
	r := waiver.Apply(result(failed(rule, nginx)), []record.Waiver{w}, machine, noon)
	want := []policy.Permission{{Waiver: "w-1", Reason: w.Reason, By: w.By, Expires: w.Expires}}
	if diff := cmp.Diff(want, r.Findings[0].Waived); diff != "" {
		t.Errorf("waived (-want +got):\n%s", diff)
	}
	if len(r.Waived()) != 1 || len(r.Bad()) != 0 {
		t.Errorf("Waived() = %v, Bad() = %v, want one and none", r.Waived(), r.Bad())
	}
	again := waiver.Apply(r, nil, machine, noon)
	if again.Verdict != policy.Fail || again.Findings[0].Waived != nil || len(again.Bad()) != 1 {
		t.Errorf("without the waiver: %s %v, want Fail and nothing waived", again.Verdict, again.Findings[0].Waived)
	}
}

func TestNothingFailsIsNotCovered(t *testing.T) {
	t.Parallel()
	if waiver.Covered(nil, []record.Waiver{a()}, machine, noon) || waiver.Covered([]policy.Finding{{Rule: rule}}, []record.Waiver{a()}, machine, noon) {
		t.Error("Covered says that a waiver stands in the way where nothing fails")
	}
}

var (
	drawnRule  = rapid.SampledFrom([]string{rule, "kernel"})
	drawnValue = rapid.SampledFrom([]string{nginx, nc, "system kernel 4", "ossec stopped"})
)

func drawWaivers(t *rapid.T) []record.Waiver {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Waiver {
		return a(func(w *record.Waiver) {
			w.ID = rapid.SampledFrom([]string{"w-1", "w-2", "w-3"}).Draw(t, "id")
			w.Scope = rapid.SampledFrom([]record.Scope{"machine:" + id, "machine:" + other, "policy:web", "policy:db", "global"}).Draw(t, "scope")
			w.Policy = rapid.SampledFrom([]string{"", "web", "db"}).Draw(t, "policy")
			w.Rule = drawnRule.Draw(t, "rule")
			w.Values = rapid.SliceOfN(drawnValue, 0, 3).Draw(t, "values")
			w.Expires = noon.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "expires")) * time.Hour)
			if rapid.Bool().Draw(t, "tags") {
				w.Tags = map[string]string{"tier": rapid.SampledFrom([]string{"web", "db"}).Draw(t, "tier")}
			}
			if rapid.IntRange(0, 4).Draw(t, "lifted") == 0 {
				w.Lifted = &record.Lift{At: noon}
			}
		})
	}), 0, 6).Draw(t, "waivers")
}

func drawFindings(t *rapid.T) []policy.Finding {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policy.Finding {
		f := failed(drawnRule.Draw(t, "rule"), rapid.SliceOfN(drawnValue, 0, 3).Draw(t, "values")...)
		f.Verdict = rapid.SampledFrom([]policy.Verdict{policy.Fail, policy.Fail, policy.Pass, policy.Unknown}).Draw(t, "verdict")
		f.Info = rapid.IntRange(0, 5).Draw(t, "info") == 0
		if f.Verdict == policy.Fail && rapid.IntRange(0, 5).Draw(t, "unsure") == 0 {
			f.Unsure = "state unknown (timeout)"
		}
		return f
	}), 0, 4).Draw(t, "findings")
}

// Whatever waivers there are: another value, another rule, another machine is never waived; doubt never
// becomes a pass; a waiver never makes a verdict worse; and their order does not matter.
func TestWaiversAllowNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all, r := drawWaivers(t), result(drawFindings(t)...)
		got := waiver.Apply(r, all, machine, noon)
		for i, f := range got.Findings {
			if len(f.Waived) > 0 && (f.Verdict != policy.Fail || f.Info || len(f.Values) == 0) {
				t.Fatalf("waived: %+v", f)
			}
			if f.Verdict != r.Findings[i].Verdict {
				t.Fatalf("the verdict of finding %d became %s", i, f.Verdict)
			}
			for _, v := range f.Values {
				allowed := slices.ContainsFunc(all, func(w record.Waiver) bool {
					return w.Rule == f.Rule && slices.Contains(w.Values, v) && w.Stands(noon) && waiver.For(w, machine, "web")
				})
				if len(f.Waived) > 0 && !allowed {
					t.Fatalf("%q of rule %q is waived by %v, and no waiver allows it: %+v", v, f.Rule, f.Waived, all)
				}
			}
		}
		if got.Verdict == policy.Pass && r.Verdict == policy.Unknown || got.Verdict == policy.Fail && r.Verdict != policy.Fail {
			t.Fatalf("%s became %s", r.Verdict, got.Verdict)
		}
		if got.Verdict != policy.Fail && r.Verdict == policy.Fail && !waiver.Covered(r.Findings, all, machine, noon) {
			t.Fatal("a verdict that is no Fail any more is not covered")
		}
		slices.Reverse(all)
		if diff := cmp.Diff(got, waiver.Apply(r, all, machine, noon)); diff != "" {
			t.Fatalf("in another order (-first +second):\n%s", diff)
		}
	})
}
