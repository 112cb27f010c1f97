package simulate_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/simulate"
)

// small is a small world. What it has to show is what it is there for: without that, nothing in it could break.
type small struct {
	name  string
	run   simulate.Options
	mails []string
	calls []string
}

var worlds = []small{
	{
		name: "calm", run: simulate.Options{Machines: 110, Days: 3, Quiet: 1.5, Seed: 1, Faults: "none"},
		mails: []string{"warning", "revoked", "restored", "stoodDown", "held"},
		calls: []string{"kms.RevokeGrant", "kms.DisableKey", "kms.CreateGrant", "kms.EnableKey"},
	},
	{
		name: "storm", run: simulate.Options{Machines: 110, Days: 3, Quiet: 1.5, Seed: 3, Faults: "many"},
		mails: []string{"warning", "revoked", "restored", "stoodDown", "held"},
		calls: []string{"kms.RevokeGrant", "kms.DisableKey", "kms.CreateGrant"},
	},
	{
		name: "shared-key", run: directed("vault", "key-shared"),
		mails: []string{"warning", "held", "restored"}, calls: []string{"kms.DisableKey"},
	},
	{
		name: "key-disabled-before", run: directed("vault", "key-disabled-before"),
		mails: []string{"warning", "revoked", "keyLost"},
	},
	{
		name: "silence-that-revokes", run: seeded(2, quieter(directed("strict", "agent-offline,agent-mute,output-garbled"))),
		mails: []string{"warning", "revoked", "restored"}, calls: []string{"kms.RevokeGrant"},
	},
	{
		name: "silence-that-holds", run: quieter(directed("web", "agent-offline,agent-mute,output-garbled")),
		mails: []string{"held"},
	},
	{
		name: "together", run: simulate.Options{Machines: 250, Fleet: 250, Days: 3, Quiet: 1, Seed: 5, Faults: "many", Incidents: []string{"bad-for-hours", "corrected-early"}, Policies: []string{"web"}},
		mails: []string{"warning", "warning of many", "revoked", "restored"}, calls: []string{"dynamodb.InStorm"},
	},
	{name: "unheard", run: directed("unheard", "bad-for-hours,corrected-early"), mails: []string{"warning", "revoked", "restored"}, calls: []string{"dynamodb.Notice"}},
	{name: "calendar", run: directed("calm", "bad-for-hours,corrected-early"), mails: []string{"warning", "revoked", "held"}, calls: []string{"ssm.GetCalendarState"}},
	{name: "boots-bad", run: directed("web,strict", "rebooted-when-bad"), mails: []string{"warning", "revoked", "restored"}, calls: []string{"kms.CreateGrant"}},
	{name: "boots-late", run: quieter(directed("web,soft", "rebooted")), calls: []string{"kms.CreateGrant"}},
	{name: "stopped", run: longer(directed("web,vault", "stopped-for-days"))},
	{
		name: "locked", run: directed("locked", "bad-for-hours,corrected-in-grace,cannot-be-locked"),
		mails: []string{"warning", "revoked", "restored", "held"}, calls: []string{"ec2.CreateSnapshots", "kms.RevokeGrant"},
	},
	{name: "halted", run: directed("halted", "bad-for-hours"), mails: []string{"warning", "revoked", "restored"}, calls: []string{"ec2.StopInstances", "kms.EnableKey"}},
	{name: "tags", run: directed("web,vault", "tags-changed"), mails: []string{"warning", "tagDrift", "held", "revoked"}},
	{
		name: "policy-that-turns-to-revoking", run: quieter(directed("soft", "bad-for-good,bad-for-hours")),
		mails: []string{"notifyBad", "warning", "revoked"}, calls: []string{"dynamodb.PutPolicy", "scheduler.UpdateSchedule"},
	},
	{name: "waived", run: longer(directed("web,vault", "bad-for-hours")), mails: []string{"warning", "revoked", "waiverEnding"}, calls: []string{"dynamodb.SetWaiver"}},
}

func directed(policies, incidents string) simulate.Options {
	return simulate.Options{
		Machines: 40, Days: 4, Quiet: 1, Seed: 1, Faults: "none", Policies: strings.Split(policies, ","), Incidents: strings.Split(incidents, ","),
	}
}

// In small worlds of every weather, in which everything that Keyward does is done, no invariant breaks.
func TestInvariantsHold(t *testing.T) {
	t.Parallel()
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.run.Shrink = 6
			r, err := simulate.Run(t.Context(), w.run)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			r.Print(&text)
			if r.Broken > 0 {
				t.Fatal(text.String())
			}
			for _, kind := range w.mails {
				if r.Mails[kind] == 0 {
					t.Errorf("no mail %s was sent: this world shows nothing of it\n%s", kind, text.String())
				}
			}
			if w.name == "waived" && r.Ordered == 0 { // which is long
				t.Error("no key was taken because a person said so")
			}
			for _, call := range w.calls {
				if r.Calls[call] == 0 {
					t.Errorf("%s was never called", call)
				}
			}
			if w.run.Faults == "many" && (r.Repeats == 0 || r.Deaths["evaluate"] == 0) {
				t.Errorf("no mail was sent again, or nothing died: %+v", r.Deaths)
			}
			if w.run.Faults == "none" && (r.Repeats != 0 || len(r.Deaths) != 0) {
				t.Errorf("in calm weather %d mails were sent again and %v died", r.Repeats, r.Deaths)
			}
		})
	}
}

// quieter has fewer machines fall silent at once: when more than a fifth of a policy's do, deadlines stand still.
func quieter(o simulate.Options) simulate.Options {
	o.Quiet, o.Machines = 12, 120
	return o
}

// longer has room for what takes days.
func longer(o simulate.Options) simulate.Options {
	o.Days = 10
	return o
}

// seeded is another run of the same.
func seeded(seed uint64, o simulate.Options) simulate.Options {
	o.Seed = seed
	return o
}
