package ssm_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"
)

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, simulated(1, func(string, map[string][]string) string { return "canned" }))
	p.put(t, "keyward-inspect", script("echo 1"))
	p.put(t, "keyward-inspect", script("echo out"))
	done := p.send(t, one("keyward-inspect", here))
	p.settle(t)
	p.silence(here, true)
	in := one("keyward-inspect", here, "i-00000000000000001")
	in.MaxConcurrency = aws.String("1")
	waiting := p.send(t, in)
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}

	q := begin(t)
	q.node(t, simulated(1, func(string, map[string][]string) string { return "canned" }))
	if err := q.Load(saved); err != nil {
		t.Fatal(err)
	}
	if got := q.invocation(t, done, here); got.Status != "Success" || *got.StandardOutputContent != "out\n" {
		t.Errorf("finished command after Load is %s with %q", got.Status, *got.StandardOutputContent)
	}
	want := []string{"InProgress/InProgress", "Pending/Pending"}
	if diff := cmp.Diff(want, q.ends(t, waiting)); diff != "" {
		t.Errorf("after Load (-want +got):\n%s", diff)
	}
	// What a file alone names does not run.
	send := one("keyward-inspect", here)
	if _, err := q.client.SendCommand(context.Background(), &send); code(err) != "InvalidDocument" {
		t.Errorf("SendCommand of a document that was only saved: %v, want InvalidDocument", err)
	}
	q.Wake(here)
	q.settle(t)
	if diff := cmp.Diff(want, q.ends(t, waiting)); diff != "" {
		t.Errorf("a document that was only saved ran (-want +got):\n%s", diff)
	}
	q.put(t, "keyward-inspect", script("echo out"))
	q.settle(t)
	if diff := cmp.Diff([]string{"Success/Success", "Success/Success"}, q.ends(t, waiting)); diff != "" {
		t.Errorf("once the document is registered (-want +got):\n%s", diff)
	}
	out, err := q.client.DescribeDocument(context.Background(), &client.DescribeDocumentInput{Name: aws.String("keyward-inspect")})
	if err != nil || *out.Document.LatestVersion != "2" {
		t.Errorf("latest version after Load: %v, %v, want 2", out, err)
	}
}

func TestWhatRanWhenItWasSavedTimesOut(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	id := running(t, p, one("keyward-inspect", here))
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	q := begin(t)
	if err := q.Load(saved); err != nil {
		t.Fatal(err)
	}
	q.Wake(here)
	q.forward(t, time.Hour)
	if got := q.status(t, id); got != "InProgress/InProgress" {
		t.Errorf("before its timeout the command is %s", got)
	}
	q.forward(t, time.Hour)
	if got := q.status(t, id); got != "TimedOut/DeliveryTimedOut" {
		t.Errorf("after its timeout the command is %s", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for name, c := range map[string]struct{ saved, want string }{
		"not JSON":         {`{`, "loading the state of ssm"},
		"no version":       {`{"documents":[{"name":"keyward-inspect"}]}`, "loading document keyward-inspect: expected at least one version"},
		"broken document":  {`{"documents":[{"name":"keyward-inspect","versions":[{"content":"{}"}]}]}`, "loading document keyward-inspect"},
		"broken node":      {`{"nodes":[{"id":"web"}]}`, "registering node"},
		"document is gone": {`{"commands":[{"ID":"1","Document":"x","Version":1}]}`, "expected its document x in version 1"},
	} {
		if err := p.Load(json.RawMessage(c.saved)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Load = %v, want %q", name, err, c.want)
		}
	}
	if err := p.Load(nil); err != nil {
		t.Errorf("Load(nil) = %v", err)
	}
}
