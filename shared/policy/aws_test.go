package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// byAWS is evidence with what AWS says.
func byAWS(a evidence.AWS, change ...func(*evidence.Evidence)) *evidence.Evidence {
	return host(append([]func(*evidence.Evidence){func(ev *evidence.Evidence) { ev.AWS = &a }}, change...)...)
}

func TestInstanceRule(t *testing.T) {
	t.Parallel()
	i := evidence.UnknownInstance("absent")
	i.Zone, i.Image, i.Type = evidence.Known("eu-central-1a"), evidence.Known("ami-12345678"), evidence.Known("m7g.large")
	i.Profile, i.PublicAddress, i.Tags = evidence.Known(""), evidence.Known("203.0.113.7"), evidence.Known([]evidence.Tag{{Key: "tier", Value: "web"}})
	i.IMDS, i.HopLimit, i.FirstSeen = evidence.Known("optional"), evidence.Known(2), evidence.Known(noon.Add(-48*time.Hour))
	ev := byAWS(evidence.AWS{Instance: &i})
	hybrid := evidence.UnknownInstance(evidence.WhyNotEC2)
	judgeAll(t, []judged{
		{"a zone", `instance: {zone: eu-central-1a, image: ami-12345678, type: [m7g.large]}`, ev, policy.Pass, "zone eu-central-1a; image ami-12345678; type m7g.large", "", ""},
		{"a Region", `instance: {zone: [eu-west-1, eu-central-1]}`, ev, policy.Pass, "zone eu-central-1a", "", ""},
		{"another zone", `instance: {zone: [eu-central-1b, eu-central-2]}`, ev, policy.Fail, "zone eu-central-1a", "", ""},
		{"another image", `instance: {image: ami-87654321}`, ev, policy.Fail, "image ami-12345678", "", ""},
		{"tags", `instance: {tags: {tier: web}}`, ev, policy.Pass, "tags as asked", "", ""},
		{"other tags", `instance: {tags: {tier: db, owner: ops}}`, ev, policy.Fail, "tag owner missing, tag tier=web", "tag owner missing", ""},
		{"metadata service", `instance: {imds: [required, off], hopLimit: "<= 1"}`, ev, policy.Fail, "metadata service optional; metadata hop limit 2", "", ""},
		{"public address", `instance: {publicAddress: none}`, ev, policy.Fail, "public address 203.0.113.7", "203.0.113.7", ""},
		{"first seen too long ago", `instance: {firstSeen: "<= 24h"}`, ev, policy.Fail, "first seen 48h ago", "", ""},
		{"first seen", `instance: {firstSeen: "< 72h"}`, ev, policy.Pass, "first seen 48h ago", "", ""},
		{"no launch time", `instance: {launched: "<= 24h"}`, ev, policy.Unknown, "launched unknown (absent)", "", "absent"},
		{"a hybrid node", `instance: {imds: required}`, byAWS(evidence.AWS{Instance: &hybrid}), policy.Unknown, "metadata service unknown (not_ec2)", "", "not_ec2"},
		{"not asked", `instance: {imds: required}`, host(), policy.Unknown, "instance unknown (not_collected)", "", "not_collected"},
	})
}

func TestUserDataRule(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	data := func(is, first evidence.Fact[string]) *evidence.Evidence {
		return byAWS(evidence.AWS{UserData: &evidence.UserData{SHA256: is, First: first}})
	}
	same, other, none := data(evidence.Known(a), evidence.Known(a)), data(evidence.Known(b), evidence.Known(a)), data(evidence.Known("none"), evidence.Known("none"))
	judgeAll(t, []judged{
		{"as at first", `instance: {userData: unchanged}`, same, policy.Pass, "user data abababababab..., as at first", "", ""},
		{"another", `instance: {userData: unchanged}`, other, policy.Fail, "user data cdcdcdcdcdcd..., at first abababababab...", "", ""},
		{"another that is allowed", `instance: {userData: [unchanged, "` + b + `"]}`, other, policy.Pass, "user data cdcdcdcdcdcd...", "", ""},
		{"none", `instance: {userData: none}`, none, policy.Pass, "user data none", "", ""},
		{"some", `instance: {userData: none}`, same, policy.Fail, "user data abababababab...", "", ""},
		{"not the one", `instance: {userData: "` + b + `"}`, same, policy.Fail, "user data abababababab...", "", ""},
		{"refused", `instance: {userData: unchanged}`, data(unknown[string]("aws_denied"), unknown[string]("aws_denied")), policy.Unknown, "user data unknown (aws_denied)", "", "aws_denied"},
		{"never seen", `instance: {userData: unchanged}`, data(evidence.Known(a), unknown[string]("not_collected")), policy.Unknown, "user data at first unknown (not_collected)", "", "not_collected"},
		{"not asked", `instance: {userData: none}`, host(), policy.Unknown, "user data unknown (not_collected)", "", "not_collected"},
	})
	for rule, want := range map[string]string{
		"instance: {userData: none}": "instance userdata", "instance: {imds: required}": "instance", "tamper: {none: all}": "instance", "tamper: {none: [user-data, clock]}": "userdata",
		"tamper: {none: clock}": "", "tamper: {none: all, except: platform}": "",
	} {
		if got := strings.Join(parse(t, "policy: x\nrules: [{rule: r, "+rule+"}]").Needs().AWS, " "); got != want {
			t.Errorf("%s asks AWS for %q, want %q", rule, got, want)
		}
	}
}

