// Package ec2info asks EC2 whether machines are there: what a guest cannot forge.
package ec2info

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
)

// Client talks to EC2.
type Client struct{ api *ec2.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: ec2.NewFromConfig(cfg)} }

// Instance is what EC2 says about one instance.
type Instance struct {
	ID       string
	Presence integrity.Presence
	Launched time.Time
	Zone     string
	Profile  string // ARN of the instance profile
	Tags     map[string]string
	Facts    evidence.Instance // all of it as evidence
}

var presences = map[types.InstanceStateName]integrity.Presence{
	types.InstanceStateNamePending:      integrity.Running,
	types.InstanceStateNameRunning:      integrity.Running,
	types.InstanceStateNameStopping:     integrity.Stopped,
	types.InstanceStateNameStopped:      integrity.Stopped,
	types.InstanceStateNameShuttingDown: integrity.Gone,
	types.InstanceStateNameTerminated:   integrity.Gone,
}

// Instances reads up to 50 machines. Instances that EC2 does not know any more are Gone; hybrid
// nodes (mi-…) are not EC2's and count as running while they are enrolled.
func (c *Client) Instances(ctx context.Context, machines []string) (map[string]Instance, error) {
	found := make(map[string]Instance, len(machines))
	var ids []string
	for _, id := range machines {
		if strings.HasPrefix(id, "mi-") {
			found[id] = Instance{ID: id, Presence: integrity.Running, Facts: evidence.UnknownInstance(evidence.WhyNotEC2)}
			continue
		}
		found[id] = Instance{ID: id, Presence: integrity.Gone, Facts: evidence.UnknownInstance("gone")}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return found, nil
	}
	// A filter leaves out unknown ids; naming them in InstanceIds would fail the whole call.
	pages := ec2.NewDescribeInstancesPaginator(c.api, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "asking EC2 for instances")
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				found[aws.ToString(i.InstanceId)] = instance(i)
			}
		}
	}
	return found, nil
}

func instance(i types.Instance) Instance {
	v := Instance{ID: aws.ToString(i.InstanceId), Launched: aws.ToTime(i.LaunchTime), Tags: map[string]string{}, Facts: facts(i)}
	if i.State != nil {
		v.Presence = presences[i.State.Name]
	}
	if i.Placement != nil {
		v.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	if i.IamInstanceProfile != nil {
		v.Profile = aws.ToString(i.IamInstanceProfile.Arn)
	}
	for _, t := range i.Tags {
		v.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return v
}

// Healthy says whether EC2 reports both status checks of an instance as ok. It is asked before silence
// may cost a key.
func (c *Client) Healthy(ctx context.Context, machine string) (bool, error) {
	out, err := c.api.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{machine}})
	if err != nil {
		return false, awsconf.Wrap(err, "asking EC2 for status checks")
	}
	for _, s := range out.InstanceStatuses {
		return s.SystemStatus != nil && s.SystemStatus.Status == types.SummaryStatusOk &&
			s.InstanceStatus != nil && s.InstanceStatus.Status == types.SummaryStatusOk, nil
	}
	return false, nil
}
