package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
)

func TestInboundRules(t *testing.T) {
	t.Parallel()
	for peer, want := range map[string]bool{"0.0.0.0/0": true, "::/0": true, "128.0.0.0/1": true, "10.0.0.0/8": false, "sg-12345678": false, "pl-12345678": false, "": false} {
		if got := (evidence.InboundRule{Peer: peer}).World(); got != want {
			t.Errorf("%q: World = %t, want %t", peer, got, want)
		}
	}
	r := evidence.InboundRule{Proto: "tcp", From: 20, To: 25}
	all := evidence.InboundRule{Proto: "all", From: 0, To: 65535}
	if !r.Lets("tcp", 22) || r.Lets("udp", 22) || r.Lets("tcp", 26) || !all.Lets("udp", 53) {
		t.Error("Lets is wrong about tcp/20-25 or about everything")
	}
}

func TestExposures(t *testing.T) {
	t.Parallel()
	open := evidence.InboundRule{Group: "sg-1", Proto: "tcp", From: 22, To: 22, Peer: "0.0.0.0/0"}
	e := &evidence.Evidence{
		AWS:       &evidence.AWS{Inbound: evidence.Known([]evidence.InboundRule{open, {Group: "sg-1", Proto: "tcp", From: 22, To: 22, Peer: "10.0.0.0/8"}})},
		Listeners: evidence.Known([]evidence.Listener{{Proto: "tcp", Port: 22, Scope: "any"}, {Proto: "tcp", Port: 80, Scope: "loopback"}}),
	}
	rules, heard := e.Exposures("tcp", 22)
	if diff := cmp.Diff([]evidence.InboundRule{open}, rules); diff != "" || heard != evidence.Known(true) {
		t.Errorf("Exposures(22), heard %v (-want +got):\n%s", heard, diff)
	}
	if rules, heard := e.Exposures("tcp", 80); len(rules) != 0 || heard != evidence.Known(false) {
		t.Errorf("Exposures(80) = %v, %v, want neither", rules, heard)
	}
	e.Listeners = evidence.Unknown[[]evidence.Listener]("cut")
	if _, heard := e.Exposures("tcp", 22); heard.Known || heard.Why != "cut" {
		t.Errorf("heard = %v, want cut", heard)
	}
}

func TestIMDSMode(t *testing.T) {
	t.Parallel()
	for options, want := range map[[2]string]evidence.Fact[string]{
		{"enabled", "required"}: evidence.Known("required"), {"enabled", "optional"}: evidence.Known("optional"), {"disabled", "required"}: evidence.Known("off"),
		{"enabled", ""}: evidence.Unknown[string](evidence.WhyParse), {"", ""}: evidence.Unknown[string](evidence.WhyParse),
	} {
		if got := evidence.IMDSMode(options[0], options[1]); got != want {
			t.Errorf("IMDSMode(%v) = %v, want %v", options, got, want)
		}
	}
}

// What the machine and AWS say about patches is compared, and a difference is a sign that the machine alone
// cannot cure.
func TestContradiction(t *testing.T) {
	t.Parallel()
	received := start.Add(10 * time.Second)
	for name, c := range map[string]struct {
		guest, aws int
		scanned    time.Time
		want       string
	}{
		"both say none":             {0, 0, received, ""},
		"both say some":             {3, 2, received, ""},
		"the machine says none":     {0, 2, received.Add(-time.Hour), "the machine says 0 security updates, AWS says 2"},
		"AWS looked too long ago":   {0, 2, received.Add(-48 * time.Hour), ""},
		"the machine says the more": {3, 0, received, ""},
	} {
		e := bare().wanting("tamper").with("tamper", "init 0").parse(t)
		e.Updates = &evidence.Updates{Security: evidence.Known(c.guest)}
		p := evidence.UnknownPatches("x")
		p.Security, p.Scanned = evidence.Known(c.aws), evidence.Known(c.scanned)
		e.WithAWS(evidence.AWS{Patches: &p})
		got := ""
		for _, s := range e.Tamper.Signals {
			if s.Code == evidence.SignalPatches && s.Source == "aws" {
				got = s.Detail
			}
		}
		if got != c.want {
			t.Errorf("%s: sign %q, want %q", name, got, c.want)
		}
	}
	if got := evidence.Contradiction(&evidence.Evidence{System: evidence.System{Updates: &evidence.Updates{Security: evidence.Known(0)}}}); got != "" {
		t.Errorf("Contradiction without AWS = %q", got)
	}
}

