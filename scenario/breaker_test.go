package scenario_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// crowd is a world with so many more machines, enrolled like the first and in order.
type crowd struct {
	*world
	ids    []string
	guests []*guest
}

func many(t *testing.T, more int, s setup) *crowd {
	t.Helper()
	c := &crowd{ids: []string{machineID}}
	for n := range more {
		g := &guest{}
		id := fmt.Sprintf("i-%017x", 0xabc000+n)
		c.ids, c.guests = append(c.ids, id), append(c.guests, g)
		s.others = append(s.others, local.Machine{ID: id, Answer: g.answer, Tags: guarded})
	}
	c.world = begin(t, s)
	c.guests = append([]*guest{c.guest}, c.guests...)
	for n, g := range c.guests {
		g.take(c.recorded)
		if n > 0 {
			c.enrol(c.ids[n])
		}
	}
	c.checkAll()
	return c
}

func (c *crowd) checkAll() {
	c.t.Helper()
	for _, id := range c.ids {
		c.operator.must("POST", "/v1/machines/"+id+"/check", nil, nil)
	}
	c.settle()
}

// fail has the machines open the forbidden port, all of them when none is named, and returns the last deadline.
func (c *crowd) fail(which ...int) time.Time {
	c.t.Helper()
	for n, g := range c.guests {
		if len(which) == 0 || slices.Contains(which, n) {
			g.listen(port)
		}
	}
	c.checkAll()
	c.forward(3 * time.Minute) // all but the first are warned together
	var due time.Time
	for _, m := range c.machines() {
		if m.State.DueAt.After(due) {
			due = m.State.DueAt
		}
	}
	return due
}

func (c *crowd) machines() []record.Machine {
	c.t.Helper()
	var out struct{ Machines []record.Machine }
	c.operator.must("GET", "/v1/machines", nil, &out)
	return out.Machines
}

func (c *crowd) breaker() record.BreakerView {
	c.t.Helper()
	var v record.BreakerView
	c.operator.must("GET", "/v1/breaker", nil, &v)
	return v
}

func (c *crowd) reset(scope string) (int, string) {
	c.t.Helper()
	return c.operator.call("POST", "/v1/breaker/"+scope+"/reset", record.Reason{Reason: "a person looked"}, nil)
}

// want compares how many machines lost their keys, how many are held for a reason, and how many mails of
// a kind went out.
func (c *crowd) want(revoked int, reason string, held int, kind string, mails int) {
	c.t.Helper()
	gone, waiting, told := 0, 0, 0
	for _, m := range c.machines() {
		if m.State.Key == integrity.KeyRevoked || m.State.Key == integrity.KeyRevoking {
			gone++
		}
		if m.State.HeldFor == reason {
			waiting++
		}
	}
	for _, k := range c.kinds() {
		if k == kind {
			told++
		}
	}
	if gone != revoked || waiting != held || told != mails {
		c.t.Errorf("%d lost their keys, %d are held for %s, %d mails %s; want %d, %d, %d", gone, waiting, reason, told, kind, revoked, held, mails)
	}
}

// A policy that everything fails at once takes no key: the rule stops itself, and one mail says so.
func TestMassNewFailureTripsBreaker(t *testing.T) {
	t.Parallel()
	c := many(t, 3, setup{})
	due := c.fail()
	c.forward(6 * time.Minute)
	c.want(0, "rule-breaker", 0, "rulesTripped", 1) // long before the first is due
	c.wantText("rulesTripped", `4 of 4 machines that complied fail rule "no plain web" of version 1`)
	if stops := c.view().Stops; len(stops) != 1 || stops[0].Reason != "rule-breaker" {
		t.Errorf("the machine shows the stops %v", stops)
	}
	c.until(due.Add(50 * time.Minute))
	c.want(0, "rule-breaker", 4, "rulesTripped", 1)
	c.want(0, "rule-breaker", 4, "held", 0)
	c.wantKept()

	// A new version that everything fails as well stops itself: all are looked at before anything goes on.
	c.operator.must("PUT", "/v1/policies/web", "# again\n"+c.setup.policy(), nil)
	c.forward(40 * time.Minute)
	c.want(0, "rule-breaker", 4, "rulesTripped", 2)
	c.wantKept()

	// A person looked: it goes on, as fast as the limit over everything allows.
	if status, body := c.reset("policy:web"); status != http.StatusOK {
		t.Fatalf("reset = %d %s", status, body)
	}
	c.forward(20 * time.Minute)
	c.want(1, "breaker-open", 3, "breakerOpen", 1)
	v := c.breaker()
	if len(v.Waiting) != 3 || len(v.Rules) != 1 || len(v.Rules[0].Trips) != 0 || v.Rules[0].ResetReason != "a person looked" || !strings.HasSuffix(v.Rules[0].ResetBy, "user/operator") {
		t.Errorf("breaker = %+v", v)
	}
}

