package handler

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const typed = `os: {kernel: ">= 5.10"}`

// A rule in CEL is judged like any other.
func TestARuleInCEL(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Store.PutPolicyText(fake.Policy(typed, "expression: versionIs(evidence.os.kernel, '>= 5.10')\n    message: '\"kernel \" + evidence.os.kernel'"))
	s, a := judge(t, w, fake.Start)
	if s.Started != 1 || a.Verdict != policy.Fail || a.Why != "kernel is supported: kernel 4.19.0-27-amd64" {
		t.Errorf("Summary = %+v, answer %s %q", s, a.Verdict, a.Why)
	}
}

// What does not compile, though it was put once, is an error and no verdict: nothing may follow from it.
func TestARuleInCELThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.OldKernel))
	w.Store.PutPolicyText(fake.Policy(typed, "expression: evidence.os.kernal == ''"))
	s, err := newHandler(w).Handle(t.Context(), fake.Start, success)
	var all policy.Errors
	if !errors.As(err, &all) || s.Judged != 0 || !strings.Contains(err.Error(), `OS has no field "kernal"`) {
		t.Errorf("Handle = %+v, %v, want the error in CEL", s, err)
	}
}
