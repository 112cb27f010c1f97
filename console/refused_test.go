package console_test

import (
	"errors"
	"net/http"
	"testing"
)

// TestPagesOfWhatIsRefused: the page says where it arose what could not be read, and shows the rest.
func TestPagesOfWhatIsRefused(t *testing.T) {
	t.Parallel()
	forbidden := refused(http.StatusForbidden, "", "Forbidden")
	for name, c := range map[string]struct {
		method, path string
		err          error
		status       int
		texts        []string
	}{
		"holds of an approver":   {"Holds", "/", forbidden, 200, []string{"<dt>Holds</dt><dd>not shown: Your AWS identity may not do this", "security administrators and auditors", "2 machines"}},
		"breaker of an approver": {"Breaker", "/", forbidden, 200, []string{"<dt>Breaker</dt><dd>not shown: Your AWS identity may not do this", "2 machines"}},
		"breaker":                {"Breaker", "/breaker", forbidden, 403, []string{"Your AWS identity may not do this", "security administrators and auditors"}},
		"holds":                  {"Holds", "/exceptions", forbidden, 200, []string{"Your AWS identity may not do this", "w-aaaaaaaaaaaa"}},
		"waivers":                {"Waivers", "/exceptions", forbidden, 200, []string{"Your AWS identity may not do this", "the move"}},
		"machine":                {"Machine", "/machines/" + machineID, refused(503, "Transient", "DynamoDB does not answer"), 503, []string{"AWS does not answer Keyward or limits it", "DynamoDB does not answer"}},
		"history":                {"History", "/machines/" + machineID, refused(500, "Internal", "it failed"), 200, []string{"It failed in Keyward", "no telnet"}},
		"requests of it":         {"Requests", "/machines/" + machineID, errors.New("calling the Keyward API: refused"), 200, []string{"Its key requests cannot be read: The Keyward API does not answer", "no telnet"}},
		"requests":               {"Requests", "/requests?state=Denied", refused(400, "Invalid", "state is Denied"), 400, []string{"what was entered is not accepted"}},
		"notifier":               {"Notifier", "/notifiers/shop-ops", forbidden, 403, []string{"Your AWS identity may not do this"}},
		"notifiers":              {"Notifiers", "/notices", forbidden, 200, []string{"Your AWS identity may not do this", "What people are told of"}},
		"policies":               {"Policies", "/policies", forbidden, 403, []string{"Your AWS identity may not do this"}},
		"versions":               {"PolicyVersions", "/policies/web-tier", forbidden, 403, []string{"Your AWS identity may not do this", "# two"}},
		"diff":                   {"PolicyDiff", "/policies/web-tier/diff?from=1&to=2", forbidden, 403, []string{"Your AWS identity may not do this"}},
		"audit":                  {"Audit", "/audit?machine=" + machineID, forbidden, 403, []string{"Your AWS identity may not do this"}},
		"file":                   {"Audit", "/audit/" + machineID + "/ledger.jsonl", forbidden, 403, []string{"Your AWS identity may not do this"}},
		"no machines":            {"MachinePage", "/machines", errors.New("calling the Keyward API: connection refused"), 502, []string{"The Keyward API does not answer", "connection refused", "Nothing could be read yet"}},
		"no status":              {"Status", "/", refused(403, "", "The security token included in the request is expired"), 403, []string{"Your AWS credentials have expired", "aws sso login"}},
	} {
		a := place()
		a.fails[c.method] = c.err
		w := open(t, a).get(c.path)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
		wants(t, name, w.Body.String(), c.texts...)
	}
}

// TestOldLists: what was read before is shown with its age when it cannot be read anew.
func TestOldLists(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	b.get("/machines")
	a.mu.Lock()
	a.fails["MachinePage"] = errors.New("calling the Keyward API: connection refused")
	a.mu.Unlock()
	b.follow(b.post("/exceptions/lift", "scope", "global", "reason", "x")) // after an order lists are read again
	w := b.get("/machines")
	if w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
	wants(t, "old lists", w.Body.String(), "They could not be read anew.", "connection refused", "shop", "till")
}
