package scenario_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// TestACallIsCarriedOutOnce: many who send the same call at once, and later, are answered alike, and one of them acts.
func TestACallIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold", policy.RevokeGrant)
	path := "/v1/requests/" + machineID + "/" + bootID + "/approve"
	approve := func(key, reason string) (int, string) {
		return w.operator.with(key, "POST", path, record.Reason{Reason: reason}, nil)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]map[string]int{}
	for range 6 {
		all.Go(func() {
			status, body := approve("once", "ticket 4711")
			mu.Lock()
			defer mu.Unlock()
			if answers[status] == nil {
				answers[status] = map[string]int{}
			}
			answers[status][body]++
		})
	}
	all.Wait()
	others := len(answers)
	for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		if answers[status] != nil {
			others--
		}
	}
	if len(answers[http.StatusOK]) != 1 || others > 0 {
		t.Errorf("answers %v, want one and the same 200, and 503 while it is carried out", answers)
	}
	if n := len(w.request().Moves); n != 1 {
		t.Errorf("%d moves, want one", n)
	}
	w.forward(23 * time.Hour)
	if status, body := approve("once", "ticket 4711"); status != http.StatusOK || answers[http.StatusOK][body] == 0 {
		t.Errorf("hours later: %d %s, want what it was answered first", status, body)
	}
	if status, body := approve("once", "another"); status != http.StatusUnprocessableEntity {
		t.Errorf("another call by its key: %d %s, want 422", status, body)
	}
	w.forward(2 * time.Hour)
	if status, body := approve("once", "another"); status == http.StatusUnprocessableEntity {
		t.Errorf("after a day: %d %s, want it carried out anew", status, body)
	}
}
