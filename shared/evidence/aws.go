package evidence

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The groups of facts that AWS is asked for.
const (
	AWSInstance = "instance" // what every judgement asks EC2 anyway
	AWSGroups   = "groups"   // security groups: DescribeSecurityGroups
	AWSVolumes  = "volumes"  // attached EBS volumes: DescribeVolumes
	AWSPatches  = "patches"  // Patch Manager's last scan: DescribeInstancePatchStates
	AWSAgent    = "agent"    // SSM's agent: DescribeInstanceInformation
	AWSUserData = "userdata" // the instance's user data: DescribeInstanceAttribute, once for each machine
)

// Limits on what is kept of AWS's answers.
const (
	MaxGroupRules = 512
	MaxVolumes    = 64
)

// AWS is what AWS says about a machine, and no guest can forge. A group that was not asked for is nil.
type AWS struct {
	Instance *Instance              `json:"instance,omitempty"`
	Inbound  Fact[[]InboundRule]    `json:"inbound"` // of all its security groups
	Volumes  Fact[[]AttachedVolume] `json:"volumes"`
	Patches  *PatchState            `json:"patches,omitempty"`
	Agent    *Agent                 `json:"agent,omitempty"`
	UserData *UserData              `json:"userData,omitempty"`
}

// Instance is what EC2 says about an instance. A hybrid node has none of it: not_ec2.
type Instance struct {
	Platform      Fact[string]    `json:"platform"` // linux or windows
	Zone          Fact[string]    `json:"zone"`
	Image         Fact[string]    `json:"image"` // ami-…
	Type          Fact[string]    `json:"type"`
	Profile       Fact[string]    `json:"profile"` // ARN of the instance profile
	PublicAddress Fact[string]    `json:"publicAddress"`
	Launched      Fact[time.Time] `json:"launched"`
	FirstSeen     Fact[time.Time] `json:"firstSeen"` // when it was enrolled
	Tags          Fact[[]Tag]     `json:"tags"`
	IMDS          Fact[string]    `json:"imds"`     // required, optional, off
	HopLimit      Fact[int]       `json:"hopLimit"` // of the metadata service's answers
	Groups        Fact[[]string]  `json:"groups"`   // ids of its security groups
}

// Tag is one tag of a resource.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// InboundRule is one rule of a security group about packets that come in.
type InboundRule struct {
	Group string `json:"group"`
	Proto string `json:"proto"` // tcp, udp, all, or another protocol's number
	From  int    `json:"from"`  // first port; 0 to 65535 for all protocols
	To    int    `json:"to"`
	Peer  string `json:"peer"` // a network, a prefix list, or another group
}

// World says whether the rule lets in more than one could own: every address, or a network of at least
// half of all of its family.
func (r InboundRule) World() bool {
	p, err := netip.ParsePrefix(r.Peer)
	return err == nil && p.Bits() <= 1
}

// Lets says whether the rule lets packets to a port in.
func (r InboundRule) Lets(proto string, port int) bool {
	return (r.Proto == proto || r.Proto == "all") && r.From <= port && port <= r.To
}

// AttachedVolume is an EBS volume of an instance.
type AttachedVolume struct {
	ID        string `json:"id"`
	Device    string `json:"device"`
	Encrypted bool   `json:"encrypted"`
	Key       string `json:"key,omitempty"` // ARN of its KMS key
}

// UserData is what an instance is started with, which may hold secrets: what it is, never what is in it.
type UserData struct {
	SHA256 Fact[string] `json:"sha256"` // 64 hex digits, or none
	Bytes  Fact[int]    `json:"bytes"`
	First  Fact[string] `json:"first"` // the SHA256 when it was first asked for since the machine was enrolled
}

// NoUserData is the SHA256 of an instance without user data.
const NoUserData = "none"

// Changed says whether it is another one than it was first.
func (u UserData) Changed() Fact[bool] {
	switch {
	case !u.SHA256.Known:
		return Unknown[bool](u.SHA256.Why)
	case !u.First.Known:
		return Unknown[bool](u.First.Why)
	}
	return Known(u.SHA256.Value != u.First.Value)
}

// UnknownUserData is what could not be had.
func UnknownUserData(why string) UserData {
	return UserData{SHA256: Unknown[string](why), Bytes: Unknown[int](why), First: Unknown[string](why)}
}

// PatchState is the outcome of Patch Manager's last scan or installation.
type PatchState struct {
	Missing       Fact[int]       `json:"missing"`
	Critical      Fact[int]       `json:"critical"` // missing, failed or waiting for a reboot, of critical compliance
	Security      Fact[int]       `json:"security"`
	Failed        Fact[int]       `json:"failed"`
	RebootPending Fact[int]       `json:"rebootPending"` // installed, and waiting for a reboot
	Scanned       Fact[time.Time] `json:"scanned"`
}

