package scenario_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// decide is a person's word on the machine's request: another one than who enrolled it, for nobody approves an exception
// of his own.
func (w *world) decide(word, reason string) (int, record.Request) {
	w.t.Helper()
	k, err := w.PersonCredentials("approver", "KeyApproverPolicy")
	if err != nil {
		w.t.Fatal(err)
	}
	approver := w.operator
	approver.key = provider(k)
	var r record.Request
	status, _ := approver.call("POST", "/v1/requests/"+machineID+"/"+bootID+"/"+word, record.Reason{Reason: reason}, &r)
	return status, r
}

// waiting is a place whose machine complies, and whose request a person decides.
func waiting(t *testing.T, requests string, mode policy.Mode) *world {
	t.Helper()
	return asking(t, setup{requests: requests, mode: mode})
}

func asking(t *testing.T, s setup) *world {
	t.Helper()
	w := empty(t, s)
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.check()
	if status, r := w.ask(); status != http.StatusAccepted || r.State != "Pending" {
		t.Fatalf("asked, and a person decides: %d %s: %s", status, r.State, r.Reason)
	}
	return w
}

func TestAPersonApproves(t *testing.T) {
	t.Parallel()
	for _, mode := range []policy.Mode{policy.RevokeGrant, policy.DisableKey} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := waiting(t, "onPass: hold", mode)
			if status, r := w.decide("approve", "ticket 4711"); status != http.StatusOK || r.State != "Approved" || r.Ruling.Verdict != policy.Pass {
				t.Fatalf("approved: %d %+v", status, r)
			}
			if n := len(w.grants()); n != 0 {
				t.Errorf("nobody came for it, and there are %d grants", n)
			}
			w.forward(23 * time.Hour)
			w.check()
			w.release()
			if status, _ := w.decide("deny", "too late"); status != http.StatusConflict {
				t.Errorf("denied after it was delivered: %d, want 409", status)
			}
			released := w.entries(record.EntryReleased)
			if len(released) != 1 || released[0].By != "arn:aws:iam::123456789012:user/approver" {
				t.Errorf("ledger: %+v, want who approved", released)
			}
		})
	}
}

// What a person approved of a machine that fails is given, and its violation has its usual course.
func TestAPersonApprovesWhatFails(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold, onFail: hold", policy.RevokeGrant)
	w.guest.listen(port)
	w.check()
	if status, r := w.ask(); status != http.StatusAccepted {
		t.Fatalf("it fails, and a person decides: %d %s", status, r.Reason)
	}
	if status, r := w.decide("approve", "the shop has to run"); status != http.StatusOK || r.Ruling.Verdict != policy.Fail {
		t.Fatalf("approved: %d %+v", status, r)
	}
	w.release()
	due := w.view().Machine.State.DueAt
	if due.IsZero() {
		w.forward(10 * time.Minute)
		due = w.view().Machine.State.DueAt
	}
	if due.IsZero() {
		t.Fatalf("nobody was warned: %+v", w.view().Machine.State)
	}
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
}

// An approval is of what was known: a machine that fails since is answered by its policy.
func TestAnApprovalEndsWhenTheMachineFails(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold", policy.RevokeGrant)
	if status, _ := w.decide("approve", "fine"); status != http.StatusOK {
		t.Fatalf("approved: %d", status)
	}
	w.guest.listen(port)
	w.check()
	if status, r := w.ask(); status != http.StatusForbidden || r.State != "Denied" || len(w.grants()) != 0 {
		t.Errorf("it fails since: %d %s: %s, %d grants", status, r.State, r.Reason, len(w.grants()))
	}
}

func TestAPersonDenies(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold, autoApprove: 30m", policy.RevokeGrant)
	if status, r := w.decide("deny", "not ours"); status != http.StatusOK || r.State != "Denied" {
		t.Fatalf("denied: %d %+v", status, r)
	}
	w.forward(2 * time.Hour)
	w.check()
	if status, r := w.ask(); status != http.StatusForbidden || r.Reason != "a person denied it: not ours" {
		t.Errorf("in the same boot: %d %s", status, r.Reason)
	}
	if status, _ := w.decide("deny", "again"); status != http.StatusConflict {
		t.Errorf("denied twice: %d, want 409", status)
	}
	if status, _ := w.decide("approve", "it is ours after all"); status != http.StatusOK {
		t.Errorf("approved after all: %d", status)
	}
	w.release()
}

func TestNobodyDecides(t *testing.T) {
	t.Parallel()
	t.Run("approved by itself", func(t *testing.T) {
		t.Parallel()
		w := waiting(t, "onPass: hold, autoApprove: 30m", policy.RevokeGrant)
		w.forward(29 * time.Minute)
		if status, _ := w.ask(); status != http.StatusAccepted {
			t.Errorf("after 29 minutes: %d", status)
		}
		w.forward(90 * time.Second)
		w.release()
	})
	t.Run("never of what fails", func(t *testing.T) {
		t.Parallel()
		w := waiting(t, "onPass: hold, onFail: hold, autoApprove: 30m", policy.RevokeGrant)
		w.guest.listen(port)
		w.forward(31 * time.Minute)
		w.check()
		if status, r := w.ask(); status != http.StatusAccepted || len(w.grants()) != 0 {
			t.Errorf("it fails: %d %s", status, r.Reason)
		}
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		w := waiting(t, "onPass: hold, expire: 1h", policy.RevokeGrant)
		w.forward(time.Hour)
		var page record.RequestPage
		w.operator.must("GET", "/v1/requests?state=Expired", nil, &page)
		if len(page.Requests) != 1 || page.Requests[0].Reason != "nobody decided in time" {
			t.Errorf("expired are %+v", page.Requests)
		}
		w.check()
		if status, r := w.ask(); status != http.StatusAccepted || r.State != "Pending" {
			t.Errorf("asked again: %d %s", status, r.State)
		}
		w.operator.must("GET", "/v1/requests?state=Pending&machine="+machineID, nil, &page)
		if len(page.Requests) != 1 || !page.Requests[0].ExpiresAt.After(w.Clock().Now().Add(50*time.Minute)) {
			t.Errorf("it waits anew: %+v", page.Requests)
		}
	})
}

// Of many who decide at once one wins, and the others are told.
func TestManyDecideAtOnce(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold", policy.RevokeGrant)
	var all sync.WaitGroup
	answers := make([]int, 6)
	for i := range answers {
		all.Go(func() { answers[i], _ = w.decide([]string{"approve", "deny"}[i%2], fmt.Sprint("person ", i)) })
	}
	all.Wait()
	var r record.Request
	w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &r)
	decisions := 0
	for _, m := range r.Moves {
		if m.To == "Approved" || m.To == "Denied" {
			decisions++
		}
	}
	won := 0
	for _, a := range answers {
		if a == http.StatusOK {
			won++
		} else if a != http.StatusConflict {
			t.Errorf("answered %d, want 200 or 409", a)
		}
	}
	if won == 0 || won != decisions || !slices.Contains([]string{"Approved", "Denied"}, r.State) {
		t.Errorf("answers %v, moves %+v, want each 200 to be a move", answers, r.Moves)
	}
}
