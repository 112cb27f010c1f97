package ec2info

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/guard"
)

// pageSize is how many volumes or snapshots a page may have; EC2 allows 1000.
const pageSize = 500

// encrypted are the resources that could be under a key: EC2 has no filter by key.
var encrypted = []types.Filter{{Name: aws.String("encrypted"), Values: []string{"true"}}}

// Disks lists the volumes and the account's own snapshots that are encrypted under a key, by its ARN, all
// of them or an error. It reads every encrypted volume and snapshot of the Region, 500 a call, those that
// a service manages among them.
func (c *Client) Disks(ctx context.Context, keyARN string) ([]guard.Disk, error) {
	volumes, err := c.volumes(ctx, keyARN)
	if err != nil {
		return nil, err
	}
	snapshots, err := c.snapshots(ctx, keyARN)
	return append(volumes, snapshots...), err
}

func (c *Client) volumes(ctx context.Context, keyARN string) ([]guard.Disk, error) {
	pages := ec2.NewDescribeVolumesPaginator(c.api, &ec2.DescribeVolumesInput{
		Filters: encrypted, MaxResults: aws.Int32(pageSize), IncludeManagedResources: aws.Bool(true),
	})
	var all []guard.Disk
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "listing volumes")
		}
		for _, v := range page.Volumes {
			if aws.ToString(v.KmsKeyId) == keyARN {
				all = append(all, volume(v))
			}
		}
	}
	return all, nil
}

func volume(v types.Volume) guard.Disk {
	d := guard.Disk{ID: aws.ToString(v.VolumeId)}
	for _, a := range v.Attachments {
		d.Machines = append(d.Machines, aws.ToString(a.InstanceId))
	}
	return d
}

func (c *Client) snapshots(ctx context.Context, keyARN string) ([]guard.Disk, error) {
	pages := ec2.NewDescribeSnapshotsPaginator(c.api, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: encrypted, MaxResults: aws.Int32(pageSize),
	})
	var all []guard.Disk
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "listing snapshots")
		}
		for _, s := range page.Snapshots {
			if aws.ToString(s.KmsKeyId) == keyARN {
				all = append(all, guard.Disk{ID: aws.ToString(s.SnapshotId), Snapshot: true, Volume: aws.ToString(s.VolumeId)})
			}
		}
	}
	return all, nil
}
