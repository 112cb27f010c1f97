// Package sample is a small fleet with a story, and a hostile one, for the tests of reports and of what writes them.
package sample

import (
	"strings"
	"time"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// The people and machines of the story.
const (
	Alice, Bob = "arn:aws:iam::123456789012:user/alice", "arn:aws:sts::123456789012:assumed-role/Approver/bob"
	Web, Shop  = "i-0123456789abcdef0", "i-0fedcba9876543210"
	Idle       = "mi-0123456789abcdef0"
)

// Berlin has the night without the hour from 2 to 3 in the period.
var Berlin = zone("Europe/Berlin")

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// Day is a moment of March 2026, or of April as the days go on, in UTC.
func Day(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)
}

// Period is two weeks, from Monday 23 March until Sunday 5 April.
func Period() report.Period {
	return report.Period{From: time.Date(2026, 3, 23, 0, 0, 0, 0, Berlin), To: time.Date(2026, 4, 6, 0, 0, 0, 0, Berlin), Zone: Berlin}
}

func noted(m record.Machine, standing integrity.Standing, e record.Entry) record.Entry {
	e.Machine, e.Policy, e.PolicyVersion, e.Standing = m.ID, m.Policy, 1, standing
	return e
}

func linked(entries []record.Entry) []record.Entry {
	out, _ := record.Link(record.Head{}, "", entries)
	return out
}

