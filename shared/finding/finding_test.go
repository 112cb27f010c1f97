package finding_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/finding"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	place = event.Place{Partition: "aws", Account: "123456789012", Region: "us-east-1"}
)

func fail(rule string) policy.Finding {
	return policy.Finding{Rule: rule, Verdict: policy.Fail, Expected: "closed", Actual: "open", Fix: "close it"}
}

func unknown(rule string) policy.Finding {
	return policy.Finding{Rule: rule, Verdict: policy.Unknown, Expected: "closed", Actual: "not known"}
}

func machine(minute int, findings ...policy.Finding) record.Machine {
	m := record.Machine{ID: "i-1234567890abcdef0", Policy: "web", PolicyUsed: 1, EnrolledAt: noon.Add(-time.Hour), Findings: findings}
	m.State.LastEvidence = noon.Add(time.Duration(minute) * time.Minute)
	return m
}

func waiving(m record.Machine, findings ...policy.Finding) record.Machine {
	m.Waived = findings
	return m
}

func gone(m record.Machine) record.Machine {
	m.State.GoneAt = m.State.LastEvidence.Add(time.Hour)
	return m
}

// looked is an inspection with a word on these rules.
func looked(rules ...string) finding.Looked {
	l := finding.Looked{Known: true, Command: "c"}
	for _, r := range rules {
		l.Result.Findings = append(l.Result.Findings, policy.Finding{Rule: r, Verdict: policy.Pass, Expected: "closed", Actual: "closed"})
	}
	return l
}

func TestOf(t *testing.T) {
	t.Parallel()
	changed := fail("a")
	changed.Actual = "open twice"
	elsewhere := machine(1)
	elsewhere.Policy = "db"
	for name, tt := range map[string]struct {
		old, now record.Machine
		looked   finding.Looked
		want     string // rule status workflow archived, by rule
	}{
		"nothing":                        {machine(0), machine(1), looked("a"), ""},
		"the first look passes":          {record.Machine{}, machine(0), looked("a"), ""},
		"it fails":                       {machine(0), machine(1, fail("a")), looked("a"), "a FAILED"},
		"it cannot be known":             {machine(0), machine(1, unknown("a")), looked("a"), "a NOT_AVAILABLE"},
		"it is unknown after a failure":  {machine(0, fail("a")), machine(1, unknown("a")), looked("a"), "a NOT_AVAILABLE"},
		"the same again":                 {machine(0, fail("a")), machine(1, fail("a")), looked("a"), ""},
		"it fails otherwise":             {machine(0, fail("a")), machine(1, changed), looked("a"), "a FAILED"},
		"put right":                      {machine(0, fail("a"), fail("b")), machine(1, fail("b")), looked("a", "b"), "a PASSED RESOLVED"},
		"another fails too":              {machine(0, fail("a")), machine(1, fail("a"), fail("b")), looked("a", "b"), "b FAILED"},
		"the rule is gone":               {machine(0, fail("a")), machine(1), looked("b"), "a NOT_AVAILABLE archived"},
		"another policy":                 {machine(0, fail("a")), elsewhere, looked("b"), "a NOT_AVAILABLE archived"},
		"the evidence is not kept":       {machine(0, fail("a")), machine(1), finding.Looked{}, "a NOT_AVAILABLE archived"},
		"waived":                         {machine(0, fail("a")), waiving(machine(1), fail("a")), looked("a"), "a FAILED SUPPRESSED"},
		"waived from the beginning":      {machine(0), waiving(machine(1), fail("a")), looked("a"), "a FAILED SUPPRESSED"},
		"the waiver ended":               {waiving(machine(0), fail("a")), machine(1, fail("a")), looked("a"), "a FAILED NEW"},
		"put right under a waiver":       {waiving(machine(0), fail("a")), machine(1), looked("a"), "a PASSED RESOLVED"},
		"doubt beside a waiver":          {machine(0), waiving(machine(1, unknown("a")), fail("a")), looked("a"), "a NOT_AVAILABLE"},
		"the machine is gone":            {machine(0, fail("a")), gone(machine(1, fail("a"))), looked("a"), "a FAILED archived"},
		"two findings of one rule":       {machine(0), machine(1, fail("a"), unknown("a")), looked("a"), "a FAILED"},
		"two findings the other way":     {machine(0), machine(1, unknown("a"), fail("a")), looked("a"), "a FAILED"},
		"a machine that is gone, waived": {waiving(machine(0), fail("a")), gone(waiving(machine(1), fail("a"))), looked("a"), "a FAILED archived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range finding.Of(place, tt.old, tt.now, tt.looked) {
				line := f.Rule + " " + string(f.Status)
				if f.Workflow != "" {
					line += " " + string(f.Workflow)
				}
				if f.Archived {
					line += " archived"
				}
				got = append(got, line)
				if f.ID != "keyward/us-east-1/123456789012/i-1234567890abcdef0/"+f.Rule || f.Updated.Before(f.Created) || f.Created.IsZero() || f.Description == "" {
					t.Errorf("finding %+v", f)
				}
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			if tt.want != "" && !finding.Told(tt.old, tt.now) {
				t.Error("nobody would be told")
			}
		})
	}
}

