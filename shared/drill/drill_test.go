package drill_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Neither EC2, nor SSM, nor a person's policy can name the drill's machine, and no command of SSM is one to it.
func TestNamesThatNobodyElseHas(t *testing.T) {
	t.Parallel()
	if regexp.MustCompile(`^(i|mi)-`).MatchString(drill.Machine) || !drill.Is(drill.Machine) || drill.Is("i-1234567890abcdef0") || drill.Is("") {
		t.Errorf("the machine is %q", drill.Machine)
	}
	c := drill.Command(record.Look, "drill-machine-2-enforce-1", noon)
	for name, tt := range map[string]struct {
		command record.Command
		want    bool
	}{
		"its own":         {c, true},
		"of SSM":          {record.Command{ID: "11111111-2222-3333-4444-555555555555", Machines: []string{drill.Machine}}, false},
		"of another":      {record.Command{ID: c.ID, Machines: []string{"i-1234567890abcdef0"}}, false},
		"with another":    {record.Command{ID: c.ID, Machines: []string{drill.Machine, "i-1234567890abcdef0"}}, false},
		"of nobody":       {record.Command{ID: c.ID}, false},
		"the zero record": {record.Command{}, false},
	} {
		if got := drill.Asked(tt.command); got != tt.want {
			t.Errorf("%s: Asked = %t", name, got)
		}
	}
	if !c.Open || !c.TotalBy.Equal(noon) || c.Nonce == drill.Command(record.Look, "", noon).Nonce {
		t.Errorf("command = %+v, want one that is over at once, with a nonce of its own", c)
	}
}

// What the machine answers is evidence by the parser of every other, and its policy judges it.
func TestAnswer(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse([]byte(drill.Policy()))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != drill.PolicyName || p.Integrity.OnFail != policy.ActRevoke || p.Integrity.Mode != policy.DisableKey || p.Integrity.Settle != 0 {
		t.Errorf("policy = %+v", p.Integrity)
	}
	c := drill.Command(record.Check, "", noon)
	for ill, want := range map[bool]policy.Verdict{true: policy.Fail, false: policy.Pass} {
		a := drill.Answer(c, ill, noon)
		e, err := evidence.Parse(a.Output, evidence.Expect{Machine: drill.Machine, CommandID: c.ID, Nonce: c.Nonce, Sent: noon, Received: noon})
		if err != nil || !a.Ended || !a.Success || !strings.HasPrefix(a.Output, "KWE1 ") {
			t.Fatalf("ill %t: %+v: %v", ill, a, err)
		}
		if got := policy.Evaluate(p, e, noon).Verdict; got != want {
			t.Errorf("ill %t: verdict %s, want %s", ill, got, want)
		}
		if _, err := evidence.Parse(a.Output, evidence.Expect{Machine: drill.Machine, CommandID: c.ID, Nonce: "0123456789abcdef0123456789abcdef", Sent: noon, Received: noon}); err == nil {
			t.Error("it answers a command that it was not asked by")
		}
	}
}
