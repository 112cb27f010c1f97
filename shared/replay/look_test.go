package replay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

func candidate(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte("policy: web\nrules:\n  - rule: kernel\n    os: {kernel: \">= 6\"}\n  - rule: scanner\n    product: {is: deep-security, definitions: {age: \"<= 72h\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// kept is an inspection whose definitions were three days old when it was judged.
func kept(kernel string) record.Evidence {
	e := &evidence.Evidence{
		Collect: evidence.Collect{Sent: start, GuestStart: start, GuestEnd: start, Received: start.Add(time.Minute)},
		OS:      evidence.OS{Kernel: evidence.Known(kernel)},
		Products: []evidence.Product{{
			ID: evidence.DeepSecurity, Present: evidence.Known(true),
			Definition: evidence.Definition{Date: evidence.Known(start.Add(-71*time.Hour - 30*time.Minute))},
		}},
	}
	return record.Evidence{Machine: "i-1", Command: "c", Sent: start, JudgedAt: start.Add(10 * time.Second), Presence: integrity.Running, Evidence: e}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	silent := record.Evidence{Sent: start, JudgedAt: start.Add(time.Minute), Presence: integrity.Stopped, Why: "agent_offline"}
	tests := []struct {
		name string
		kept record.Evidence
		edit func(*record.Evidence)
		want replay.Look
	}{
		{"in order", kept("6.1.0"), nil, replay.Look{Sent: start, Judged: start.Add(10 * time.Second), Verdict: policy.Pass, Presence: integrity.Running}},
		{"not in order", kept("5.1.0"), nil, replay.Look{Sent: start, Judged: start.Add(10 * time.Second), Verdict: policy.Fail, Presence: integrity.Running, Why: "kernel: kernel 5.1.0"}},
		{"ages are counted up to the time it was judged", kept("6.1.0"), func(e *record.Evidence) { e.JudgedAt = start.Add(time.Hour) },
			replay.Look{Sent: start, Judged: start.Add(time.Hour), Verdict: policy.Fail, Presence: integrity.Running, Why: "scanner: definitions 72h29m old"}},
		{"kept before presence and time of judging were", kept("6.1.0"), func(e *record.Evidence) { e.JudgedAt, e.Presence = time.Time{}, "" },
			replay.Look{Sent: start, Judged: start.Add(time.Minute), Verdict: policy.Pass, Presence: integrity.Running}},
		{"no evidence", silent, nil, replay.Look{Sent: start, Judged: start.Add(time.Minute), Presence: integrity.Stopped, Why: "agent_offline"}},
		{"no evidence, and nothing known of the machine", silent, func(e *record.Evidence) { e.JudgedAt, e.Presence = time.Time{}, "" },
			replay.Look{Sent: start, Judged: start, Why: "agent_offline"}},
		{"a stopped machine that answered", kept("6.1.0"), func(e *record.Evidence) { e.Presence = integrity.Stopped },
			replay.Look{Sent: start, Judged: start.Add(10 * time.Second), Verdict: policy.Pass, Presence: integrity.Stopped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.edit != nil {
				tt.edit(&tt.kept)
			}
			got := replay.Judge(candidate(t), tt.kept, record.Machine{ID: "i-1", Policy: "web"}, nil)
			if got.Seen != (tt.kept.Evidence != nil) || (len(got.Findings) > 0) != (got.Verdict == policy.Fail) {
				t.Errorf("seen %t, findings %v", got.Seen, got.Findings)
			}
			got.Seen, got.Findings = false, nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
