package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// said is everything that is explained of a policy, one sentence a line.
func said(p *policy.Policy) string {
	var all []string
	for _, part := range p.Explain() {
		all = append(all, part.Says...)
	}
	return strings.Join(all, "\n") + "\n"
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const judged = "\nrules: [{rule: r, os: {is: debian}}]"
	for text, want := range map[string][]string{
		"": {
			"It is only for machines that are enrolled with its name.", "Machines are inspected when the stack's own schedule says so.",
			"No rule is judged, so the verdict is always Unknown: nothing is shown to be in order.",
			"The request of a machine that passes is approved, of one that fails is denied, of one about which nothing is known waits for a person.",
			"Once an inspection fails, people are told by mail. No key is taken.", "After 24h without an answer that can be judged, a person decides. Silence takes no key.",
			"Nothing is taken by this policy, so nothing has to be given back.", "Mails go to the machine's owner, or to the account's contact if it has none.",
		},
		"machines: {ids: [i-12345678], except: [i-87654321], priority: 7}": {
			"It is for i-12345678.", "It is never for i-87654321.", "this one has 7.",
		},
		"machines: {ids: [i-12345678], tags: {b: x, a: y}}":         {"It is for i-12345678, if they have the tags a=y, b=x."},
		"machines: {tags: {tier: web}}":                             {"It is for machines with the tags tier=web."},
		"schedule: {daily: '04:30', timeZone: Europe/Berlin}":       {"Machines are inspected every day at 04:30, Europe/Berlin."},
		"schedule: {weekly: {on: sunday, at: '03:00'}, spread: 1h}": {"Machines are inspected every sunday at 03:00, UTC, or up to 1h later."},
		"rules:\n- {rule: a, os: {is: debian}, missing: fail}\n- {rule: b, os: {is: debian}, missing: pass, info: true}\n- {rule: c, each: mounts, expression: e.encrypted, empty: pass}\n- {rule: d, expression: 'true == true'}": {
			`"a": debian; what is not known counts as a failure.`, `"b": debian; what is not known counts as in order; only shown.`,
			`"c": each of mounts: e.encrypted; if there are none, it passes.`, `"d": true == true.`, "A machine passes when all of these hold.",
		},
		"requests: {onPass: hold, autoApprove: 8h, onUnknown: deny}": {
			"The request of a machine that passes waits for a person, of one that fails is denied, of one about which nothing is known is denied.",
			"One that waits is approved by itself after 8h, if the machine passes.",
		},
		"integrity: {onFail: hold, confirm: 3}": {"Once 3 inspections in a row failed, 10m apart, a person decides. No key is taken by itself."},
		"integrity: {onFail: revoke, grace: 4h, confirm: {failures: 2, of: 5}, restore: {after: 3}, remind: 24h}": {
			"Once 2 of the last 5 inspections failed, people are warned by mail. 4h after the mail was accepted the machine is looked at again, and if it still fails, its key is taken.",
			"the machine's grant is removed in KMS", "What the machine has open by then it can still read", "For 30m after a launch, a reboot, a patching or a restore no failure counts.",
			"What passes 3 inspections in a row gets its key back by itself.", "repeated every 24h", "Soonest a key is taken 4h10m after the first failing inspection.",
		},
		"integrity: {onFail: revoke, grace: 1h, restore: manual, settle: 0s, calendar: [month-end], key: {mode: disable-key, effect: stop, snapshot: true}}\nnotify: {to: [a@example.com]}": {
			"the key is disabled in KMS; if others depend on it, it is not", "its volumes are snapshotted, within 1h", "EC2 stops the instance", "While month-end is closed",
			"when a person says so", "Mails go to the machine's owner and a@example.com.",
		},
		"integrity: {onFail: revoke, grace: 1h, key: {mode: disable-key, shared: allowed, lock: true}, safeguard: {mounts: [/data]}}": {
			"the key is disabled in KMS, for everybody who uses it.", "its data is put at rest on the machine, within 5m",
		},
		"integrity: {onFail: revoke, grace: 4h}\nnotify: {escalate: [{after: 2h, to: [lead@example.com]}, {after: 8h, to: [head@example.com, b@example.com]}]}": {
			"Others hear of a machine that stays Bad, counted from when the warning was accepted: after 2h lead@example.com; after 8h head@example.com, b@example.com.",
		},
		"notify: {escalate: [{after: 1h30m, to: [lead@example.com]}]}": {
			"Others hear of a machine that stays Bad, counted from when it was found: after 1h30m lead@example.com.",
		},
		"integrity: {grace: 1h, silence: {then: revoke}}\nnotify: {escalate: [{after: 7d, to: [lead@example.com]}]}" + judged: {
			"counted from when it was found, or where a key is taken the warning was accepted: after 7d lead@example.com.",
		},
		"integrity: {grace: 2h, silence: {after: 48h, then: revoke}}" + judged: {
			"After 48h without an answer that can be judged, people are warned; 2h after that mail the key is taken", "What passes again gets its key back by itself.",
		},
	} {
		got := said(parse(t, "policy: x\n"+text))
		for _, sentence := range want {
			if !strings.Contains(got, sentence) {
				t.Errorf("Explain of %q does not say %q:\n%s", text, sentence, got)
			}
		}
	}
}

func TestSoonest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "integrity: {onFail: hold}": 0, "integrity: {onFail: revoke, grace: 4h}": 4 * time.Hour,
		"integrity: {onFail: revoke, grace: 1m, confirm: 3}": 21 * time.Minute,
	} {
		p := parse(t, "policy: x\n"+text)
		if got, ok := p.Soonest(); ok != (want > 0) || ok && got != want || p.TakesKeys() != ok {
			t.Errorf("Soonest of %q = %s, %t, want %s; takes keys: %t", text, got, ok, want, p.TakesKeys())
		}
	}
}

// Every pack can be explained, and each of its rules is among what is said.
func TestExplainPacks(t *testing.T) {
	t.Parallel()
	for name, text := range packFiles(t) {
		p := parse(t, string(text))
		got := said(p)
		for _, r := range p.Rules {
			if !strings.Contains(got, `"`+r.Name+`": `) {
				t.Errorf("Explain of %s leaves rule %q out", name, r.Name)
			}
		}
	}
}