func TestExposedRule(t *testing.T) {
	t.Parallel()
	ssh := evidence.InboundRule{Group: "sg-1", Proto: "tcp", From: 22, To: 22, Peer: "0.0.0.0/0"}
	inside := evidence.InboundRule{Group: "sg-1", Proto: "tcp", From: 1, To: 65535, Peer: "10.0.0.0/8"}
	ping := evidence.InboundRule{Group: "sg-1", Proto: "icmp", From: -1, To: -1, Peer: "0.0.0.0/0"}
	all := evidence.InboundRule{Group: "sg-2", Proto: "all", From: 0, To: 65535, Peer: "::/0"}
	groups := func(rules ...evidence.InboundRule) evidence.AWS { return evidence.AWS{Inbound: evidence.Known(rules)} }
	const both = "tcp/22 on 0.0.0.0, /usr/bin/nc (pid 4711), and sg-1 lets 0.0.0.0/0 in"
	judgeAll(t, []judged{
		{"closed", `exposed: {closed: [tcp/22]}`, byAWS(groups(inside, ping)), policy.Pass, "not open to the world", "", ""},
		{"open", `exposed: {closed: [tcp/20-25]}`, byAWS(groups(inside, ssh)), policy.Fail, "sg-1 lets 0.0.0.0/0 in to tcp/22", "sg-1 lets 0.0.0.0/0 in to tcp/22", ""},
		{"everything open", `exposed: {closed: [udp/53]}`, byAWS(groups(all)), policy.Fail, "sg-2 lets ::/0 in to everything", "sg-2 lets ::/0 in to everything", ""},
		{"only", `exposed: {only: [tcp/22, tcp/443]}`, byAWS(groups(ssh, ping, inside)), policy.Pass, "not open to the world", "", ""},
		{"more than only", `exposed: {only: [tcp/443]}`, byAWS(groups(ssh, all)), policy.Fail, "sg-1 lets 0.0.0.0/0 in to tcp/22, sg-2 lets ::/0 in to everything", "sg-1 lets 0.0.0.0/0 in to tcp/22", ""},
		{"open, and nothing listens", `exposed: {listening: [tcp/1-65535]}`, byAWS(groups(ssh), listens(on("tcp", "127.0.0.1", "loopback", 22), on("tcp", "0.0.0.0", "any", 80))), policy.Pass, "nothing that the world reaches listens", "", ""},
		{"open, and something listens", `exposed: {listening: [tcp/1-1023]}`, byAWS(groups(ssh), listens(on("tcp", "0.0.0.0", "any", 22))), policy.Fail, both, both, ""},
		{"open, and who knows", `exposed: {listening: [tcp/22]}`, byAWS(groups(ssh), func(ev *evidence.Evidence) { ev.Listeners = unknown[[]evidence.Listener]("cut") }), policy.Unknown, "listening ports unknown (cut)", "", "cut"},
		{"groups not known", `exposed: {closed: [tcp/22]}`, byAWS(evidence.AWS{Inbound: unknown[[]evidence.InboundRule]("aws_denied")}), policy.Unknown, "security groups unknown (aws_denied)", "", "aws_denied"},
		{"not asked", `exposed: {listening: [tcp/22]}`, host(), policy.Unknown, "security groups unknown (not_collected)", "", "not_collected"},
	})
}

