package content

import (
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// reference is what a preview has in place of an execution's name.
const reference = "preview-0"

// Preview is what a notice would say of a machine now. What only the moment of sending knows, such as who decided and why, is
// an example; all else is what the records say.
func Preview(kind notice.Kind, m record.Machine, p *policy.Policy, now time.Time) notice.Notice {
	in := enforcement.Input{
		Machine: m.ID, Generation: m.State.Generation, Policy: p.Name, Why: "a reason, such as ticket 4711",
		By: "arn:aws:iam::123456789012:user/alice", Request: "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10", DueAt: now.Add(24 * time.Hour).Truncate(time.Second),
	}
	switch kind {
	case notice.Waived:
		in.Request, in.What = "w-0123456789ab", `rule "a rule": what was seen`
	case notice.PolicyChanged:
		in.What = "put as version 4, after version 3"
	case notice.DueSoon:
		in.DueAt = due(m.State, p, now)
	case notice.Escalated:
		in.Step = min(m.Climbed(), len(p.Notify.Escalate)-1) + 1 // the next, or of a violation that all hear of already the last
	}
	if kind.OfStack() {
		return notice.Notice{
			Kind: kind, Policy: p.Name, Version: p.Version, TimeZone: p.Notify.TimeZone, Reference: reference, Why: in.Why, By: by(kind, in), What: in.What, DoneAt: now,
		}
	}
	n := Of(kind, m, p, enforcement.Task{Execution: reference, Input: enforcement.State{Input: in}})
	n.DoneAt = now
	if kind == notice.Escalated && n.After == 0 { // its policy has no steps
		n.After = 2 * time.Hour
	}
	if kind == notice.Warning {
		n.DueAt = due(m.State, p, now)
	}
	return n
}

// by is who did what a notice about the stack tells; most are nobody's doing.
func by(kind notice.Kind, in enforcement.Input) string {
	if kind == notice.PolicyChanged {
		return in.By
	}
	return ""
}

// due is the deadline that runs, or the one that a warning now would set.
func due(s integrity.State, p *policy.Policy, now time.Time) time.Time {
	if !s.DueAt.IsZero() {
		return s.DueAt
	}
	if warned := integrity.Warned(s, now, p.Integrity).DueAt; !warned.IsZero() {
		return warned
	}
	return now.Add(p.Integrity.Grace).Truncate(time.Second) // of a machine that would have to fail first
}

// PolicyOf is the policy of a name as a stack has it: the built-in one, or what read gives.
func PolicyOf(name string, read func(name string) (record.Policy, error)) (*policy.Policy, error) {
	if name == policy.DefaultName {
		return policy.Default(), nil
	}
	stored, err := read(name)
	if err != nil {
		return nil, err
	}
	return stored.Compile()
}

// Example is a machine that fails a policy, for previews without one.
func Example(now time.Time) (record.Machine, *policy.Policy) {
	p := policy.Default()
	p.Name, p.Version = "example", 3
	p.Integrity.OnFail, p.Integrity.Grace = policy.ActRevoke, 4*time.Hour
	m := record.Machine{
		ID: "i-1234567890abcdef0", Name: "web-1", Owner: "owner@example.com", Zone: "eu-central-1a", Policy: p.Name,
		Key:   record.Key{ARN: "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", Mode: policy.RevokeGrant},
		State: integrity.State{Standing: integrity.Bad, Since: now.Add(-time.Minute), Why: "no plain web: tcp/80 on 0.0.0.0", Key: integrity.KeyReleased, Generation: 2},
		Findings: []policy.Finding{{
			Rule: "no plain web", Verdict: policy.Fail, Expected: "tcp/80 closed", Actual: "tcp/80 on 0.0.0.0, /usr/sbin/nginx (pid 812)",
			Offender: "/usr/sbin/nginx (pid 812)", Fix: "Stop it: systemctl disable --now nginx",
		}},
	}
	return m, p
}