// EC2 knows whether an instance is Windows, and so does the machine: who says something else is none whose word counts.
func TestPlatformContradicted(t *testing.T) {
	t.Parallel()
	linux := func() *evidence.Evidence { return bare().wanting("tamper").with("tamper", "init 0").parse(t) }
	windows := func() *evidence.Evidence { return bareWindows().parse(t) }
	known, hybrid := evidence.Known[string], evidence.Unknown[string](evidence.WhyNotEC2)
	for name, c := range map[string]struct {
		e    *evidence.Evidence
		aws  evidence.Fact[string]
		want string
	}{
		"both Linux":               {linux(), known("linux"), ""},
		"both Windows":             {windows(), known("windows"), ""},
		"Linux that is Windows":    {linux(), known("windows"), "the machine says linux, AWS says windows"},
		"Windows that is Linux":    {windows(), known("linux"), "the machine says windows, AWS says linux"},
		"a node that is not EC2's": {windows(), hybrid, ""},
	} {
		i := evidence.UnknownInstance("x")
		i.Platform = c.aws
		c.e.WithAWS(evidence.AWS{Instance: &i})
		if got := sign(c.e, evidence.SignalPlatform); got != c.want {
			t.Errorf("%s: sign %q, want %q", name, got, c.want)
		}
		if signs := c.e.Tamper; signs != nil && c.e.Platform == evidence.Windows && signs.Whole.Known {
			t.Errorf("%s: the signs of a machine that was not asked for them are whole", name)
		}
	}
}

// sign is the detail of a sign that comes of what AWS says.
func sign(e *evidence.Evidence, code string) string {
	if e.Tamper == nil {
		return ""
	}
	for _, s := range e.Tamper.Signals {
		if s.Code == code && s.Source == "aws" {
			return s.Detail
		}
	}
	return ""
}

func TestUserDataChanged(t *testing.T) {
	t.Parallel()
	known, denied := evidence.Known[string], evidence.Unknown[string]("aws_denied")
	for name, c := range map[string]struct {
		is, first evidence.Fact[string]
		changed   string
		want      string
	}{
		"the same":   {known("a"), known("a"), "false", ""},
		"another":    {known("b"), known("a"), "true", "a became b"},
		"none now":   {known("none"), known("a"), "true", "a became none"},
		"not said":   {denied, denied, "unknown (aws_denied)", ""},
		"never seen": {known("a"), denied, "unknown (aws_denied)", ""},
	} {
		e := bare().wanting("tamper").with("tamper", "init 0").parse(t)
		u := evidence.UserData{SHA256: c.is, First: c.first}
		e.WithAWS(evidence.AWS{UserData: &u})
		if got := sign(e, evidence.SignalUserData); got != c.want || u.Changed().String() != c.changed {
			t.Errorf("%s: changed %v, sign %q, want %s and %q", name, u.Changed(), got, c.changed, c.want)
		}
	}
}

// What people wrote into tags is as hostile as what machines print.
func TestCleanAWS(t *testing.T) {
	t.Parallel()
	i := evidence.UnknownInstance("x")
	i.Tags = evidence.Known([]evidence.Tag{{Key: "a\x1b", Value: strings.Repeat("b\n", 300)}})
	a := evidence.AWS{Instance: &i, Inbound: evidence.Known(make([]evidence.InboundRule, evidence.MaxGroupRules+1)), Volumes: evidence.Known(make([]evidence.AttachedVolume, evidence.MaxVolumes+1))}
	a.Clean()
	if v := a.Instance.Tags.Value[0].Value; a.Instance.Tags.Value[0].Key != "a?" || len(v) != evidence.MaxText || strings.Contains(v, "\n") {
		t.Errorf("Tags = %v, want them cut and printable", a.Instance.Tags)
	}
	if a.Inbound.Why != evidence.WhyTooMany || a.Volumes.Why != evidence.WhyTooMany {
		t.Errorf("Inbound %v, Volumes %v, want too many", a.Inbound, a.Volumes)
	}
}
