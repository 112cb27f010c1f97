package waiver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// waivedNginx is the judgement of these findings with a waiver for nginx.
func waivedNginx(findings ...policy.Finding) policy.Result {
	return waiver.Apply(result(findings...), []record.Waiver{a()}, machine, noon)
}

func TestPermitted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before []policy.Finding
		now    policy.Result
		want   bool
	}{
		"what failed is waived":              {[]policy.Finding{failed(rule, nginx)}, waivedNginx(failed(rule, nginx)), true},
		"what failed is corrected":           {[]policy.Finding{failed(rule, nginx)}, waivedNginx(policy.Finding{Rule: rule, Verdict: policy.Pass}), false},
		"one is waived, another corrected":   {[]policy.Finding{failed(rule, nginx), failed("kernel", "system kernel 4")}, waivedNginx(failed(rule, nginx), policy.Finding{Rule: "kernel", Verdict: policy.Pass}), false},
		"one port is waived, another closed": {[]policy.Finding{failed(rule, nc, nginx)}, waivedNginx(failed(rule, nginx)), false},
		"nothing failed before":              {nil, waivedNginx(failed(rule, nginx)), false},
		"it was unknown before":              {[]policy.Finding{{Rule: rule}}, waivedNginx(failed(rule, nginx)), false},
		"it still fails":                     {[]policy.Finding{failed(rule, nginx)}, waivedNginx(failed(rule, nginx, nc)), false},
		"a failure without values":           {[]policy.Finding{failed(rule)}, waivedNginx(failed(rule, nginx)), false},
	} {
		if got := waiver.Permitted(record.Machine{Findings: tt.before}, tt.now); got != tt.want {
			t.Errorf("%s: Permitted = %t, want %t", name, got, tt.want)
		}
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	was := record.Machine{Allowed: map[string][]string{rule: {nginx}}}
	info := failed("seen", "x")
	info.Info = true
	for name, tt := range map[string]struct {
		before record.Machine
		now    policy.Result
		want   bool
	}{
		"what was waived counts again": {was, result(failed(rule, nginx)), true},
		"information aside":            {was, result(failed(rule, nginx), info), true},
		"doubt aside":                  {was, result(failed(rule, nginx), policy.Finding{Rule: "kernel"}), true},
		"another value":                {was, result(failed(rule, nc)), false},
		"another value beside it":      {was, result(failed(rule, nginx, nc)), false},
		"another rule beside it":       {was, result(failed(rule, nginx), failed("kernel", "system kernel 4")), false},
		"never waived":                 {record.Machine{}, result(failed(rule, nginx)), false},
		"still waived":                 {was, waivedNginx(failed(rule, nginx)), false},
		"one still waived, one ended": {
			record.Machine{Allowed: map[string][]string{rule: {nginx}, "kernel": {"system kernel 4"}}},
			waivedNginx(failed(rule, nginx), failed("kernel", "system kernel 4")), true,
		},
		"nothing fails": {was, result(policy.Finding{Rule: rule, Verdict: policy.Pass}), false},
	} {
		if got := waiver.Ended(tt.before, tt.now); got != tt.want {
			t.Errorf("%s: Ended = %t, want %t", name, got, tt.want)
		}
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	was := record.Machine{Allowed: map[string][]string{rule: {nginx}}}
	for name, tt := range map[string]struct {
		before record.Machine
		now    policy.Result
		want   map[string][]string
	}{
		"waived now":                 {record.Machine{}, waivedNginx(failed(rule, nginx)), map[string][]string{rule: {nginx}}},
		"the waiver ended":           {was, result(failed(rule, nginx)), map[string][]string{rule: {nginx}}},
		"it ended, and more is open": {was, result(failed(rule, nginx, nc)), map[string][]string{rule: {nginx}}},
		"it cannot be judged":        {was, result(policy.Finding{Rule: rule}), map[string][]string{rule: {nginx}}},
		"it was corrected":           {was, result(policy.Finding{Rule: rule, Verdict: policy.Pass}), nil},
		"it gave way to another":     {was, result(failed(rule, nc)), nil},
		"the rule is gone":           {was, result(), nil},
		"one more is waived": {
			record.Machine{Allowed: map[string][]string{rule: {nc}}},
			waiver.Apply(result(failed(rule, nginx, nc)), []record.Waiver{a(func(w *record.Waiver) { w.Values = []string{nginx, nc} })}, machine, noon),
			map[string][]string{rule: {nginx, nc}},
		},
	} {
		if diff := cmp.Diff(tt.want, waiver.Allowed(tt.before, tt.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(map[string][]string{rule: {nginx}}, was.Allowed); diff != "" {
		t.Errorf("what was given changed:\n%s", diff)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	const never = time.Duration(-1) // it is not known when
	waived := []policy.Finding{failed(rule, nginx)}
	long := func(w *record.Waiver) { w.ID, w.SetAt, w.Expires = "w-2", noon, noon.Add(10*24*time.Hour) }
	for name, tt := range map[string]struct {
		waived    []policy.Finding
		waivers   []record.Waiver
		end, tell time.Duration
		ok        bool
	}{
		"a long one is told a day before": {waived, []record.Waiver{a(long)}, 240 * time.Hour, 216 * time.Hour, true},
		"a short one at half its time":    {waived, []record.Waiver{a(func(w *record.Waiver) { w.SetAt, w.Expires = noon, noon.Add(4*time.Hour) })}, 4 * time.Hour, 2 * time.Hour, true},
		"a longer one goes on":            {waived, []record.Waiver{a(), a(long)}, 240 * time.Hour, 216 * time.Hour, true},
		"the first of two findings":       {[]policy.Finding{failed(rule, nginx), failed(rule, nc)}, []record.Waiver{a(long), a(func(w *record.Waiver) { w.Values, w.SetAt = []string{nc}, noon })}, 24 * time.Hour, 12 * time.Hour, true},
		"expired":                         {waived, []record.Waiver{a(func(w *record.Waiver) { w.Expires = noon })}, 0, 0, false},
		"expired, after another": {waived, []record.Waiver{
			a(func(w *record.Waiver) { w.Expires = noon.Add(-time.Hour) }), a(func(w *record.Waiver) { w.Expires = noon.Add(-2 * time.Hour) }), a(func(w *record.Waiver) { w.Rule, w.Expires = "kernel", noon }),
		}, -time.Hour, 0, false},
		"lifted":                                {waived, []record.Waiver{a(func(w *record.Waiver) { w.Lifted = &record.Lift{At: noon.Add(-time.Minute)} })}, -time.Minute, 0, false},
		"lifted after its end":                  {waived, []record.Waiver{a(func(w *record.Waiver) { w.Expires, w.Lifted = noon.Add(-time.Hour), &record.Lift{At: noon} })}, -time.Hour, 0, false},
		"gone":                                  {waived, nil, never, 0, false},
		"one of two lifted":                     {[]policy.Finding{failed(rule, nginx), failed(rule, nc)}, []record.Waiver{a(long)}, never, 0, false},
		"nothing is waived, so that none ended": {nil, nil, never, 0, false},
	} {
		end, tell, ok := waiver.End(tt.waived, tt.waivers, machine, noon)
		want := noon.Add(tt.end)
		if tt.end == never {
			want = time.Time{}
		}
		if ok != tt.ok || !end.Equal(want) || ok && !tell.Equal(noon.Add(tt.tell)) {
			t.Errorf("%s: End = %s, %s, %t; want %s and %s from %s, %t", name, end, tell, ok, tt.end, tt.tell, noon, tt.ok)
		}
	}
}
