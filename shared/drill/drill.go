// Package drill is the fire drill: a machine that does not exist, with a key that nobody needs, is taken
// through warning, deadline, revocation and restore, so that a broken part is found before a real machine
// needs it. Pure: names, what the machine answers, and how a drill goes on. send and evaluate stand in for
// the machine by it; the function drill asks it what comes next.
package drill

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/record"
)

// The names. Neither EC2 nor SSM gives an id like Machine, nor a command id that starts with commandPrefix.
const (
	Machine    = "drill-machine"
	PolicyName = "keyward-drill"
	Tag        = "keyward:drill" // on a key, with the value "true": it is the drill's, and no machine's

	commandPrefix = "drill-"
)

// Is says whether an id is the drill's machine.
func Is(machine string) bool { return machine == Machine }

// Asked says whether a command is one to the drill's machine. Only such a command is answered by Answer,
// and the drill's machine is answered for by nothing else.
func Asked(c record.Command) bool {
	return strings.HasPrefix(c.ID, commandPrefix) && len(c.Machines) == 1 && Is(c.Machines[0])
}

// Command asks the drill's machine. It is over at once, so that the sweep has it judged when nobody else does.
func Command(purpose record.Purpose, execution string, now time.Time) record.Command {
	nonce := inspection.Nonce()
	return record.Command{
		ID: commandPrefix + nonce, Nonce: nonce, Purpose: purpose, Machines: []string{Machine}, Execution: execution,
		Document: "drill:1", SentAt: now, TotalBy: now, Open: true,
	}
}

// Version of Event that this code writes.
const Version = 1

// The ops of an Event.
const (
	Start = "begin" // a new drill, unless one runs
	Step  = "step"  // the one that runs goes on
)

// Event is what the function drill takes.
type Event struct {
	Version int    `json:"version"`
	Op      string `json:"op"`
	By      string `json:"by,omitempty"` // ARN of the person who wants it; empty: the schedule
}

// policyText is the drill's policy. Grace is short: nobody is to correct anything.
const policyText = `policy: %s
description: The fire drill. Written by Keyward; its machine does not exist.
rules:
  - rule: drill
    os: {kernel: ">= 5.10"}
    fix: Nothing. Keyward makes this machine fail and comply again.
requests: {onPass: deny, onFail: deny, onUnknown: deny}
integrity:
  onFail: revoke
  grace: 5m
  settle: 0s
  key: {mode: disable-key}
`

// Policy is the text of the drill's policy.
func Policy() string { return fmt.Sprintf(policyText, PolicyName) }

// kernels that the machine answers with.
const (
	illKernel  = "1.0.0-drill"
	wellKernel = "99.0.0-drill"
)

// Answer is what the machine answers to a command: a line as the inspection script prints it.
func Answer(c record.Command, ill bool, now time.Time) inspection.Invocation {
	kernel := wellKernel
	if ill {
		kernel = illKernel
	}
	text, _ := json.Marshal(map[string]any{ // of strings and numbers: it always marshals
		"v": 1, "nonce": c.Nonce, "probe": "drill/1.0.0", "want": ",os,", "at": fmt.Sprintf("%d +0000", now.Unix()), "uid": 0, "end": now.Unix(),
		"r": []map[string]string{{"n": "sys", "t": "uname " + kernel + " x86_64"}, {"n": "os", "t": "ID=drill"}},
	})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(text) // into memory: it never fails
	z.Close()
	payload := base64.StdEncoding.EncodeToString(packed.Bytes())
	return inspection.Invocation{
		Machine: Machine, Status: "Success", Ended: true, Success: true, Output: fmt.Sprintf("KWE1 %d OK %s\n", len(payload), payload),
	}
}
