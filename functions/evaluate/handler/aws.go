package handler

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// patcher asks what Systems Manager knows of machines without asking them.
type patcher interface {
	Patches(ctx context.Context, machines []string) (map[string]evidence.PatchState, error)
	Agents(ctx context.Context, machines []string) (map[string]evidence.Agent, error)
	Patchings(ctx context.Context, since time.Time) ([]string, error)
	Asked(ctx context.Context, command, machine string) (time.Time, error)
}

// aws puts what AWS says into the evidence of a command's machines, as far as their policies ask for it. What
// cannot be had is unknown with its reason, and keeps no machine from being judged.
func (h *Handler) aws(ctx context.Context, c record.Command, there map[string]ec2info.Instance, all []look) {
	if len(c.AWS) == 0 {
		return
	}
	var ids, groups []string
	for _, l := range all {
		if l.evidence != nil {
			ids = append(ids, l.machine)
			groups = append(groups, there[l.machine].Facts.Groups.Value...)
		}
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(groups)
	s := said{
		words: c.AWS, there: there,
		inbound: askAWS(ctx, h, c, evidence.AWSGroups, func() (map[string][]evidence.InboundRule, error) {
			return h.Instances.Inbound(ctx, slices.Compact(groups))
		}),
		volumes: askAWS(ctx, h, c, evidence.AWSVolumes, func() (map[string][]evidence.AttachedVolume, error) { return h.Instances.Volumes(ctx, ids) }),
		patches: askAWS(ctx, h, c, evidence.AWSPatches, func() (map[string]evidence.PatchState, error) { return h.Answers.Patches(ctx, ids) }),
		agents:  askAWS(ctx, h, c, evidence.AWSAgent, func() (map[string]evidence.Agent, error) { return h.Answers.Agents(ctx, ids) }),
		started: askAWS(ctx, h, c, evidence.AWSUserData, func() (map[string]evidence.UserData, error) { return h.Instances.UserData(ctx, ids) }),
	}
	for i := range all {
		if all[i].evidence != nil {
			a := s.of(all[i].machine)
			a.Clean()
			all[i].aws = &a
		}
	}
}

// of takes what AWS said into the evidence of a machine, with what is kept of it: since when it is known, and what it was
// first started with.
func (l look) of(m record.Machine) {
	if l.evidence == nil || l.aws == nil {
		return
	}
	a := *l.aws
	if a.Instance != nil {
		i := *a.Instance
		i.FirstSeen = evidence.Known(m.EnrolledAt)
		a.Instance = &i
	}
	if a.UserData != nil {
		u := *a.UserData
		if u.First = u.SHA256; u.SHA256.Known && m.UserData != "" {
			u.First = evidence.Known(m.UserData)
		}
		a.UserData = &u
	}
	l.evidence.WithAWS(a)
}

// firstUserData is what the machine was first started with, as far as that is known now.
func (l look) firstUserData(m record.Machine) string {
	if m.UserData == "" && l.aws != nil && l.aws.UserData != nil {
		return l.aws.UserData.SHA256.Or("")
	}
	return m.UserData
}

// reply is what one call gave, or why it gave nothing.
type reply[T any] struct {
	found map[string]T
	why   string
}

// askAWS makes one call when it is wanted.
func askAWS[T any](ctx context.Context, h *Handler, c record.Command, word string, ask func() (map[string]T, error)) reply[T] {
	if !slices.Contains(c.AWS, word) {
		return reply[T]{why: evidence.WhyNotCollected}
	}
	found, err := ask()
	if err != nil {
		h.Log.WarnContext(ctx, "AWS does not say what rules ask", boot.KeyCommand, c.ID, boot.KeyKind, word, boot.KeyError, err.Error())
		return reply[T]{why: "aws_" + strings.ToLower(fault.Of(fault.KindOf(err)).Name)}
	}
	return reply[T]{found: found}
}

// said is everything that AWS said about a command's machines.
type said struct {
	words   []string
	there   map[string]ec2info.Instance
	inbound reply[[]evidence.InboundRule]
	volumes reply[[]evidence.AttachedVolume]
	patches reply[evidence.PatchState]
	agents  reply[evidence.Agent]
	started reply[evidence.UserData]
}

// of is what it said about one machine.
func (s said) of(machine string) evidence.AWS {
	hybrid := strings.HasPrefix(machine, "mi-")
	a := evidence.AWS{Inbound: s.rules(machine), Volumes: evidence.Unknown[[]evidence.AttachedVolume](s.volumes.why)}
	if slices.Contains(s.words, evidence.AWSInstance) {
		i := s.there[machine].Facts
		a.Instance = &i
	}
	switch {
	case s.volumes.why != "":
	case hybrid:
		a.Volumes = evidence.Unknown[[]evidence.AttachedVolume](evidence.WhyNotEC2)
	default:
		a.Volumes = evidence.Known(append([]evidence.AttachedVolume{}, s.volumes.found[machine]...))
	}
	if slices.Contains(s.words, evidence.AWSPatches) {
		p, is := s.patches.found[machine]
		if !is {
			p = evidence.UnknownPatches(orElse(s.patches.why, "never_scanned"))
		}
		a.Patches = &p
	}
	if slices.Contains(s.words, evidence.AWSAgent) {
		g, is := s.agents.found[machine]
		if !is {
			g = evidence.UnknownAgent(orElse(s.agents.why, evidence.WhyAbsent))
		}
		a.Agent = &g
	}
	if slices.Contains(s.words, evidence.AWSUserData) {
		u, is := s.started.found[machine]
		switch {
		case s.started.why != "":
			u = evidence.UnknownUserData(s.started.why)
		case hybrid:
			u = evidence.UnknownUserData(evidence.WhyNotEC2)
		case !is:
			u = evidence.UnknownUserData("gone")
		}
		a.UserData = &u
	}
	return a
}

// rules are those of all security groups of a machine; one group that is not known leaves open what it lets in.
func (s said) rules(machine string) evidence.Fact[[]evidence.InboundRule] {
	groups := s.there[machine].Facts.Groups
	switch {
	case s.inbound.why != "":
		return evidence.Unknown[[]evidence.InboundRule](s.inbound.why)
	case !groups.Known:
		return evidence.Unknown[[]evidence.InboundRule](groups.Why)
	}
	all := []evidence.InboundRule{}
	for _, id := range groups.Value {
		rules, is := s.inbound.found[id]
		if !is {
			return evidence.Unknown[[]evidence.InboundRule]("group_gone")
		}
		all = append(all, rules...)
	}
	return evidence.Known(all)
}

func orElse(why, instead string) string {
	if why == "" {
		return instead
	}
	return why
}
