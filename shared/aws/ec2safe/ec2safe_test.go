package ec2safe_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/ec2safe"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/safeguard"
)

var volumes = []ec2.Volume{
	{ID: "vol-00000000000000001", Device: "/dev/xvda", GiB: 8, Root: true},
	{ID: "vol-00000000000000002", Device: "/dev/sdf", GiB: 100, Encrypted: true},
}

func begin(t *testing.T, state string) (*awstest.Place, *ec2safe.Client, *ec2.EC2) {
	t.Helper()
	p := awstest.New(t)
	e := ec2.New(ec2.Config{Account: awstest.Account, Region: awstest.Region, Now: p.Clock.Now},
		ec2.Machine{ID: awstest.Machine, State: state, Zone: "us-east-1a", Volumes: volumes})
	p.Register(e.Service())
	return p, ec2safe.New(p.Config), e
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	p, client, _ := begin(t, "running")
	ctx := t.Context()
	if found, err := client.Snapshots(ctx, "x-1"); err != nil || len(found) != 0 {
		t.Fatalf("Snapshots before = %v, %v", found, err)
	}
	made, err := client.Snap(ctx, awstest.Machine, "x-1", false)
	if err != nil {
		t.Fatal(err)
	}
	want := []safeguard.Snapshot{{ID: made[0].ID, Volume: volumes[1].ID, State: "pending", Begun: awstest.Noon}}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("Snap without the root volume (-want +got):\n%s", diff)
	}
	both, err := client.Snap(ctx, awstest.Machine, "x-2", true)
	if err != nil || len(both) != 2 {
		t.Fatalf("Snap with the root volume = %v, %v", both, err)
	}
	if err := p.Clock.Forward(ctx, ec2.Copying); err != nil {
		t.Fatal(err)
	}
	want[0].State = "completed"
	found, err := client.Snapshots(ctx, "x-1")
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("Snapshots of one execution, %v (-want +got):\n%s", err, diff)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	_, client, e := begin(t, "running")
	ctx := t.Context()
	if state, err := client.State(ctx, awstest.Machine); err != nil || state != "running" {
		t.Errorf("State = %s, %v", state, err)
	}
	for range 2 {
		if err := client.Stop(ctx, awstest.Machine); err != nil {
			t.Fatal(err)
		}
	}
	if state, err := client.State(ctx, awstest.Machine); err != nil || state != "stopping" {
		t.Errorf("State = %s, %v, want stopping", state, err)
	}
	if err := e.SetState(awstest.Machine, "stopped"); err != nil {
		t.Fatal(err)
	}
	if err := client.Stop(ctx, awstest.Machine); err != nil {
		t.Errorf("Stop of a stopped instance: %v", err)
	}
	if state, err := client.State(ctx, awstest.Machine); err != nil || state != "stopped" {
		t.Errorf("State = %s, %v, want stopped", state, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, client, _ := begin(t, "terminated")
	ctx := t.Context()
	_, err := client.State(ctx, awstest.Other)
	wants(t, err, fault.NotFound)
	wants(t, client.Stop(ctx, awstest.Other), fault.NotFound)
	_, err = client.Snap(ctx, awstest.Other, "x", false)
	wants(t, err, fault.NotFound)
	for _, err := range []error{client.Stop(ctx, awstest.Machine), func() error { _, err := client.Snap(ctx, awstest.Machine, "x", false); return err }()} {
		if err == nil || !strings.Contains(err.Error(), "IncorrectInstanceState") {
			t.Errorf("of a terminated instance: %v", err)
		}
	}
}

func wants(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error = %v, want kind %v", err, fault.Of(kind).Name)
	}
}
