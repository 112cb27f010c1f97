package scenario_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/ssm"
)

// tells makes the guest answer more, when a policy asks for it.
func (g *guest) tells(records map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.records = records
}

// amazon sets what AWS says about the machine.
func (w *world) amazon(missing int32, open ...string) {
	w.t.Helper()
	group := ec2.Group{ID: "sg-0123456789abcdef0", Inbound: []ec2.Inbound{{Protocol: "tcp", From: 22, To: 22, IPv4: append(open, "10.0.0.0/8")}}}
	err := w.PutMachine(local.Machine{ID: machineID, Tags: guarded, Volumes: volumes, Groups: []ec2.Group{group},
		Patches: &ssm.Patches{Ended: started(), Missing: missing, Security: missing}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// judgedBy puts a policy with other rules in the place of the machine's.
func (w *world) judgedBy(rules string) {
	w.t.Helper()
	text := w.setup.policy()
	before, rest, _ := strings.Cut(text, "rules:\n")
	_, after, _ := strings.Cut(rest, "requests:")
	w.operator.must("PUT", "/v1/policies/web?confirm=true", before+"rules:\n"+rules+"requests:"+after, nil)
}

// a-fact-is-asked-for: a rule about sshd has sshd looked at, on the machines of its policy alone; root may log
// in, the warning says so, and once it is put right the machine stands down.
func TestARuleAboutTheSystem(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	if strings.Contains(last(w.guest.asked()), "sshd") {
		t.Errorf("asked for %s, want no sshd while no rule needs it", last(w.guest.asked()))
	}
	w.judgedBy("  - {rule: root stays out, sshd: {permitRootLogin: no}}\n")
	w.guest.tells(map[string]string{"sshd": "present\npermitrootlogin yes"})
	w.check()
	w.wantStanding("Bad")
	w.wantMails("warning")
	w.wantText("warning", "permitRootLogin yes")
	if !strings.Contains(last(w.guest.asked()), "sshd") {
		t.Errorf("asked for %s, want sshd", last(w.guest.asked()))
	}
	w.guest.tells(map[string]string{"sshd": "present\npermitrootlogin no"})
	w.check()
	w.wantStanding("Good")
	w.wantKept()
}

// what-aws-says: a port that a security group opens to the world, and patches that Patch Manager misses, cost the
// key though the machine says nothing of either.
func TestRulesAboutWhatAWSSays(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.amazon(0)
	w.judgedBy("  - {rule: no open ssh, exposed: {closed: [tcp/22]}}\n  - {rule: patched, patches: {security: 0, scanned: \"<= 24h\"}}\n")
	w.check()
	w.wantStanding("Good")

	w.amazon(2, "0.0.0.0/0")
	v := w.check()
	w.wantStanding("Bad")
	w.wantText("warning", "sg-0123456789abcdef0 lets 0.0.0.0/0 in to tcp/22")
	w.wantText("warning", "security patches missing 2")
	due := v.Machine.State.DueAt

	w.amazon(2)
	w.check()
	w.wantStanding("Bad") // one of the two is still wrong, and the deadline stays
	w.until(due.Add(20 * time.Minute))
	w.wantRevoked(due)
}

// what-aws-says-of-disks-and-agents: a volume that EBS does not encrypt costs the key, and the agent is asked after.
func TestRulesAboutDisksAndAgents(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.judgedBy("  - {rule: disks, volumes: {encrypted: true}}\n  - {rule: agent, agent: {ping: \"<= 1h\"}}\n")
	w.check()
	w.wantStanding("Bad")
	w.wantText("warning", volumes[1].ID)

	sealed := slices.Clone(volumes)
	for i := range sealed {
		sealed[i].Encrypted = true
	}
	if err := w.PutMachine(local.Machine{ID: machineID, Tags: guarded, Volumes: sealed}); err != nil {
		t.Fatal(err)
	}
	w.check()
	w.wantStanding("Good")
	w.wantKept()
}

// started-with-something-else: what an instance is started with is remembered from the first look on. Other user data is
// a finding that says which, and never what stands in it; whoever enrols the machine again takes it as it is.
func TestUserDataThatChanged(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	startedWith := func(text string) {
		t.Helper()
		if err := w.PutMachine(local.Machine{ID: machineID, Tags: guarded, Volumes: volumes, UserData: text}); err != nil {
			t.Fatal(err)
		}
	}
	startedWith("#!/bin/sh\nexport TOKEN=first\n")
	w.judgedBy("  - {rule: started as it was, instance: {userData: unchanged}}\n")
	w.check()
	w.wantStanding("Good")

	startedWith("#!/bin/sh\nexport TOKEN=hunter2\n")
	v := w.check()
	w.wantStanding("Bad")
	w.wantText("warning", "at first ")
	if text, err := json.Marshal(v); err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "TOKEN") {
		t.Errorf("what the machine is started with is in %s, %v", text, err)
	}
	w.enrol(machineID)
	w.check()
	w.wantStanding("Good")
	w.wantKept()
}

func last(all []string) string { return all[len(all)-1] }