func TestVolumesAndAgentRules(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	volumes := func(all ...evidence.AttachedVolume) *evidence.Evidence {
		return byAWS(evidence.AWS{Volumes: evidence.Known(all)})
	}
	good, plain := evidence.AttachedVolume{ID: "vol-1", Device: "/dev/xvda", Encrypted: true, Key: key}, evidence.AttachedVolume{ID: "vol-2", Device: "/dev/sdf"}
	agent := byAWS(evidence.AWS{Agent: &evidence.Agent{Version: evidence.Known("3.2.0.0"), Last: evidence.Known(noon.Add(-3 * time.Hour))}})
	judgeAll(t, []judged{
		{"encrypted", `volumes: {encrypted: true, keys: ["` + key + `"]}`, volumes(good), policy.Pass, "volumes encrypted; volumes under the key", "", ""},
		{"one is plain", `volumes: {encrypted: true}`, volumes(good, plain), policy.Fail, "vol-2 on /dev/sdf not encrypted", "vol-2 on /dev/sdf not encrypted", ""},
		{"another key", `volumes: {keys: ["` + key + `9"]}`, volumes(good, plain), policy.Fail, "vol-1 on /dev/xvda under " + key + ", vol-2 on /dev/sdf under no key", "vol-1 on /dev/xvda under " + key, ""},
		{"none", `volumes: {encrypted: true}`, volumes(), policy.Unknown, "volumes unknown (nothing_found)", "", "nothing_found"},
		{"volumes not asked", `volumes: {encrypted: true}`, host(), policy.Unknown, "volumes unknown (not_collected)", "", "not_collected"},
		{"agent too old", `agent: {version: ">= 3.3"}`, agent, policy.Fail, "version 3.2.0.0", "", ""},
		{"agent silent", `agent: {ping: "<= 1h"}`, agent, policy.Fail, "last ping 3h ago", "", ""},
		{"agent answers", `agent: {version: ">= 3.2", ping: "< 4h"}`, agent, policy.Pass, "version 3.2.0.0; last ping 3h ago", "", ""},
		{"agent not asked", `agent: {ping: "<= 1h"}`, host(), policy.Unknown, "SSM agent unknown (not_collected)", "", "not_collected"},
	})
}

func TestPatchesRule(t *testing.T) {
	t.Parallel()
	state := func(missing, security int, scanned time.Duration, guest ...int) *evidence.Evidence {
		p := evidence.UnknownPatches("absent")
		p.Missing, p.Security, p.Critical, p.Scanned = evidence.Known(missing), evidence.Known(security), evidence.Known(0), evidence.Known(noon.Add(-scanned))
		return byAWS(evidence.AWS{Patches: &p}, func(ev *evidence.Evidence) {
			if len(guest) > 0 {
				ev.Updates = &evidence.Updates{Pending: evidence.Known(guest[0]), Security: evidence.Known(guest[0]), Lists: evidence.Known(guestEnd.Add(-time.Hour))}
			}
		})
	}
	hotfix := func(at evidence.Fact[time.Time]) *evidence.Evidence {
		return system(evidence.System{Updates: &evidence.Updates{Source: evidence.Known("hotfixes"), Installed: at}})
	}
	never := evidence.UnknownPatches("never_scanned")
	judgeAll(t, []judged{
		{"patched", `patches: {missing: 5, security: 0, critical: 0, scanned: "<= 7d"}`, state(5, 0, time.Hour), policy.Pass, "patches missing 5; security patches missing 0; critical patches missing 0; last patch scan 1h ago", "", ""},
		{"missing", `patches: {missing: 5, security: 0}`, state(6, 2, time.Hour), policy.Fail, "patches missing 6; security patches missing 2", "", ""},
		{"scanned too long ago", `patches: {scanned: "<= 24h"}`, state(0, 0, 48*time.Hour), policy.Fail, "last patch scan 48h ago", "", ""},
		{"never scanned", `patches: {security: 0}`, byAWS(evidence.AWS{Patches: &never}), policy.Unknown, "security patches missing unknown (never_scanned)", "", "never_scanned"},
		{"not said", `patches: {failed: 0}`, state(0, 0, time.Hour), policy.Unknown, "patches failed unknown (absent)", "", "absent"},
		{"not asked", `patches: {security: 0}`, host(), policy.Unknown, "patches unknown (not_collected)", "", "not_collected"},
		{"says the machine", `patches: {source: guest, missing: 3, security: 3, scanned: "< 2h"}`, state(3, 3, time.Hour, 3), policy.Pass, "patches missing 3; security patches missing 3; package lists renewed 1h ago", "", ""},
		{"says the machine, too many", `patches: {source: guest, security: 0}`, state(3, 3, time.Hour, 3), policy.Fail, "security patches missing 3", "", ""},
		{"the machine and AWS differ", `patches: {source: guest, security: 0}`, state(3, 3, time.Hour, 0), policy.Unknown,
			"security patches missing (the machine says 0 security updates, AWS says 3) unknown (contradicted)", "", "contradicted"},
		{"a machine that knows what is installed", `patches: {source: guest, installed: "<= 45d"}`, hotfix(evidence.Known(guestEnd.Add(-50 * 24 * time.Hour))), policy.Fail, "last update installed 50d ago", "", ""},
		{"a fresh update", `patches: {source: guest, installed: "<= 45d"}`, hotfix(evidence.Known(guestEnd.Add(-24 * time.Hour))), policy.Pass, "last update installed 24h ago", "", ""},
		{"no update has a date", `patches: {source: guest, installed: "<= 45d"}`, hotfix(evidence.Unknown[time.Time]("absent")), policy.Unknown, "last update installed unknown (absent)", "", "absent"},
		{"the machine was not asked", `patches: {source: guest, security: 0}`, host(), policy.Unknown, "updates unknown (not_collected)", "", "not_collected"},
	})
}

