package ec2info_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

const (
	key     = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	another = "arn:aws:kms:us-east-1:123456789012:key/4321abcd-12ab-34cd-56ef-1234567890ab"
)

func TestDisks(t *testing.T) {
	t.Parallel()
	p, client, e := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", Launched: awstest.Noon, Volumes: []ec2.Volume{
		{ID: "vol-00000001", Encrypted: true, Key: key}, {ID: "vol-00000002", Encrypted: true, Key: another}, {ID: "vol-00000003"},
	}})
	for n := range 502 { // more than a page; the last one counts
		s := ec2.Snapshot{ID: fmt.Sprintf("snap-%08x", n), Volume: "vol-00000002", State: "completed", Encrypted: true, Key: another}
		if n == 501 {
			s.Volume, s.Key = "vol-00000001", key
		}
		if err := e.AddSnapshot(s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.Disks(t.Context(), key)
	want := []guard.Disk{{ID: "vol-00000001", Machines: []string{awstest.Machine}}, {ID: "snap-000001f5", Snapshot: true, Volume: "vol-00000001"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Disks, %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"DescribeVolumes", "DescribeSnapshots", "DescribeSnapshots"}, p.Operations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	p.Refuse("DescribeSnapshots", nil, awstest.Error("RequestLimitExceeded"))
	got, err = client.Disks(t.Context(), key)
	awstest.Wrapped(t, err, fault.Transient, "listing snapshots: RequestLimitExceeded")
	for _, d := range got {
		if d.Snapshot {
			t.Errorf("Disks gives %v of a list that was cut off", d)
		}
	}
}

func TestDisksErrors(t *testing.T) {
	t.Parallel()
	p, _, _ := begin(t)
	own := map[string]fault.Kind{"UnauthorizedOperation": fault.Denied, "RequestLimitExceeded": fault.Transient}
	for _, operation := range []string{"DescribeVolumes", "DescribeSnapshots"} {
		p.Mapped(t, operation, own, func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2info.New(cfg).Disks(ctx, key)
			return err
		})
	}
}
