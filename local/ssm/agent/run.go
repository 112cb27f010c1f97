package agent

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Status is how a step or a document ended, in the agent's words.
type Status string

// The statuses of a final reply. Skipped is a step's alone.
const (
	Success   Status = "Success"
	Failed    Status = "Failed"
	TimedOut  Status = "TimedOut"
	Cancelled Status = "Cancelled"
	Skipped   Status = "Skipped"
)

// Exit codes that mean more than a number.
const (
	exitWithSuccess = 168
	exitWithFailure = 169
	stopped         = 137 // a timeout, a cancel, the OOM killer or the script's own exit 137: the agent cannot tell
	reboot          = 194
)

// Machine is the machine that a command runs on, or pretends to.
type Machine struct {
	ID              string
	Region          string
	Platform        string // Linux, Windows or MacOS
	PlatformName    string
	PlatformVersion string
}

// Script is one step that is due to run.
type Script struct {
	Machine   Machine
	CommandID string
	Step      string
	Text      string
	Dir       string // "" means /
	Timeout   time.Duration
}

// Outcome is what running a script came to.
type Outcome struct {
	Stdout, Stderr Output
	Code           int
	Reason         string // why it failed in Go's words, such as "exit status 3"
	Cancelled      bool   // it was stopped because the context ended
}

// Execute runs one script to its end. Host.Execute does it on this host.
type Execute func(context.Context, Script) Outcome

// Result is one step of a reply. Start and End are the caller's time.
type Result struct {
	Name   string    `json:"name"`
	Action string    `json:"action"`
	Status Status    `json:"status"`
	Code   int       `json:"code"`
	Stdout string    `json:"stdout"` // at most 24,000 bytes
	Stderr string    `json:"stderr"` // at most 24,000 bytes and a sentence
	Output string    `json:"output"` // both, at most 2,500 bytes
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
}

// Run runs the steps one after another and returns the status of the whole document. Each finished
// step is reported at once. A context that ends is a cancelled command: what runs is killed, what has
// not begun is Cancelled.
func (b *Bound) Run(ctx context.Context, commandID string, m Machine, execute Execute, now func() time.Time, report func(Result)) Status {
	counts := map[Status]int{}
	leaving := false
	for _, s := range b.steps {
		r := Result{Name: s.Name, Action: s.Action, Start: now()}
		switch {
		case leaving && !s.Inputs.FinallyStep:
			r.skip(fmt.Sprintf("Plugin with name %s and id %s skipped due to prior step with an exit condition", s.Action, s.Name))
		case ctx.Err() != nil:
			r.Status, r.Code = Cancelled, 1
		case !s.holds(m.Platform):
			r.skip(fmt.Sprintf("Step execution skipped due to unsatisfied preconditions: '\"StringEquals\": [%s]'. Step name: %s",
				strings.Join(s.Precondition["StringEquals"], ", "), s.Name))
		default:
			script := Script{Machine: m, CommandID: commandID, Step: s.Name, Text: s.script, Dir: s.dir, Timeout: s.timeout}
			o := execute(ctx, script)
			leaving = r.judge(&o, s.Inputs.OnFailure) || leaving
		}
		r.Stdout, r.Stderr, r.Output, r.End = valid(r.Stdout), valid(r.Stderr), valid(r.Output), now()
		counts[r.Status]++
		report(r)
	}
	for _, worst := range []Status{Failed, TimedOut, Cancelled} {
		if counts[worst] > 0 {
			return worst
		}
	}
	return Success
}

func (r *Result) skip(why string) { r.Status, r.Output = Skipped, why }

// judge turns an outcome into the step's result and says whether the steps after it are to be skipped.
func (r *Result) judge(o *Outcome, onFailure string) (leave bool) {
	r.Code = o.Code
	switch {
	case o.Cancelled:
		r.Status = Cancelled
	case o.Code == 0, o.Code == exitWithSuccess:
		r.Status = Success
	case o.Code == stopped:
		r.Status = TimedOut
	default:
		r.Status = Failed
		fmt.Fprintf(&o.Stderr, "failed to run commands: %s", o.Reason)
		if o.Code == reboot {
			fmt.Fprint(&o.Stderr, ": exit code 194 asks for a reboot, which keyward local refuses; this host was not rebooted")
		}
	}
	r.Stdout, r.Stderr = o.Stdout.String(), o.Stderr.String()
	if o.Code == exitWithSuccess {
		r.Stderr = ""
	}
	r.Output = merge(r.Stdout, r.Stderr)
	return r.leave(onFailure)
}

// leave adds the agent's sentence about an exit condition, which ListCommandInvocations' text lacks.
func (r *Result) leave(onFailure string) bool {
	var why string
	switch {
	case r.Code == exitWithSuccess:
		why = "Step exited with code 168. Therefore, marking step as succeeded."
	case r.Code == exitWithFailure:
		why = "Step exited with code 169. Therefore, marking step as Failed."
	case r.Status == Failed && onFailure != "":
		why = "Step was found to have onFailure property."
	default:
		return false
	}
	why = "\n" + why + " Further document steps will be skipped."
	r.Stdout += why
	if r.Code != exitWithSuccess {
		r.Stderr += why
	}
	if r.Status == Failed && r.Code != exitWithFailure && onFailure == "successAndExit" {
		r.Status, r.Code = Success, exitWithSuccess
	}
	return true
}