func TestErrorsOfAWSRules(t *testing.T) {
	t.Parallel()
	var table []refusal
	for _, c := range []struct{ rule, want string }{
		{`instance: {}`, `4:13: rules[0].instance: asks nothing, expected zone, image, type, profile, tags, imds, hopLimit, userData, publicAddress, firstSeen or launched`},
		{`instance: {zone: Frankfurt}`, `4:20: rules[0].instance.zone: got "Frankfurt", expected an Availability Zone such as eu-central-1a, or a Region`},
		{`instance: {image: 12345678}`, `4:21: rules[0].instance.image: got 12345678, expected the id of an image, ami- and 8 or 17 hex digits`},
		{`instance: {type: [large]}`, `4:21: rules[0].instance.type[0]: got "large", expected an instance type such as m7g.large`},
		{`instance: {profile: web}`, `4:23: rules[0].instance.profile: got "web", expected the ARN of an instance profile`},
		{`instance: {tags: [a]}`, `4:20: rules[0].instance.tags: got a list, expected a mapping of 1 to 50 tags and values`},
		{`instance: {tags: {a: 1}}`, `4:24: rules[0].instance.tags.a: got 1, expected one line of text of 1 to 256 characters, in quotes`},
		{`instance: {imds: v2}`, `4:20: rules[0].instance.imds: got "v2", expected one of required, optional, off`},
		{`instance: {hopLimit: low}`, `4:24: rules[0].instance.hopLimit: got "low", expected a whole number, or an operator (<, <=, =, !=, >=, >) and one, such as "<= 4"`},
		{`instance: {userData: [unchanged, abc]}`, `4:36: rules[0].instance.userData[1]: got "abc", expected unchanged, none, or the SHA-256 of the user data, 64 hex digits in lower case in quotes`},
		{`instance: {firstSeen: 90d}`, `4:25: rules[0].instance.firstSeen: got "90d", expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`},
		{`exposed: {}`, `4:12: rules[0].exposed: asks nothing, expected closed, only or listening`},
		{`exposed: {closed: [22]}`, `4:22: rules[0].exposed.closed[0]: got 22, expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`},
		{`volumes: {keys: alias/x}`, `4:19: rules[0].volumes.keys: got "alias/x", expected the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID`},
		{`volumes: {}`, `4:12: rules[0].volumes: asks nothing, expected encrypted or keys`},
		{`agent: {version: new}`, `4:20: rules[0].agent.version: got "new", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`},
		{`patches: {source: guest, critical: 0}`, `4:21: rules[0].patches.source: guest does not go with critical, failed or rebootPending, which only Patch Manager knows`},
		{`patches: {missing: "<= 1"}`, `4:22: rules[0].patches.missing: got "<= 1", expected a whole number from 0 to 100000`},
		{`patches: {installed: "<= 45d"}`, `4:24: rules[0].patches.installed: goes with source: guest, and with Windows, which does not say what is missing`},
		{`patches: {source: aws}`, `4:12: rules[0].patches: asks nothing, expected missing, security, critical, failed, rebootPending, scanned or installed`},
	} {
		table = append(table, refusal{c.rule, "policy: x\nrules:\n- rule: r\n  " + c.rule, []string{c.want}})
	}
	refuse(t, table)
}
