package ssm_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
)

func quiet(string, map[string][]string) string { return "" }

func TestMaxErrors(t *testing.T) {
	t.Parallel()
	nodes := []string{"i-00000000000000001", "i-00000000000000002", "i-00000000000000003", "i-00000000000000004"}
	good, bad, terminated := "Success/Success", "Failed/Failed", "Failed/Terminated"
	for name, c := range map[string]struct {
		max     *string
		failing string // the nodes on which the script fails
		want    []string
		command string
		errors  int32
	}{
		"default stops at the first":  {nil, "2", []string{good, bad, terminated, terminated}, "Failed/Failed", 1},
		"one more than allowed":       {aws.String("1"), "12", []string{bad, bad, terminated, terminated}, "Failed/Failed", 2},
		"no more than allowed":        {aws.String("1"), "2", []string{good, bad, good, good}, "Success/Success", 1},
		"half of them":                {aws.String("50%"), "123", []string{bad, bad, bad, terminated}, "Failed/Failed", 3},
		"all may fail, none succeeds": {aws.String("100%"), "1234", []string{bad, bad, bad, bad}, "Failed/Failed", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			for _, id := range nodes {
				p.node(t, ssm.Node{ID: id, Host: true})
			}
			p.put(t, "keyward-inspect", script("case $AWS_SSM_INSTANCE_ID in *["+c.failing+"]) exit 3;; esac"))
			in := one("keyward-inspect", nodes...)
			in.MaxErrors, in.MaxConcurrency = c.max, aws.String("1")
			id := p.send(t, in)
			p.settle(t)
			if diff := cmp.Diff(c.want, p.ends(t, id)); diff != "" {
				t.Errorf("invocations (-want +got):\n%s", diff)
			}
			if got := p.command(t, id); p.status(t, id) != c.command || got.ErrorCount != c.errors || got.CompletedCount != 4 {
				t.Errorf("command is %s with %d errors, %d completed; want %s, %d, 4", p.status(t, id), got.ErrorCount, got.CompletedCount, c.command, c.errors)
			}
			if slices.Contains(c.want, terminated) {
				if i := p.invocation(t, id, nodes[3]); i.ResponseCode != -1 {
					t.Errorf("code of a terminated invocation is %d, want -1", i.ResponseCode)
				}
			}
		})
	}
}

func TestMaxConcurrencyBoundsTheRamp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		max  *string
		want int
	}{"number": {aws.String("3"), 3}, "percent": {aws.String("25%"), 5}, "at least one": {aws.String("1%"), 1}, "default": {nil, 20}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			var mu sync.Mutex
			now, most := 0, 0
			full := make(chan struct{}) // closed once as many are there as may be
			answer := func(string, map[string][]string) string {
				mu.Lock()
				now++
				if most = max(most, now); now == c.want {
					select {
					case <-full:
					default:
						close(full)
					}
				}
				mu.Unlock()
				<-full
				mu.Lock()
				defer mu.Unlock()
				now--
				return "canned"
			}
			in := one("keyward-inspect")
			for i := range 20 {
				p.node(t, simulated(i, answer))
				in.InstanceIds = append(in.InstanceIds, simulated(i, nil).ID)
			}
			p.put(t, "keyward-inspect", script("true"))
			in.MaxConcurrency = c.max
			id := p.send(t, in)
			p.settle(t)
			if most != c.want || p.status(t, id) != "Success/Success" {
				t.Errorf("at most %d at once, command is %s; want %d, Success", most, p.status(t, id), c.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, ssm.Node{ID: "i-00000000000000001", Answer: quiet, Tags: map[string]string{"tier": "web", "zone": "a"}})
	p.node(t, ssm.Node{ID: "i-00000000000000002", Answer: quiet, Tags: map[string]string{"tier": "web", "zone": "b"}})
	p.node(t, ssm.Node{ID: "i-00000000000000003", Answer: quiet, Tags: map[string]string{"tier": "db", "zone": "a"}, PlatformType: "Windows"})
	p.node(t, ssm.Node{ID: "i-00000000000000004", State: "terminated", Tags: map[string]string{"tier": "web"}})
	p.put(t, "keyward-inspect", script("true"))
	target := func(key string, values ...string) types.Target { return types.Target{Key: &key, Values: values} }
	for name, c := range map[string]struct {
		targets []types.Target
		want    []string
		command string
	}{
		"tag":          {[]types.Target{target("tag:tier", "web", "cache")}, []string{"Success/Success", "Success/Success"}, "Success/Success"},
		"two tags":     {[]types.Target{target("tag:tier", "web"), target("tag:zone", "a")}, []string{"Success/Success"}, "Success/Success"},
		"instanceids":  {[]types.Target{target("InstanceIds", "i-00000000000000002", "i-0000000000000000f")}, []string{"Success/Success"}, "Success/Success"},
		"none":         {[]types.Target{target("tag:tier", "none")}, nil, "Success/NoInstancesInTag"},
		"wrong system": {[]types.Target{target("tag:tier", "db")}, []string{"Failed/InvalidPlatform"}, "Failed/Incomplete"},
		"one of two":   {[]types.Target{target("tag:zone", "a")}, []string{"Success/Success", "Failed/InvalidPlatform"}, "Success/Success"},
	} {
		id := p.send(t, client.SendCommandInput{DocumentName: aws.String("keyward-inspect"), Targets: c.targets})
		p.settle(t)
		if diff := cmp.Diff(c.want, p.ends(t, id)); diff != "" || p.status(t, id) != c.command {
			t.Errorf("%s: command is %s, want %s; invocations (-want +got):\n%s", name, p.status(t, id), c.command, diff)
		}
	}
}

func TestMixedEnds(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, ssm.Node{ID: "i-00000000000000001"})
	p.put(t, "keyward-inspect", script("true"))
	id := p.send(t, one("keyward-inspect", "i-00000000000000001", here))
	p.forward(t, 2*time.Hour)
	if diff := cmp.Diff([]string{"TimedOut/DeliveryTimedOut", "Success/Success"}, p.ends(t, id)); diff != "" || p.status(t, id) != "Success/Success" {
		t.Errorf("command is %s, invocations (-want +got):\n%s", p.status(t, id), diff)
	}
}