// Agent is SSM's agent on the machine.
type Agent struct {
	Ping    Fact[string]    `json:"ping"` // Online, ConnectionLost, Inactive
	Version Fact[string]    `json:"version"`
	Last    Fact[time.Time] `json:"last"` // last ping
}

// UnknownPatches is the state that could not be had.
func UnknownPatches(why string) PatchState {
	n := Unknown[int](why)
	return PatchState{Missing: n, Critical: n, Security: n, Failed: n, RebootPending: n, Scanned: Unknown[time.Time](why)}
}

// UnknownInstance is an instance of which nothing could be had.
func UnknownInstance(why string) Instance {
	t := Unknown[string](why)
	return Instance{
		Platform: t, Zone: t, Image: t, Type: t, Profile: t, PublicAddress: t, Launched: Unknown[time.Time](why), FirstSeen: Unknown[time.Time](why),
		Tags: Unknown[[]Tag](why), IMDS: t, HopLimit: Unknown[int](why), Groups: Unknown[[]string](why),
	}
}

// UnknownAgent is an agent of which nothing could be had.
func UnknownAgent(why string) Agent {
	return Agent{Ping: Unknown[string](why), Version: Unknown[string](why), Last: Unknown[time.Time](why)}
}

// WhyNotEC2 is why a hybrid node has no facts of EC2's.
const WhyNotEC2 = "not_ec2"

// freshScan is how old a scan may be and still contradict what the machine says of itself now.
const freshScan = 24 * time.Hour

// WithAWS takes in what AWS says, and notes where it contradicts the machine.
func (e *Evidence) WithAWS(a AWS) {
	e.AWS = &a
	if i := a.Instance; i != nil && i.Platform.Known && i.Platform.Value != e.Platform {
		if e.Tamper == nil { // who says to be Windows was not asked for its signs
			e.Tamper = &Tamper{Whole: Unknown[bool](WhyNotCollected), Why: []string{"guest: " + WhyNotCollected}}
		}
		e.Tamper.put(Signal{SignalPlatform, fmt.Sprintf("the machine says %s, AWS says %s", e.Platform, i.Platform.Value), "aws"})
	}
	if e.Tamper == nil {
		return
	}
	if said := Contradiction(e); said != "" {
		e.Tamper.put(Signal{SignalPatches, said, "aws"})
	}
	if u := a.UserData; u != nil && u.Changed().Or(false) {
		e.Tamper.put(Signal{SignalUserData, u.First.Value + " became " + u.SHA256.Value, "aws"})
	}
}

// Contradiction is what the machine and AWS say about patches when both cannot be true: the machine knows of none
// that is missing, and a fresh scan does. Empty when they agree, or one does not say.
func Contradiction(e *Evidence) string {
	if e.AWS == nil || e.AWS.Patches == nil || e.Updates == nil || !e.Updates.Security.Known {
		return ""
	}
	p := e.AWS.Patches
	if !p.Scanned.Known || e.Collect.Received.Sub(p.Scanned.Value) > freshScan {
		return ""
	}
	missing := max(p.Security.Or(0), p.Critical.Or(0))
	if e.Updates.Security.Value == 0 && missing > 0 {
		return fmt.Sprintf("the machine says 0 security updates, AWS says %d", missing)
	}
	return ""
}

// Exposures are the rules that let the world in to a port, and whether something listens there.
func (e *Evidence) Exposures(proto string, port int) (rules []InboundRule, heard Fact[bool]) {
	for _, r := range e.AWS.Inbound.Or(nil) {
		if r.World() && r.Lets(proto, port) {
			rules = append(rules, r)
		}
	}
	if !e.Listeners.Known {
		return rules, Unknown[bool](e.Listeners.Why)
	}
	return rules, Known(slices.ContainsFunc(e.Listeners.Value, func(l Listener) bool {
		return l.Proto == proto && l.Port == port && l.Scope != "loopback"
	}))
}

// Clean makes what AWS says fit for evidence: texts that people chose, such as tags, are cut and made
// printable, and lists are capped.
func (a *AWS) Clean() {
	if i := a.Instance; i != nil && i.Tags.Known {
		tags := make([]Tag, 0, len(i.Tags.Value))
		for _, t := range i.Tags.Value {
			tags = append(tags, Tag{clean(t.Key), clean(t.Value)})
		}
		i.Tags = Known(tags)
	}
	if len(a.Inbound.Value) > MaxGroupRules {
		a.Inbound = Unknown[[]InboundRule](WhyTooMany)
	}
	if len(a.Volumes.Value) > MaxVolumes {
		a.Volumes = Unknown[[]AttachedVolume](WhyTooMany)
	}
}

// IMDSMode is one word for the options of the metadata service.
func IMDSMode(endpoint, tokens string) Fact[string] {
	switch {
	case endpoint == "disabled":
		return Known("off")
	case endpoint == "enabled" && (tokens == "required" || tokens == "optional"):
		return Known(tokens)
	default:
		return Unknown[string](WhyParse)
	}
}
