package fake

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// policyText is the policy of all machines: the kernel decides.
const policyText = `policy: web-tier
machines: {ids: [i-1234567890abcdef0]}
schedule: {daily: "04:30", timeZone: Europe/Berlin}
rules:
  - rule: kernel is supported
    os: {kernel: ">= 5.10"}
    fix: Start the machine with a kernel of 5.10 or later
requests: {onPass: approve, onFail: deny, onUnknown: hold}
integrity:
  onFail: revoke
  grace: 4h
  confirm: 1
  settle: 0s
  retry: {every: 30m, upTo: 3}
  restore: automatic
  key: {mode: revoke-grant}
notify: {to: [ops@example.com], timeZone: Europe/Berlin}
`

// Policy is the text of the policy web-tier, with pairs of text to replace in it.
func Policy(replace ...string) string { return strings.NewReplacer(replace...).Replace(policyText) }

// PutPolicyText stores a policy's text as it is, even one that does not compile.
func (s *Store) PutPolicyText(text string) {
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "policy: "), "\n")
	p := record.Policy{Name: name, Version: s.ByName[name].Version + 1, Text: text, PutAt: Start, PutBy: "arn:aws:iam::123456789012:user/alice"}
	if compiled, err := policy.Parse([]byte(text)); err == nil {
		p.Digest = compiled.Digest
	}
	s.ByName[name] = p
}

// Machine is a machine that complies and holds its key, with edits.
func Machine(edits ...func(*record.Machine)) record.Machine {
	m := record.Machine{
		ID: ID, Name: "web-1", Owner: Owner, SessionARN: Session, Zone: "us-east-1a", Policy: "web-tier",
		Key: record.Key{ARN: KeyARN, Mode: policy.RevokeGrant}, EnrolledAt: Start.Add(-24 * time.Hour),
		EnrolledBy: "arn:aws:iam::123456789012:user/erin", Grant: "grant-0",
		State: integrity.State{
			Standing: integrity.Good, Since: Start.Add(-24 * time.Hour), Key: integrity.KeyReleased, KeySince: Start.Add(-24 * time.Hour),
			Generation: 1, LastEvidence: Start.Add(-6 * time.Hour), LastNews: Start.Add(-6 * time.Hour), LastVerdict: "Pass",
		},
	}
	for _, e := range edits {
		e(&m)
	}
	return m
}

// Bad makes a machine that failed six hours ago, was warned and is due now.
func Bad(m *record.Machine) {
	m.State.Standing, m.State.Since, m.State.Why = integrity.Bad, Start.Add(-6*time.Hour), "kernel is supported: 4.19.0"
	m.State.Generation, m.State.LastVerdict = 2, "Fail"
	m.State.WarnedAt, m.State.DueAt = Start.Add(-5*time.Hour), Start.Add(-time.Hour)
	m.Findings = []policy.Finding{{Rule: "kernel is supported", Verdict: policy.Fail, Expected: "kernel >= 5.10", Actual: "4.19.0", Values: []string{OldKernelValue}}}
}

// Revoking is Bad with a written intent.
func Revoking(m *record.Machine) {
	Bad(m)
	m.State.Key, m.State.KeySince = integrity.KeyRevoking, Start
	m.Taken = &record.Taken{
		Generation: 2, Mode: m.Key.Mode, KeyARN: KeyARN, Grants: []string{"grant-0"}, Grantee: Session, IntentAt: Start,
	}
	if m.Key.Mode == policy.DisableKey {
		m.Taken.Grants = nil
	}
}

// Revoked is a machine whose key was taken.
func Revoked(m *record.Machine) {
	Revoking(m)
	m.State.Key, m.Grant = integrity.KeyRevoked, ""
	m.Taken.OrderedAt, m.Taken.FirstRead, m.Taken.ConfirmedAt = Start, Start, Start.Add(10*time.Second)
}

// Corrected is Revoked and put right since: it is to have its key back.
func Corrected(m *record.Machine) {
	Revoked(m)
	m.State.CorrectedAt, m.State.LastVerdict, m.State.Generation = Start, "Pass", 3
}

// Disable is the mode in which the key itself is disabled.
func Disable(m *record.Machine) { m.Key.Mode, m.Grant = policy.DisableKey, "" }

// Answer is the line that a machine with this kernel prints for a nonce.
func Answer(nonce, kernel string) string {
	text, _ := json.Marshal(map[string]any{
		"v": 1, "nonce": nonce, "probe": "linux-sh/1.0.0", "want": ",os,", "at": fmt.Sprintf("%d +0000", Start.Unix()),
		"uid": 0, "end": Start.Unix() + 1,
		"r": []map[string]string{{"n": "sys", "t": "uname " + kernel + " x86_64"}, {"n": "os", "t": "ID=debian"}},
	})
	return Line(text)
}

