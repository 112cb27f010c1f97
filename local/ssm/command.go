package ssm

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ssm/agent"
)

// command is one SendCommand. Its exported fields are what is saved.
type command struct {
	ID             string
	Document       string
	Wanted         string // the version as it was asked for, such as $DEFAULT
	Version        int    // the version that runs
	Comment        string
	Parameters     map[string][]string
	InstanceIDs    []string
	Targets        []target
	MaxConcurrency string
	MaxErrors      string
	TimeoutSeconds int
	Requested      time.Time
	Expires        time.Time // when what has not ended becomes DeliveryTimedOut
	Status         string
	Details        string
	Asked          bool // CancelCommand was called for all of it
	Invocations    []*invocation

	bound  *agent.Bound
	window int // how many may be in flight now; grows by one with each acknowledgement, so it doubles
	next   int // the first invocation that was not sent
	flying int // sent and not ended
	timer  *clock.Timer
}

type target struct {
	Key    string
	Values []string
}

// invocation is a command on one node.
type invocation struct {
	Node    string
	Name    string // the node's computer name
	Status  string
	Details string
	Sent    bool // it counts towards MaxConcurrency until it ends
	Begun   bool // the agent acknowledged it
	Steps   []agent.Result
	Start   time.Time
	End     time.Time

	cancel context.CancelFunc // set while it runs on this host or a simulated node
}

// The statuses that are no end.
var open = []string{"Pending", "InProgress", "Delayed", "Cancelling"}

func (i *invocation) ended() bool { return !slices.Contains(open, i.Status) }

// waits says that it was sent and no agent took it.
func (i *invocation) waits() bool {
	return !i.Begun && (i.Status == "InProgress" || i.Status == "Delayed")
}

// failed says that it counts towards MaxErrors.
func (i *invocation) failed() bool { return i.Details == "Failed" || i.Details == "ExecutionTimedOut" }

func (c *command) count(match func(*invocation) bool) int {
	n := 0
	for _, i := range c.Invocations {
		if match(i) {
			n++
		}
	}
	return n
}

func details(text string) func(*invocation) bool {
	return func(i *invocation) bool { return i.Details == text }
}

// limit reads MaxConcurrency or MaxErrors for the number of targets: 10 % of 50 is 5, of 5 is none.
func limit(text string, targets int) int {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		n, _ := strconv.Atoi(percent)
		return targets * n / 100
	}
	n, _ := strconv.Atoi(text)
	return n
}

func (c *command) concurrency() int { return max(1, limit(c.MaxConcurrency, len(c.Invocations))) }

func (c *command) tooManyErrors() bool {
	return c.count((*invocation).failed) > limit(c.MaxErrors, len(c.Invocations))
}

// judge is the command's status as it follows from its invocations. The user guide and the API
// reference disagree on mixed ends; here one Success without too many errors makes Success, as the
// guide's table says, and Undeliverable ones do not count.
func (c *command) judge() (status, detail string) {
	n := len(c.Invocations)
	switch {
	case n == 0:
		return "Success", "NoInstancesInTag"
	case c.count((*invocation).ended) < n && c.Asked:
		return "Cancelling", "Cancelling"
	case c.count((*invocation).ended) < n:
		return "InProgress", "InProgress"
	case c.count(details("Cancelled")) > 0 && c.Asked:
		return "Cancelled", "Cancelled"
	}
	timeouts, errors := c.count(details("ExecutionTimedOut")), c.count((*invocation).failed)
	over := c.tooManyErrors() || errors > 0 && c.count(details("Success")) == 0
	switch {
	case over && timeouts == errors:
		return "TimedOut", "ExecutionTimedOut"
	case over:
		return "Failed", "Failed"
	case c.count(details("Success")) > 0:
		return "Success", "Success"
	case c.count(details("DeliveryTimedOut")) > 0:
		return "TimedOut", "DeliveryTimedOut"
	case c.count(details("Cancelled")) == n:
		return "Cancelled", "Cancelled"
	}
	return "Failed", "Incomplete"
}
