package ec2info_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
)

const hybrid = "mi-1a2b3c4d5e6f7a8b9"

func begin(t *testing.T, machines ...ec2.Machine) (*awstest.Place, *ec2info.Client, *ec2.EC2) {
	t.Helper()
	p := awstest.New(t)
	e := ec2.New(ec2.Config{Account: awstest.Account, Region: awstest.Region, Now: p.Clock.Now}, machines...)
	p.Register(e.Service())
	return p, ec2info.New(p.Config), e
}

func TestInstances(t *testing.T) {
	t.Parallel()
	launched := awstest.Noon.Add(-48 * time.Hour)
	_, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", Zone: "us-east-1a", Launched: launched,
		Profile: "arn:aws:iam::123456789012:instance-profile/web", Tags: map[string]string{"Name": "web-1", "tier": "web"}},
		ec2.Machine{ID: "i-00000000000000001", State: "stopped", Launched: launched},
		ec2.Machine{ID: "i-00000000000000002", State: "running"})
	got, err := client.Instances(t.Context(), []string{awstest.Machine, "i-00000000000000001", awstest.Other, hybrid})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ec2info.Instance{
		awstest.Machine: {ID: awstest.Machine, Presence: integrity.Running, Launched: launched, Zone: "us-east-1a",
			Profile: "arn:aws:iam::123456789012:instance-profile/web", Tags: map[string]string{"Name": "web-1", "tier": "web"}},
		"i-00000000000000001": {ID: "i-00000000000000001", Presence: integrity.Stopped, Launched: launched, Tags: map[string]string{}},
		awstest.Other:         {ID: awstest.Other, Presence: integrity.Gone},
		hybrid:                {ID: hybrid, Presence: integrity.Running},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(ec2info.Instance{}, "Facts")); diff != "" {
		t.Errorf("Instances (-want +got):\n%s", diff)
	}
}

func TestPresences(t *testing.T) {
	t.Parallel()
	states := map[string]integrity.Presence{
		"pending": integrity.Running, "running": integrity.Running, "stopping": integrity.Stopped, "stopped": integrity.Stopped,
		"shutting-down": integrity.Gone, "terminated": integrity.Gone,
	}
	for state, want := range states {
		_, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: state})
		got, err := client.Instances(t.Context(), []string{awstest.Machine})
		if err != nil || got[awstest.Machine].Presence != want {
			t.Errorf("%s: presence = %v, %v, want %v", state, got[awstest.Machine].Presence, err, want)
		}
	}
}

func TestInstancesOfAFullBatch(t *testing.T) {
	t.Parallel()
	p, client, e := begin(t)
	var all []string
	for n := range 50 {
		id := fmt.Sprintf("i-%017x", n)
		all = append(all, id)
		if err := e.Add(ec2.Machine{ID: id, State: "running"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.Instances(t.Context(), all)
	if err != nil || len(got) != 50 {
		t.Fatalf("Instances = %d, %v, want 50", len(got), err)
	}
	for id, i := range got {
		if i.Presence != integrity.Running {
			t.Errorf("%s: presence = %v, want running", id, i.Presence)
		}
	}
	p.Calls()
	for _, ids := range [][]string{nil, {hybrid}} {
		if _, err := client.Instances(t.Context(), ids); err != nil || len(p.Calls()) != 0 {
			t.Errorf("Instances(%v) = %v, want no call", ids, err)
		}
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	_, client, e := begin(t, ec2.Machine{ID: awstest.Machine, State: "running"}, ec2.Machine{ID: awstest.Other, State: "stopped"})
	for status, want := range map[string]bool{"ok": true, "impaired": false, "initializing": false, "insufficient-data": false} {
		if err := e.SetStatus(awstest.Machine, status); err != nil {
			t.Fatal(err)
		}
		if got, err := client.Healthy(t.Context(), awstest.Machine); err != nil || got != want {
			t.Errorf("%s: Healthy = %v, %v, want %v", status, got, err, want)
		}
	}
	if got, err := client.Healthy(t.Context(), awstest.Other); err != nil || got {
		t.Errorf("Healthy of a stopped machine = %v, %v, want false", got, err)
	}
	_, err := client.Healthy(t.Context(), "i-00000000000000009")
	awstest.Wrapped(t, err, fault.NotFound, "InvalidInstanceID.NotFound")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running"})
	own := map[string]fault.Kind{
		"RequestLimitExceeded": fault.Transient, "UnauthorizedOperation": fault.Denied, "AuthFailure": fault.Denied,
		"InternalError": fault.Transient, "InvalidInstanceID.Malformed": fault.Invalid,
	}
	p.Mapped(t, "DescribeInstances", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2info.New(cfg).Instances(ctx, []string{awstest.Machine})
		return err
	})
	p.Mapped(t, "DescribeInstanceStatus", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2info.New(cfg).Healthy(ctx, awstest.Machine)
		return err
	})
}