// Line is the wire line around a document.
func Line(text []byte) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	payload := base64.StdEncoding.EncodeToString(b.Bytes())
	return fmt.Sprintf("KWE1 %d OK %s\n", len(payload), payload)
}

// Kernels: one that the policy wants, and one that it does not.
const (
	NewKernel = "6.1.0-18-amd64"
	OldKernel = "4.19.0-27-amd64"
)

// Sent is a command to these machines that was sent at a time.
func Sent(purpose record.Purpose, at time.Time, machines ...string) record.Command {
	return record.Command{
		ID: Command, Nonce: Nonce, Purpose: purpose, Machines: machines, Document: "inspect:1", SentAt: at,
		TotalBy: at.Add(3 * time.Minute), Open: true,
	}
}

// SSM is Run Command: who is online, and what was answered.
type SSM struct {
	*Calls
	Offline map[string]bool
	Content string // of the registered document
	Batches [][]string
	Sends   []map[string]string // parameters
	Answers []inspection.Invocation
	Whole   map[string]string // output by machine

	Patching    map[string]time.Time           // when the only command that patches reached a machine; none when empty
	PatchStates map[string]evidence.PatchState // by machine
	AgentStates map[string]evidence.Agent

	// Guest is a machine that answers the command with these parameters; false says not yet.
	Guest func(parameters map[string]string) (inspection.Invocation, bool)
}

func newSSM(c *Calls) *SSM {
	return &SSM{Calls: c, Offline: map[string]bool{}, Content: documents.InspectDocument(), Whole: map[string]string{}}
}

// Say is a machine's successful answer.
func (s *SSM) Say(machine, output string) {
	s.Whole[machine] = output
	s.Answers = append(s.Answers, inspection.Invocation{
		Machine: machine, Status: "Success", Ended: true, Success: true, Output: output[:min(len(output), 2500)],
	})
}

// Document is ssmrun's.
func (s *SSM) Document(_ context.Context, name string) (inspection.Document, error) {
	content := s.Content
	if name == LockDocument && s.Content == documents.InspectDocument() {
		content = documents.LockDocument()
	}
	return unless(s.call("ssm.Document", name), inspection.Document{Name: name, Version: "1", Hash: "hash", Content: content})
}

// Online is ssmrun's.
func (s *SSM) Online(_ context.Context, machines []string) (map[string]bool, error) {
	online := map[string]bool{}
	for _, id := range machines {
		online[id] = !s.Offline[id]
	}
	return unless(s.call("ssm.Online"), online)
}

// Send is ssmrun's.
func (s *SSM) Send(_ context.Context, d inspection.Document, machines []string, parameters map[string]string, _ string) (string, error) {
	if err := s.call("ssm.Send", fmt.Sprint(len(machines)), d.Version); err != nil {
		return "", err
	}
	s.Batches, s.Sends = append(s.Batches, slices.Clone(machines)), append(s.Sends, parameters)
	return fmt.Sprintf("command-%d", len(s.Batches)), nil
}

// Invocations is ssmrun's.
func (s *SSM) Invocations(_ context.Context, command string) ([]inspection.Invocation, error) {
	var n int
	if _, err := fmt.Sscanf(command, "command-%d", &n); s.Guest != nil && err == nil {
		i, ended := s.Guest(s.Sends[n-1])
		i.Machine, i.Ended = s.Batches[n-1][0], ended
		return unless(s.call("ssm.Invocations"), []inspection.Invocation{i})
	}
	return unless(s.call("ssm.Invocations"), slices.Clone(s.Answers))
}

// Patches is ssmrun's.
func (s *SSM) Patches(_ context.Context, machines []string) (map[string]evidence.PatchState, error) {
	return unless(s.call("ssm.Patches", machines...), s.PatchStates)
}

// Patchings is ssmrun's.
func (s *SSM) Patchings(_ context.Context, since time.Time) ([]string, error) {
	if len(s.Patching) == 0 {
		return unless(s.call("ssm.Patchings", since.Format(time.RFC3339)), []string(nil))
	}
	return unless(s.call("ssm.Patchings", since.Format(time.RFC3339)), []string{"patching"})
}

// Asked is ssmrun's.
func (s *SSM) Asked(_ context.Context, command, machine string) (time.Time, error) {
	return unless(s.call("ssm.Asked", command, machine), s.Patching[machine])
}

// Agents is ssmrun's.
func (s *SSM) Agents(_ context.Context, machines []string) (map[string]evidence.Agent, error) {
	return unless(s.call("ssm.Agents", machines...), s.AgentStates)
}

// Output is ssmrun's.
func (s *SSM) Output(_ context.Context, _, machine, _ string) (string, error) {
	return unless(s.call("ssm.Output", machine), s.Whole[machine])
}
