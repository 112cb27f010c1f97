// Package ec2safe is what keeps data safe before a revocation and makes it effective after it, at EC2:
// snapshots of a machine's volumes, and stopping it. The function safeguard alone links it; a test holds
// that. It deletes nothing and starts nothing.
package ec2safe

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/safeguard"
)

// The tags of Keyward's snapshots.
const (
	MachineTag   = "keyward:machine"
	ExecutionTag = "keyward:execution"
)

// Client talks to EC2.
type Client struct{ api *ec2.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: ec2.NewFromConfig(cfg)} }

// Snap begins snapshots of a machine's volumes, all of the same moment, with or without its root volume.
// EC2 has no token against doing it twice: ask Snapshots for those of the execution first.
func (c *Client) Snap(ctx context.Context, machine, execution string, root bool) ([]safeguard.Snapshot, error) {
	out, err := c.api.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		Description:           aws.String("Keyward, before the key of " + machine + " is revoked"),
		InstanceSpecification: &types.InstanceSpecification{InstanceId: &machine, ExcludeBootVolume: aws.Bool(!root)},
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{
			{Key: aws.String(MachineTag), Value: &machine}, {Key: aws.String(ExecutionTag), Value: &execution},
		}}},
	})
	if err != nil {
		return nil, awsconf.Wrap(err, "making snapshots of "+machine)
	}
	var made []safeguard.Snapshot
	for _, s := range out.Snapshots {
		made = append(made, safeguard.Snapshot{ID: aws.ToString(s.SnapshotId), Volume: aws.ToString(s.VolumeId), State: string(s.State), Begun: aws.ToTime(s.StartTime)})
	}
	return made, nil
}

// Snapshots reads the snapshots of one execution.
func (c *Client) Snapshots(ctx context.Context, execution string) ([]safeguard.Snapshot, error) {
	pages := ec2.NewDescribeSnapshotsPaginator(c.api, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"},
		Filters:  []types.Filter{{Name: aws.String("tag:" + ExecutionTag), Values: []string{execution}}},
	})
	var found []safeguard.Snapshot
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "reading snapshots")
		}
		for _, s := range page.Snapshots {
			found = append(found, safeguard.Snapshot{ID: aws.ToString(s.SnapshotId), Volume: aws.ToString(s.VolumeId), State: string(s.State), Begun: aws.ToTime(s.StartTime)})
		}
	}
	return found, nil
}

// Stop has EC2 stop a machine as its operating system does it, without force. One that is stopped stays so.
func (c *Client) Stop(ctx context.Context, machine string) error {
	_, err := c.api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{machine}})
	return awsconf.Wrap(err, "stopping "+machine)
}

// State is the state of an instance in EC2's words: pending, running, shutting-down, terminated, stopping,
// stopped; fault.NotFound when EC2 does not know it.
func (c *Client) State(ctx context.Context, machine string) (string, error) {
	out, err := c.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{machine}}},
	})
	if err != nil {
		return "", awsconf.Wrap(err, "asking EC2 for "+machine)
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if i.State != nil {
				return string(i.State.Name), nil
			}
		}
	}
	return "", fault.New(fault.NotFound, "asking EC2 for %s: it does not know it", machine)
}
