package simulate

import (
	"cmp"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// kind is a policy of the simulated fleets, with the share of the machines that have it.
type kind struct {
	name  string
	share float64
	text  string
	team  string // who is told beside the owners; ops@example.com when it is empty
	steps string // who is told of what nobody corrects

	parsed *policy.Policy
	terms  policy.Integrity
	at     string    // of the daily inspection, UTC
	since  time.Time // of this version
}

const rules = `
rules:
  - {rule: no plain web, ports: {closed: [tcp/80]}}
  - {rule: kernel is supported, os: {kernel: ">= 5.10"}}
`

// kinds are chosen so that both ways of taking a key, both answers to silence and every onFail happen.
func kinds() []*kind {
	all := []*kind{
		{name: "web", share: 0.35, steps: "{after: 1h, to: [lead@example.com]}, {after: 6h, to: [head@example.com]}, {after: 2d, to: [board@example.com]}", text: `
schedule: {daily: "04:30", timeZone: UTC}
integrity: {onFail: revoke, grace: 4h, settle: 10m}`},
		{name: "strict", share: 0.2, text: `
schedule: {daily: "02:00", timeZone: UTC}
integrity: {onFail: revoke, grace: 45m, confirm: 2, settle: 0s, silence: {after: 6h, then: revoke}, retry: {every: 15m, upTo: 100}, remind: 12h}`},
		{name: "vault", share: 0.15, text: `
schedule: {daily: "05:15", timeZone: UTC}
integrity: {onFail: revoke, grace: 2h, key: {mode: disable-key}}`},
		{name: "calm", share: 0.05, text: `
schedule: {daily: "04:00", timeZone: UTC}
integrity: {onFail: revoke, grace: 3h, calendar: [` + calendar + `]}`},
		{name: "locked", share: 0.05, text: `
schedule: {daily: "01:30", timeZone: UTC}
integrity:
  onFail: revoke
  grace: 90m
  key: {snapshot: true, lock: true}
  safeguard: {mounts: [/data], mappings: [data]}`},
		{name: "halted", share: 0.05, steps: "{after: 30m, to: [lead@example.com]}, {after: 3h, to: [head@example.com]}", text: `
schedule: {daily: "00:30", timeZone: UTC}
integrity: {onFail: revoke, grace: 1h, key: {mode: disable-key, effect: stop}}`},
		{name: "patient", share: 0.05, text: `
schedule: {daily: "03:00", timeZone: UTC}
integrity: {onFail: revoke, grace: 2d, restore: manual}`},
		{name: "soft", share: 0.05, steps: "{after: 3h, to: [lead@example.com]}, {after: 1d, to: [head@example.com]}", text: `
schedule: {daily: "06:00", timeZone: UTC}
integrity: {onFail: notify, remind: 24h}`},
		{name: "asking", share: 0.05, steps: "{after: 5m, to: [lead@example.com]}", text: `
schedule: {daily: "06:30", timeZone: UTC}
integrity: {onFail: hold}`},
		{name: "unheard", share: 0.05, team: bouncing + "team@example.com", steps: "{after: 40m, to: [" + bouncing + "lead@example.com]}, {after: 5h, to: [head@example.com]}", text: `
schedule: {daily: "03:30", timeZone: UTC}
integrity: {onFail: revoke, grace: 1h, settle: 0s}`},
	}
	for _, k := range all {
		told := "notify: {to: [" + cmp.Or(k.team, "ops@example.com") + "]"
		if k.steps != "" {
			told += ", escalate: [" + k.steps + "]"
		}
		k.read("policy: "+k.name+k.text+rules+told+"}\n", 1, time.Time{})
	}
	return all
}

// harder is the text of a version of soft that revokes, which is put in the middle of a run.
func (k *kind) harder() string {
	return strings.Replace(k.text, "onFail: notify, remind: 24h", "onFail: revoke, grace: 5h", 1)
}

// read makes of a text what this kind is from now on.
func (k *kind) read(text string, version int, now time.Time) {
	p, err := policy.Parse([]byte(text))
	if err != nil {
		panic("the simulation's policy " + k.name + ": " + err.Error())
	}
	p.Version = version
	k.text, k.parsed, k.terms, k.at, k.since = text, p, p.Integrity, p.Schedule.Daily, now
}

func (k *kind) stored(at time.Time) record.Policy {
	p, _ := policy.Parse([]byte(k.text)) // kinds parsed it
	return record.Policy{Name: k.name, Text: k.text, Digest: p.Digest, PutAt: at, PutBy: person}
}

// bouncing is how addresses begin whose mailbox is not there.
const bouncing = "gone-"

// bounces is whether there is no mailbox at an address.
func bounces(address string) bool { return strings.HasPrefix(address, bouncing) }

// ownerOf is who a machine belongs to: of each five, one's mailbox is not there.
func ownerOf(index int) string {
	if index%5 == 2 {
		return bouncing + "owner@example.com"
	}
	return "owner@example.com"
}

// calendar is the change calendar of one of the policies.
const calendar = "business-hours"

// person is who sets holds and puts policies.
const person = "arn:aws:iam::123456789012:user/alice"
