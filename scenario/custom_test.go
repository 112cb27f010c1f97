package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// inCEL is the scenario's policy with its rule written in CEL.
func (s setup) inCEL() string {
	typed := fmt.Sprintf("ports: {closed: [tcp/%d]}", port)
	return strings.Replace(s.policy(), typed, fmt.Sprintf(`each: listeners
    where: e.proto == "tcp"
    expression: e.port != %d
    message: '"port " + string(e.port) + " is served by " + e.exe'
    empty: pass`, port), 1)
}

// A rule in CEL from the policy to the key: put, inspected, warned in its own words, waived by what was seen, revoked.
func TestARuleInCEL(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.operator.must("PUT", "/v1/policies/web", w.setup.inCEL(), nil)
	w.check()
	w.wantStanding("Good")

	w.violate()
	w.wantMails("warning")
	w.wantText("warning", "port 8080 is served by /usr/sbin/httpd")
	w.wantText("warning", `each of listeners where e.proto == "tcp": e.port != 8080`)
	v := w.view()
	if len(v.Machine.Findings) != 1 || v.Machine.Findings[0].Verdict != policy.Fail {
		t.Fatalf("findings = %+v, want the one", v.Machine.Findings)
	}

	// What was seen can be allowed, and that alone.
	set := w.waive(record.WaiverWish{
		Scope: "machine:" + machineID, Rule: "no plain web", Reason: "until the move", Expires: w.Clock().Now().Add(48 * time.Hour),
	})
	if diff := cmp.Diff(v.Machine.Findings[0].Values, set.Waiver.Values); diff != "" || !strings.Contains(strings.Join(set.Waiver.Values, "\n"), "exe=/usr/sbin/httpd") {
		t.Errorf("waived values (-found +waived):\n%s", diff)
	}
	w.wantStanding("Good")
	w.wantMails("warning", "stoodDown")
	w.operator.must("DELETE", "/v1/waivers/"+set.Waiver.ID, record.Reason{Reason: "the move is off"}, nil)
	w.settle()
	w.wantStanding("Bad")
	due := w.view().Machine.State.DueAt // the end of a waiver is no relapse
	w.until(due.Add(5 * time.Minute))
	w.wantRevoked(due)
	w.wantText("revoked", "port 8080 is served by /usr/sbin/httpd")
}

// What is wrong in CEL is refused when it is put, with its place, and the policy stays as it was.
func TestAWrongRuleInCEL(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	for wrong, want := range map[string]string{
		"e.prot":         `Listener has no field \"prot\"`,
		"e.port != '80'": "!= does not go with (int, string)",
		"evidence.mounts.all(m, evidence.listeners.all(l, l.addr != m.target))": "expected at most",
	} {
		text := strings.Replace(w.setup.inCEL(), fmt.Sprintf("expression: e.port != %d", port), "expression: "+wrong, 1)
		status, body := w.operator.call("PUT", "/v1/policies/web", text, nil)
		if status != http.StatusBadRequest || !strings.Contains(body, want) || !strings.Contains(body, "rules[0].expression") {
			t.Errorf("put with %s = %d %s, want 400 with %s", wrong, status, body, want)
		}
	}
	w.check()
	w.wantStanding("Good")
}
