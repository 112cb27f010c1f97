package ssmrun

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
)

// Patches reads what Patch Manager knows of up to 50 machines. One that was never scanned is not there.
func (c *Client) Patches(ctx context.Context, machines []string) (map[string]evidence.PatchState, error) {
	found := map[string]evidence.PatchState{}
	if len(machines) == 0 {
		return found, nil
	}
	pages := ssm.NewDescribeInstancePatchStatesPaginator(c.api, &ssm.DescribeInstancePatchStatesInput{
		InstanceIds: machines, MaxResults: aws.Int32(inspection.BatchSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "asking for patch states")
		}
		for _, s := range page.InstancePatchStates {
			found[aws.ToString(s.InstanceId)] = patchState(s)
		}
	}
	return found, nil
}

func patchState(s types.InstancePatchState) evidence.PatchState {
	p := evidence.PatchState{
		Missing: evidence.Known(int(s.MissingCount)), Failed: evidence.Known(int(s.FailedCount)),
		Critical: optional(s.CriticalNonCompliantCount), Security: optional(s.SecurityNonCompliantCount),
		RebootPending: optional(s.InstalledPendingRebootCount), Scanned: evidence.Unknown[time.Time](evidence.WhyAbsent),
	}
	if s.OperationEndTime != nil && !s.OperationEndTime.IsZero() {
		p.Scanned = evidence.Known(s.OperationEndTime.UTC())
	}
	return p
}

func optional(n *int32) evidence.Fact[int] {
	if n == nil {
		return evidence.Unknown[int](evidence.WhyNoSource)
	}
	return evidence.Known(int(*n))
}

// Agents reads what SSM knows of the agents of up to 50 machines.
func (c *Client) Agents(ctx context.Context, machines []string) (map[string]evidence.Agent, error) {
	found := map[string]evidence.Agent{}
	if len(machines) == 0 {
		return found, nil
	}
	pages := ssm.NewDescribeInstanceInformationPaginator(c.api, &ssm.DescribeInstanceInformationInput{
		Filters:    []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: machines}},
		MaxResults: aws.Int32(inspection.BatchSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "asking for agents")
		}
		for _, i := range page.InstanceInformationList {
			a := evidence.UnknownAgent(evidence.WhyAbsent)
			if i.PingStatus != "" {
				a.Ping = evidence.Known(string(i.PingStatus))
			}
			if v := aws.ToString(i.AgentVersion); v != "" {
				a.Version = evidence.Known(v)
			}
			if i.LastPingDateTime != nil {
				a.Last = evidence.Known(i.LastPingDateTime.UTC())
			}
			found[aws.ToString(i.InstanceId)] = a
		}
	}
	return found, nil
}

// NodeRole is the name of the IAM role that a hybrid node (mi-…) was registered with. A node that SSM does not know, or
// shows without a role, is fault.NotFound.
func (c *Client) NodeRole(ctx context.Context, node string) (string, error) {
	out, err := c.api.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
		Filters: []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: []string{node}}},
	})
	if err != nil {
		return "", awsconf.Wrap(err, "asking for a node's role")
	}
	for _, i := range out.InstanceInformationList {
		// An activation may have named the role with its path.
		if role := aws.ToString(i.IamRole); aws.ToString(i.InstanceId) == node && role != "" {
			return role[strings.LastIndexByte(role, '/')+1:], nil
		}
	}
	return "", fault.New(fault.NotFound, "asking for a node's role: SSM does not know %s, or no role of it", node)
}
