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
