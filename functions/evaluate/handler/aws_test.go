package handler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var everyGroup = []string{evidence.AWSInstance, evidence.AWSGroups, evidence.AWSVolumes, evidence.AWSPatches, evidence.AWSAgent, evidence.AWSUserData}

// seen is a world in which AWS knows everything about the machine, and the command asks for words.
func seen(words ...string) *fake.World {
	w := asked(record.Scheduled, fake.Answer(fake.Nonce, fake.NewKernel))
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.EnrolledAt = fake.Start.Add(-time.Hour) }))
	c := w.Store.Sends[fake.Command]
	c.AWS = words
	w.Store.Sends[fake.Command] = c
	w.Instances.Facts = evidence.UnknownInstance("x")
	w.Instances.Facts.IMDS, w.Instances.Facts.Groups = evidence.Known("optional"), evidence.Known([]string{"sg-1", "sg-2"})
	w.Instances.Rules = map[string][]evidence.InboundRule{"sg-1": {{Group: "sg-1", Proto: "tcp", From: 22, To: 22, Peer: "0.0.0.0/0"}}, "sg-2": {}}
	w.Instances.Attached = map[string][]evidence.AttachedVolume{fake.ID: {{ID: "vol-1"}}}
	patches, agent := evidence.UnknownPatches("x"), evidence.UnknownAgent("x")
	patches.Missing, agent.Version = evidence.Known(3), evidence.Known("3.3.0")
	w.SSM.PatchStates, w.SSM.AgentStates = map[string]evidence.PatchState{fake.ID: patches}, map[string]evidence.Agent{fake.ID: agent}
	w.Instances.Started = map[string]evidence.UserData{fake.ID: startedWith("aaa")}
	w.Forget()
	return w
}

func startedWith(digest string) evidence.UserData {
	u := evidence.UnknownUserData("x")
	u.SHA256, u.Bytes = evidence.Known(digest), evidence.Known(12)
	return u
}

func kept(t *testing.T, w *fake.World) *evidence.AWS {
	t.Helper()
	judge(t, w, fake.Start)
	return w.Store.Kept[0].Evidence.AWS
}

func TestAWSIsAskedForWhatRulesNeed(t *testing.T) {
	t.Parallel()
	w := seen(everyGroup...)
	a := kept(t, w)
	if a == nil {
		t.Fatal("the evidence has nothing of AWS")
	}
	got := []string{a.Instance.IMDS.String(), a.Instance.FirstSeen.String(), fmt.Sprint(a.Inbound), fmt.Sprint(a.Volumes), a.Patches.Missing.String(), a.Agent.Version.String(), a.UserData.SHA256.String(), a.UserData.First.String()}
	want := []string{"optional", fmt.Sprint(fake.Start.Add(-time.Hour)), "[{sg-1 tcp 22 22 0.0.0.0/0}]", "[{vol-1  false }]", "3", "3.3.0", "aaa", "aaa"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AWS (-want +got):\n%s", diff)
	}
	for _, call := range []string{"ec2.Inbound", "ec2.Volumes", "ssm.Patches", "ssm.Agents", "ec2.UserData"} {
		w.Times(t, call, 1)
	}

	w = seen()
	if a := kept(t, w); a != nil {
		t.Errorf("AWS = %+v, want nothing: no rule asks", a)
	}
	w.Never(t, "ec2.Inbound", "ec2.Volumes", "ssm.Patches", "ssm.Agents", "ec2.UserData")

	w = seen(evidence.AWSPatches)
	a = kept(t, w)
	if a.Instance != nil || a.Agent != nil || a.UserData != nil || a.Inbound.Why != evidence.WhyNotCollected || a.Volumes.Why != evidence.WhyNotCollected || a.Patches.Missing != evidence.Known(3) {
		t.Errorf("AWS = %+v, want patches alone", a)
	}
}

// What AWS does not say is unknown with its reason, and the machine is judged all the same.
func TestAWSDoesNotSay(t *testing.T) {
	t.Parallel()
	w := seen(everyGroup...)
	for call, kind := range map[string]fault.Kind{"ec2.Inbound": fault.Denied, "ec2.Volumes": fault.Transient, "ssm.Patches": fault.Denied, "ssm.Agents": fault.Transient, "ec2.UserData": fault.Denied} {
		w.Fail(call, fault.New(kind, "%s", call))
	}
	a := kept(t, w)
	got := []string{a.Inbound.Why, a.Volumes.Why, a.Patches.Missing.Why, a.Agent.Version.Why, a.UserData.SHA256.Why}
	if diff := cmp.Diff([]string{"aws_denied", "aws_transient", "aws_denied", "aws_transient", "aws_denied"}, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if kept := w.Store.Kept[0]; kept.Result.Verdict != policy.Pass {
		t.Errorf("verdict = %v, want the machine judged", kept.Result.Verdict)
	}
	if n := strings.Count(w.Logged(), "AWS does not say what rules ask"); n != 5 {
		t.Errorf("%d lines in the log, want 5", n)
	}

	w = seen(everyGroup...)
	w.Instances.Rules = map[string][]evidence.InboundRule{"sg-1": {}}
	w.SSM.PatchStates, w.SSM.AgentStates, w.Instances.Started = nil, nil, nil
	a = kept(t, w)
	if a.Inbound.Why != "group_gone" || a.Patches.Scanned.Why != "never_scanned" || a.Agent.Ping.Why != evidence.WhyAbsent || a.UserData.SHA256.Why != "gone" {
		t.Errorf("AWS = %+v, want what is not there to be unknown", a)
	}

	w = seen(everyGroup...)
	w.Instances.Facts.Groups = evidence.Unknown[[]string]("gone")
	if a = kept(t, w); a.Inbound.Why != "gone" {
		t.Errorf("Inbound = %v, want gone", a.Inbound)
	}
}

// A machine that gave no evidence is none to ask AWS about.
func TestAWSIsNotAskedAboutTheSilent(t *testing.T) {
	t.Parallel()
	w := seen(everyGroup...)
	w.SSM.Say(fake.ID, "nothing")
	judge(t, w, fake.Start)
	w.Never(t, "ec2.Inbound", "ec2.Volumes", "ssm.Patches", "ssm.Agents", "ec2.UserData")
}

// What the instance was started with when that was first asked for is kept, and what it is started with later is compared.
// What AWS does not say changes nothing.
func TestUserDataIsRemembered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before string
		says   map[string]evidence.UserData
		first  evidence.Fact[string]
		kept   string
	}{
		"first seen":       {"", map[string]evidence.UserData{fake.ID: startedWith("aaa")}, evidence.Known("aaa"), "aaa"},
		"the same":         {"aaa", map[string]evidence.UserData{fake.ID: startedWith("aaa")}, evidence.Known("aaa"), "aaa"},
		"changed":          {"bbb", map[string]evidence.UserData{fake.ID: startedWith("aaa")}, evidence.Known("bbb"), "bbb"},
		"gone, known once": {"bbb", nil, evidence.Unknown[string]("gone"), "bbb"},
		"gone":             {"", nil, evidence.Unknown[string]("gone"), ""},
	} {
		w := seen(evidence.AWSUserData)
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.UserData = c.before }))
		w.Instances.Started = c.says
		if a := kept(t, w); a.UserData.First != c.first || w.Store.ByID[fake.ID].UserData != c.kept {
			t.Errorf("%s: first %v, kept %q, want %v and %q", name, a.UserData.First, w.Store.ByID[fake.ID].UserData, c.first, c.kept)
		}
	}
}
