package ssm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
)

// running sends a command to this host and waits until its script says that it runs.
func running(t *testing.T, p *place, in client.SendCommandInput) string {
	t.Helper()
	marker := filepath.Join(t.TempDir(), "running")
	p.put(t, *in.DocumentName, script("echo out", "mkfifo "+marker, ": >"+marker, "sleep 60"))
	id := p.send(t, in)
	for {
		// Opening the fifo waits for the script, but only once the script has made it.
		f, err := os.Open(marker)
		if err == nil {
			f.Close()
			return id
		}
		if !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

func TestCancelCommand(t *testing.T) {
	t.Parallel()
	p := begin(t)
	waiting, pending := "i-00000000000000001", "i-00000000000000002"
	p.node(t, host())
	p.node(t, ssm.Node{ID: waiting})
	p.node(t, simulated(2, quiet))
	in := one("keyward-inspect", waiting, here, pending)
	in.MaxConcurrency = aws.String("2")
	id := running(t, p, in)
	if diff := cmp.Diff([]string{"InProgress/InProgress", "InProgress/InProgress", "Pending/Pending"}, p.ends(t, id)); diff != "" {
		t.Fatal(diff)
	}
	if got := p.invocation(t, id, here); got.ResponseCode != -1 || *got.ExecutionStartDateTime == "" || *got.StandardOutputContent != "" {
		t.Errorf("while it runs: code %d, begun %q, stdout %q; want -1, a time, nothing", got.ResponseCode, *got.ExecutionStartDateTime, *got.StandardOutputContent)
	}
	ctx := context.Background()
	for name, c := range map[string]struct {
		in   client.CancelCommandInput
		want string
	}{
		"unknown command": {client.CancelCommandInput{CommandId: aws.String("11111111-2222-4333-8444-555555555555")}, "InvalidCommandId"},
		"other node":      {client.CancelCommandInput{CommandId: &id, InstanceIds: []string{"i-0000000000000000f"}}, "InvalidInstanceId"},
	} {
		if _, err := p.client.CancelCommand(ctx, &c.in); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := p.client.CancelCommand(ctx, &client.CancelCommandInput{CommandId: &id}); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	all := []string{"Cancelled/Cancelled", "Cancelled/Cancelled", "Cancelled/Cancelled"}
	if diff := cmp.Diff(all, p.ends(t, id)); diff != "" || p.status(t, id) != "Cancelled/Cancelled" {
		t.Errorf("command is %s, invocations (-want +got):\n%s", p.status(t, id), diff)
	}
	if got := p.invocation(t, id, here); got.ResponseCode != 137 || *got.StandardOutputContent != "out\n" {
		t.Errorf("code %d, stdout %q, want 137 and what was printed", got.ResponseCode, *got.StandardOutputContent)
	}
	if s := p.statuses(t, ofCommand); s[len(s)-1] != "Canceled" {
		t.Errorf("events of the command: %q, want Canceled at last", s)
	}
	if _, err := p.client.CancelCommand(ctx, &client.CancelCommandInput{CommandId: &id}); err != nil {
		t.Errorf("cancelling what has ended: %v", err)
	}
}

func TestCancelWhenOneHasEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes []string
		want  string
	}{"one invocation": {[]string{here}, "Success/Success"}, "the command": {nil, "Cancelled/Cancelled"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			p.node(t, ssm.Node{ID: here})
			p.node(t, simulated(1, quiet))
			p.put(t, "keyward-inspect", script("true"))
			id := p.send(t, one("keyward-inspect", here, "i-00000000000000001"))
			p.settle(t)
			if _, err := p.client.CancelCommand(context.Background(), &client.CancelCommandInput{CommandId: &id, InstanceIds: c.nodes}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"Cancelled/Cancelled", "Success/Success"}, p.ends(t, id)); diff != "" || p.status(t, id) != c.want {
				t.Errorf("command is %s, want %s, invocations (-want +got):\n%s", p.status(t, id), c.want, diff)
			}
		})
	}
}

func TestADocumentThatRunsHoldsTheTime(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	id := running(t, p, one("keyward-inspect", here))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := p.clock.Forward(ctx, time.Hour)
	if err == nil || !strings.Contains(err.Error(), "document keyward-inspect on "+here) {
		t.Errorf("Forward = %v, want it to wait for the document", err)
	}
	if p.Close(); p.status(t, id) != "Cancelled/Cancelled" {
		t.Errorf("after Close the command is %s", p.status(t, id))
	}
	if pending := p.clock.Pending(); len(pending) > 0 {
		t.Errorf("timers left: %v", pending)
	}
}