// The version that puts it right is looked at first: everything stands down.
func TestATrippedRuleThatIsPutRight(t *testing.T) {
	t.Parallel()
	c := many(t, 3, setup{})
	due := c.fail()
	c.until(due.Add(20 * time.Minute))
	c.want(0, "rule-breaker", 4, "rulesTripped", 1)
	c.operator.must("PUT", "/v1/policies/web", strings.Replace(c.setup.policy(), "tcp/8080", "tcp/8081", 1), nil)
	c.forward(20 * time.Minute)
	c.want(0, "", 4, "stoodDown", 4)
	c.wantStanding("Good")
	c.wantKept()
}

// A rule that tripped starts nothing for a machine that fails it later.
func TestATrippedRuleOnlyNotifies(t *testing.T) {
	t.Parallel()
	c := many(t, 4, setup{})
	c.fail(1, 2, 3)
	c.forward(6 * time.Minute)
	c.want(0, "rule-breaker", 0, "rulesTripped", 1)
	c.fail(0)
	if v := c.view(); v.Machine.State.Standing != integrity.Bad || !v.Machine.State.DueAt.IsZero() {
		t.Errorf("standing %s, due %s, want it bad and no deadline", v.Machine.State.Standing, v.Machine.State.DueAt)
	}
	c.forward(2 * time.Hour)
	c.want(0, "rule-breaker", 3, "notifyBad", 1)
	c.wantKept()
}

// A limit of zero is none, and no reset helps.
func TestLimitZeroMeansZero(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]map[string]string{"machines": {"BreakerMachines": "0"}, "percent": {"BreakerPercent": "0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := many(t, 0, setup{limits: limits})
			due := c.fail()
			c.until(due.Add(5 * time.Hour))
			c.want(0, "breaker-open", 1, "breakerOpen", 1)
			c.wantKept()
			c.wantMails("warning", "breakerOpen")
			if status, body := c.reset("global"); status != http.StatusConflict || !strings.Contains(body, "the stack's limit is 0") {
				t.Errorf("reset = %d %s, want 409", status, body)
			}
			c.until(due.Add(30 * time.Hour)) // still open after a day: it is told again
			c.want(0, "breaker-open", 1, "breakerOpen", 2)
			c.wantKept()
		})
	}
}

// Machines that fall due in one second, each in its own execution woken by its own event, are as much
// under the limit as those that the sweep starts.
func TestLimitHoldsInEventPath(t *testing.T) {
	t.Parallel()
	c := many(t, 4, setup{
		atOnce: 4, limits: map[string]string{"BreakerMachines": "2", "BreakerPercent": "100", "BreakerRulePercent": "100"},
	})
	due := c.fail()
	c.until(due.Add(5 * time.Minute))
	c.want(2, "breaker-open", 3, "revoked", 2)
	c.until(due.Add(50 * time.Minute))
	c.want(2, "breaker-open", 3, "breakerOpen", 1)
	c.wantText("breakerOpen", "2 of at most 2 machines lost their keys within 1h0m0s")
	if v := c.breaker(); v.Limit != 2 || v.Room != 0 || len(v.Breaker.Spent) != 2 || len(v.Waiting) != 3 || v.Breaker.OpenSince.IsZero() {
		t.Errorf("breaker = %+v", v)
	}
	c.until(due.Add(100 * time.Minute)) // the window moved
	c.want(4, "breaker-open", 1, "breakerOpen", 1)
	if status, body := c.reset("global"); status != http.StatusOK {
		t.Fatalf("reset = %d %s", status, body)
	}
	c.forward(15 * time.Minute) // no need to wait for the window
	c.want(5, "breaker-open", 0, "breakerOpen", 1)
	var kinds []string
	for _, e := range c.breaker().Events {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []string{"reset", "opened"}) {
		t.Errorf("events, newest first = %v", kinds)
	}
	c.want(5, "breaker-open", 0, "revoked", 5)
}