// Data is the story: web is in order, fails on the 25th, is revoked on the 26th and put right on the 27th; shop is
// corrected in time on the 31st; idle was never inspected.
func Data() report.Data {
	web := record.Machine{
		ID: Web, Name: "web-1", Owner: "owner@example.com", Zone: "eu-central-1a", Policy: "web", EnrolledAt: Day(1, 9, 0), EnrolledBy: Alice,
		Key:   record.Key{ARN: "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", Mode: policy.RevokeGrant},
		State: integrity.State{Standing: integrity.Good, Since: Day(27, 8, 0), Key: integrity.KeyReleased, LastEvidence: Day(36, 4, 30)},
	}
	shop := record.Machine{
		ID: Shop, Name: "shop", Owner: "owner@example.com", Zone: "eu-central-1b", Policy: "web", EnrolledAt: Day(24, 10, 0), EnrolledBy: Bob,
		Key:   record.Key{ARN: web.Key.ARN, Mode: policy.RevokeGrant},
		State: integrity.State{Standing: integrity.Good, Since: Day(31, 6, 0), Key: integrity.KeyReleased, LastEvidence: Day(36, 4, 30)},
	}
	idle := record.Machine{ID: Idle, Policy: "web", EnrolledAt: Day(24, 11, 0), EnrolledBy: Bob, Key: record.Key{ARN: web.Key.ARN, Mode: policy.RevokeGrant}}
	const telnet = `no telnet: expected tcp/23 closed, found open by /usr/sbin/in.telnetd`
	ledger := map[string][]record.Entry{
		Web: linked([]record.Entry{
			noted(web, "", record.Entry{At: Day(1, 9, 0), Kind: record.EntryEnrolled, By: Alice, Text: "enrolled under policy web, mode revoke-grant"}),
			noted(web, integrity.Good, record.Entry{At: Day(1, 9, 5), Kind: record.EntryVerdict, Text: "Pass: none; standing Good"}),
			noted(web, integrity.Bad, record.Entry{At: Day(25, 4, 30), Kind: record.EntryVerdict, Generation: 1, Text: "Fail: " + telnet + "; standing Bad"}),
			noted(web, integrity.Bad, record.Entry{At: Day(25, 4, 31), Kind: record.EntryWarned, Generation: 1, Text: "warning accepted"}),
			noted(web, integrity.Bad, record.Entry{At: Day(25, 8, 31), Kind: record.EntryHeld, Generation: 1, Text: "held: a person holds it"}),
			noted(web, integrity.Bad, record.Entry{At: Day(26, 8, 40), Kind: record.EntryIntent, Generation: 1, Text: "intent to revoke: " + telnet}),
			noted(web, integrity.Bad, record.Entry{At: Day(26, 8, 41), Kind: record.EntryOrdered, Generation: 1, Text: "KMS is asked"}),
			noted(web, integrity.Bad, record.Entry{At: Day(26, 8, 42), Kind: record.EntryConfirmed, Generation: 1, Text: "revoked: no grant, read back twice"}),
			noted(web, integrity.Good, record.Entry{At: Day(27, 8, 0), Kind: record.EntryVerdict, Generation: 2, Text: "Pass: none; standing Good"}),
			noted(web, integrity.Good, record.Entry{At: Day(27, 8, 1), Kind: record.EntryRestored, Generation: 2, Text: "given back"}),
		}),
		Shop: linked([]record.Entry{
			noted(shop, "", record.Entry{At: Day(24, 10, 0), Kind: record.EntryEnrolled, By: Bob, Text: "enrolled under policy web, mode revoke-grant"}),
			noted(shop, integrity.Good, record.Entry{At: Day(24, 10, 5), Kind: record.EntryVerdict, Text: "Pass: none; standing Good"}),
			noted(shop, integrity.Bad, record.Entry{At: Day(31, 4, 30), Kind: record.EntryVerdict, Generation: 1, Text: "Fail: " + telnet + "; standing Bad"}),
			noted(shop, integrity.Good, record.Entry{At: Day(31, 6, 0), Kind: record.EntryVerdict, Generation: 2, Text: "Pass: none; standing Good"}),
		}),
		Idle: linked([]record.Entry{noted(idle, "", record.Entry{At: Day(24, 11, 0), Kind: record.EntryEnrolled, By: Bob, Text: "enrolled under policy web, mode revoke-grant"})}),
	}
	var looks []report.Look
	for day := 23; day <= 36; day++ {
		looks = append(looks, look(Day(day, 4, 30), "boot-1", Day(20, 0, 0)))
	}
	return report.Data{
		Account: "123456789012", Region: "eu-central-1", Version: "1.0.0", ReadAt: Day(37, 1, 0),
		Machines: []record.Machine{shop, web, idle}, Ledger: ledger,
		Looks: map[string][]report.Look{
			Web: looks, Shop: {look(Day(24, 10, 5), "boot-2", Day(24, 9, 0)), look(Day(31, 6, 0), "boot-3", Day(31, 5, 0)), {Sent: Day(32, 4, 30), Presence: integrity.Stopped, Why: "stopped"}},
		},
		Requests: requests(),
		Policies: map[string][]record.Policy{"web": {
			{Name: "web", Version: 1, Digest: "sha256:1", PutAt: Day(1, 8, 0), PutBy: Alice}, {Name: "web", Version: 2, Digest: "sha256:2", PutAt: Day(30, 8, 0), PutBy: Alice},
		}, "old": {
			{Name: "old", Version: 1, Digest: "sha256:3", PutAt: Day(1, 8, 0), PutBy: Alice},
			{Name: "old", Version: 2, Digest: "sha256:3", PutAt: Day(1, 8, 0), PutBy: Alice, Deleted: &record.Lift{At: Day(30, 9, 0), By: Bob, Reason: "nobody is under it"}},
		}},
		Holds: []record.Hold{{Scope: "policy:web", Reason: "release week", By: Alice, SetAt: Day(30, 7, 0)}},
		Waivers: []record.Waiver{{
			ID: "w-0123456789ab", Scope: "machine:" + Shop, Rule: "no telnet", Values: []string{"tcp/23"}, Reason: "until Friday", By: Alice, SetAt: Day(31, 5, 0), Expires: Day(33, 0, 0),
			Lifted: &record.Lift{At: Day(31, 5, 30), By: Alice, Reason: "it is put right"},
		}},
		Events: []record.BreakerEvent{{At: Day(28, 12, 0), Kind: record.BreakerReset, Scope: "global", Text: "they are as bad as that", By: Alice}},
	}
}