func TestTold(t *testing.T) {
	t.Parallel()
	drilled := machine(1, fail("a"))
	drilled.ID = drill.Machine
	version := machine(1)
	version.PolicyUsed = 2
	for name, tt := range map[string]struct {
		old, now record.Machine
		want     bool
	}{
		"another look":          {machine(0), machine(1), false},
		"never looked at":       {record.Machine{}, record.Machine{ID: "i-1", Policy: "web"}, false},
		"the first look":        {record.Machine{ID: "i-1", Policy: "web"}, machine(0), true},
		"another version":       {machine(0), version, true},
		"a fire drill":          {record.Machine{}, drilled, false},
		"gone, nothing to tell": {machine(0), gone(machine(0)), true},
	} {
		if got := finding.Told(tt.old, tt.now); got != tt.want {
			t.Errorf("%s is told: %v, want %v", name, got, tt.want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	old, now := machine(0, fail("a")), machine(1)
	old.BrokeAt = noon.Add(-time.Minute)
	now.State.LastNews = noon.Add(time.Hour)
	f := finding.Of(place, old, now, looked("a"))[0]
	if !f.Created.Equal(old.BrokeAt) || !f.Updated.Equal(now.State.LastNews) {
		t.Errorf("created %v, updated %v", f.Created, f.Updated)
	}
	now.EnrolledAt, old.BrokeAt = time.Time{}, time.Time{}
	if f := finding.Of(place, old, now, looked("a"))[0]; !f.Created.Equal(now.State.LastEvidence) {
		t.Errorf("created %v of a machine of which nothing is known", f.Created)
	}
}

func TestComplianceOf(t *testing.T) {
	t.Parallel()
	l := looked("a")
	waived := fail("c")
	waived.Waived = []policy.Permission{{Waiver: "w", Expires: noon}}
	info := fail("shown")
	info.Info = true
	again := policy.Finding{Rule: "b", Verdict: policy.Pass}
	l.Result.Findings = append(l.Result.Findings, fail("b"), again, waived, unknown("d"), info, fail("a"))
	got, is := finding.ComplianceOf(machine(3), l)
	if !is || got.Machine != "i-1234567890abcdef0" || got.Command != "c" || !got.At.Equal(noon.Add(3*time.Minute)) || len(got.Hash) != 64 {
		t.Errorf("compliance %+v, %v", got, is)
	}
	var items []string
	for _, i := range got.Items {
		items = append(items, i.ID+map[bool]string{true: " kept", false: " not"}[i.Compliant])
	}
	if want := []string{"a not", "b not", "c kept", "d not"}; !slices.Equal(items, want) {
		t.Errorf("items %q, want %q", items, want)
	}
	want := map[string]string{"Policy": "web", "Verdict": "Fail", "Expected": "closed", "Actual": "open", "Fix": "close it", "Waived": "until 2026-03-02T12:00:00Z"}
	if diff := cmp.Diff(want, got.Items[2].Details); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	other, _ := finding.ComplianceOf(machine(4), l)
	if other.Hash != got.Hash {
		t.Error("the same items have another hash")
	}
	for name, m := range map[string]record.Machine{"gone": gone(machine(0))} {
		if _, is := finding.ComplianceOf(m, l); is {
			t.Errorf("a machine that is %s is told of", name)
		}
	}
	if _, is := finding.ComplianceOf(machine(0), finding.Looked{}); is {
		t.Error("what is not known is told")
	}
}