func TestSeveralCommandsAtOnceOnOneNode(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.put(t, "keyward-inspect", script("echo $SSM_COMMAND_ID"))
	var all sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		all.Go(func() { ids[i] = p.send(t, one("keyward-inspect", here)) })
	}
	all.Wait()
	p.settle(t)
	for _, id := range ids {
		if got := p.invocation(t, id, here); *got.StandardOutputContent != id+"\n" {
			t.Errorf("command %s printed %q", id, *got.StandardOutputContent)
		}
	}
}

func TestSimulatedFleet(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, "keyward-inspect", inspection)
	for i := range 1000 {
		n := simulated(i, func(node string, parameters map[string][]string) string {
			return node + " " + parameters["Nonce"][0] + "\n"
		})
		if i%10 == 0 {
			n.PlatformType = "Windows"
		}
		p.node(t, n)
	}
	id := p.send(t, client.SendCommandInput{
		DocumentName: aws.String("keyward-inspect"), Targets: []types.Target{{Key: aws.String("tag:fleet"), Values: []string{"a"}}},
		Parameters: map[string][]string{"Nonce": {"0123abcd"}},
	})
	p.settle(t)
	pages := client.NewListCommandInvocationsPaginator(p.client, &client.ListCommandInvocationsInput{CommandId: &id, Details: true})
	calls, seen := 0, 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		calls++
		for _, i := range page.CommandInvocations {
			answered := slices.ContainsFunc(i.CommandPlugins, func(p types.CommandPlugin) bool { return *p.Output == *i.InstanceId+" 0123abcd\n" })
			if answered && i.Status == "Success" {
				seen++
			}
		}
	}
	if calls != 20 || seen != 1000 || p.status(t, id) != "Success/Success" {
		t.Errorf("%d answers in %d calls, command is %s; want 1000 in 20", seen, calls, p.status(t, id))
	}
}

func BenchmarkCommandToFiftySimulatedNodes(b *testing.B) {
	p := begin(b)
	p.put(b, "keyward-inspect", script("true"))
	in := one("keyward-inspect")
	for i := range 50 {
		p.node(b, simulated(i, func(string, map[string][]string) string { return "canned" }))
		in.InstanceIds = append(in.InstanceIds, simulated(i, nil).ID)
	}
	for b.Loop() {
		p.send(b, in)
		p.settle(b)
	}
}

// A document that this host does not run fails and says so, runs nothing, and does for a simulated machine what it did.
func TestNotHere(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const host, other = "i-00000000000000001", "i-00000000000000002"
	p.node(t, ssm.Node{ID: host, Host: true})
	p.node(t, ssm.Node{ID: other, Answer: func(string, map[string][]string) string { return "answered" }})
	touched := filepath.Join(t.TempDir(), "touched")
	if _, err := p.PutDocument(ssm.Document{Name: "keyward-lock", Content: script("touch " + touched), NotHere: true}); err != nil {
		t.Fatal(err)
	}
	id := p.send(t, one("keyward-lock", host, other))
	p.settle(t)
	if i := p.invocation(t, id, host); i.Status != types.CommandInvocationStatusFailed || i.ResponseCode != 1 || !strings.Contains(aws.ToString(i.StandardErrorContent), "this document is not run on this host") {
		t.Errorf("on the host: %s, code %d, %q", i.Status, i.ResponseCode, aws.ToString(i.StandardErrorContent))
	}
	if i := p.invocation(t, id, other); i.Status != types.CommandInvocationStatusSuccess || aws.ToString(i.StandardOutputContent) != "answered" {
		t.Errorf("on a simulated machine: %s, %q", i.Status, aws.ToString(i.StandardOutputContent))
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("the script ran")
	}
	if _, err := p.PutDocument(ssm.Document{Name: "keyward-lock", Content: script("touch " + touched), UpdateMethod: "NewVersion"}); err != nil {
		t.Fatal(err)
	}
	p.send(t, one("keyward-lock", host))
	p.settle(t)
	if _, err := os.Stat(touched); err != nil {
		t.Errorf("allowed again it did not run: %v", err)
	}
}