func look(sent time.Time, boot string, since time.Time) report.Look {
	return report.Look{
		Sent: sent, Presence: integrity.Running, BootID: boot, Boot: since, Image: evidence.Known("ami-0123456789abcdef0"), Type: evidence.Known("t4g.small"),
		System:  evidence.Known("Debian GNU/Linux 13 (trixie)"),
		Volumes: evidence.Known([]evidence.AttachedVolume{{ID: "vol-0123456789abcdef0", Device: "/dev/xvda", Encrypted: true}, {ID: "vol-0fedcba9876543210", Device: "/dev/sdf"}}),
		Mounts: evidence.Known([]evidence.Mount{
			{Target: "/", FSType: "ext4", Source: "/dev/xvda1", Encrypted: evidence.Known(false)},
			{Target: "/data", FSType: "xfs", Source: "/dev/mapper/data", Encrypted: evidence.Known(true), Crypt: evidence.Known("LUKS2")},
			{Target: "/mnt", FSType: "nfs4", Source: "files:/", Encrypted: evidence.Unknown[bool]("network")},
		}),
	}
}

func requests() []record.Request {
	return []record.Request{
		{
			ID: "boot-1", Machine: Web, State: "Delivered", Reason: "Pass", Policy: "web", Version: 1, AskedAt: Day(23, 6, 0), DecidedAt: Day(23, 6, 0),
			Moves: []record.Move{{To: "Approved", At: Day(23, 6, 0), By: "policy", Why: "Pass"}, {To: "Delivered", At: Day(23, 6, 1), By: Web, Why: "the machine used its key"}},
		},
		{
			ID: "boot-2", Machine: Shop, State: "Approved", Reason: "ticket 4711", Policy: "web", Version: 1, AskedAt: Day(24, 10, 1), DecidedAt: Day(25, 12, 1),
			Moves: []record.Move{
				{To: "Denied", At: Day(24, 10, 1), By: "policy", Why: "Unknown: never inspected"}, {To: "Pending", At: Day(25, 12, 0), By: Shop, Why: "the machine asks again"},
				{To: "Approved", At: Day(25, 14, 30), By: Bob, Why: "ticket 4711"},
			},
		},
		{ID: "boot-0", Machine: Web, State: "Expired", Reason: "nobody decided in time", Policy: "web", Version: 1, AskedAt: Day(10, 6, 0), Moves: []record.Move{{To: "Expired", At: Day(11, 6, 0), By: "policy", Why: "nobody decided in time"}}},
	}
}

// Bait is hostile text, and what of it must never stand in a report as it is.
var Bait = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "=HYPERLINK(\"http://evil.example\",\"x\")", "+1+1", "-1+1", "@SUM(A1)", "＝1+1",
	"a\r\nBcc: x@evil.example", "\u202egnp.exe\u2066", "\x1b[2J\x07", "]]>&amp;</text></svg>", `{{.}}`, "\xff\xfe broken", "漢字 😀 Ω", "(a) Tj ET /JS (app.alert(1))",
}

// Hostile is the story with bait wherever a machine or a person may write.
func Hostile() report.Data {
	d := Data()
	all := strings.Join(Bait, " | ")
	huge := strings.Repeat("<b>A", 1<<18)
	for i := range d.Machines {
		d.Machines[i].Name, d.Machines[i].Owner, d.Machines[i].Zone = Bait[i%len(Bait)], all, huge
		id := d.Machines[i].ID
		for j := range d.Ledger[id] {
			d.Ledger[id][j].Text, d.Ledger[id][j].By = Bait[(i+j)%len(Bait)], "arn:"+all
		}
		for j := range d.Looks[id] {
			d.Looks[id][j].Image = evidence.Known(Bait[j%len(Bait)])
			d.Looks[id][j].Mounts = evidence.Known([]evidence.Mount{{Target: Bait[j%len(Bait)], Source: all, FSType: huge}})
		}
	}
	for i := range d.Requests {
		d.Requests[i].Reason, d.Requests[i].ID = huge, Bait[i+2]
		for j := range d.Requests[i].Moves {
			d.Requests[i].Moves[j].Why = Bait[(i+j)%len(Bait)]
		}
	}
	for i, b := range Bait {
		d.Holds = append(d.Holds, record.Hold{Scope: record.Scope(b), Reason: b, By: "arn:" + b, SetAt: Day(30, 7, i)})
	}
	d.Policies[`=cmd|' /C calc'!A0`] = []record.Policy{{Name: "x", Version: 1, PutAt: Day(30, 8, 0), PutBy: "arn:" + all}}
	d.Gaps = append(d.Gaps, "ledger of "+all)
	return d
}
