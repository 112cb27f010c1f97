package ssmrun_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
)

func TestPatchesAndAgents(t *testing.T) {
	t.Parallel()
	p := begin(t)
	scanned := awstest.Noon.Add(-time.Hour)
	for _, n := range []ssm.Node{
		{ID: awstest.Machine, AgentVersion: "3.3.3050.0", Patches: &ssm.Patches{Ended: scanned, Missing: 5, Critical: 1, Security: 2, Failed: 3, RebootPending: 4}},
		{ID: awstest.Other, PingStatus: "ConnectionLost", LastPing: scanned},
	} {
		if err := p.ssm.PutNode(n); err != nil {
			t.Fatal(err)
		}
	}
	both := []string{awstest.Machine, awstest.Other}
	patches, err := p.client.Patches(t.Context(), both)
	want := map[string]evidence.PatchState{awstest.Machine: {
		Missing: evidence.Known(5), Critical: evidence.Known(1), Security: evidence.Known(2), Failed: evidence.Known(3), RebootPending: evidence.Known(4), Scanned: evidence.Known(scanned),
	}}
	if diff := cmp.Diff(want, patches); err != nil || diff != "" {
		t.Errorf("Patches, %v (-want +got):\n%s", err, diff)
	}
	agents, err := p.client.Agents(t.Context(), both)
	lost := evidence.Agent{Ping: evidence.Known("ConnectionLost"), Version: evidence.Known("3.3.3050.0"), Last: evidence.Known(scanned)}
	if diff := cmp.Diff(lost, agents[awstest.Other]); err != nil || diff != "" || agents[awstest.Machine].Ping != evidence.Known("Online") {
		t.Errorf("Agents = %+v, %v (-want +got):\n%s", agents, err, diff)
	}
	p.Calls()
	if got, err := p.client.Patches(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Patches of none = %v, %v", got, err)
	}
	if got, err := p.client.Agents(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Agents of none = %v, %v", got, err)
	}
	if calls := p.Calls(); len(calls) != 0 {
		t.Errorf("%d calls for no machine", len(calls))
	}
}

func TestNodeRole(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const plain, path, none = "mi-00000000000000001", "mi-00000000000000002", "mi-00000000000000003"
	for id, role := range map[string]string{plain: "branch", path: "service-role/branch", none: ""} {
		if err := p.ssm.PutNode(ssm.Node{ID: id, IAMRole: role}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{plain, path} {
		if got, err := p.client.NodeRole(t.Context(), id); err != nil || got != "branch" {
			t.Errorf("NodeRole(%s) = %q, %v, want branch", id, got, err)
		}
	}
	for _, id := range []string{none, "mi-00000000000000009"} {
		_, err := p.client.NodeRole(t.Context(), id)
		awstest.Wrapped(t, err, fault.NotFound, "SSM does not know")
	}
}

func TestFactsErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	own := map[string]fault.Kind{"ThrottlingException": fault.Transient, "AccessDeniedException": fault.Denied}
	p.Mapped(t, "DescribeInstancePatchStates", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssmrun.New(cfg).Patches(ctx, []string{awstest.Machine})
		return err
	})
	p.Mapped(t, "DescribeInstanceInformation", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssmrun.New(cfg).Agents(ctx, []string{awstest.Machine})
		return err
	})
	p.Mapped(t, "DescribeInstanceInformation", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssmrun.New(cfg).NodeRole(ctx, "mi-00000000000000001")
		return err
	})
}
