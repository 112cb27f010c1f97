package handler

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Nobody approves his own exception; whoever else may.
func TestNobodyApprovesHisOwnException(t *testing.T) {
	t.Parallel()
	const bob = "arn:aws:iam::123456789012:user/bob"
	waived := func(by string) func(m *record.Machine) {
		return func(m *record.Machine) {
			m.Waived = []policy.Finding{{Rule: kernelRule, Verdict: policy.Fail, Waived: []policy.Permission{{Waiver: "w-0123456789ab", By: by}}}}
		}
	}
	mine := func(m *record.Machine) { m.EnrolledBy = alice }
	for name, tt := range map[string]struct {
		edits   []func(*record.Machine)
		verdict policy.Verdict
		says    string // of a refusal
	}{
		"it complies":                      {[]func(*record.Machine){mine}, policy.Pass, ""},
		"it fails and is another's":        {nil, policy.Fail, ""},
		"it fails":                         {[]func(*record.Machine){mine}, policy.Fail, "its last verdict is Fail, and you enrolled it"},
		"nothing is known":                 {[]func(*record.Machine){mine}, policy.Unknown, "its last verdict is Unknown, and you enrolled it"},
		"it passes by another's waiver":    {[]func(*record.Machine){waived(bob)}, policy.Pass, ""},
		"it passes by his own waiver":      {[]func(*record.Machine){waived(alice)}, policy.Pass, "it is in order by waiver w-0123456789ab, which is yours"},
		"it passes by a waiver and is his": {[]func(*record.Machine){mine, waived(bob)}, policy.Pass, "its last verdict is Pass by waiver w-0123456789ab, and you enrolled it"},
		"it fails beside his own waiver":   {[]func(*record.Machine){waived(alice)}, policy.Fail, "which is yours"},
	} {
		for _, word := range []string{"approve", "deny"} {
			w := asking(keyrequest.Pending)
			for _, edit := range tt.edits {
				w.Store.Change(fake.ID, edit)
			}
			w.Store.Kept[0].Result.Verdict = tt.verdict
			status, body := call(t, w, "POST", ruling+"/"+word, `{"reason":"ticket 4711"}`)
			refused := tt.says != "" && word == "approve"
			if refused && (status != http.StatusForbidden || !strings.Contains(body, tt.says)) || !refused && status != http.StatusOK {
				t.Errorf("%s: %s = %d %s, want refused: %t", name, word, status, body, refused)
			}
		}
	}
}
