package ec2info

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/evidence"
)

// facts is an instance as evidence has it.
func facts(i types.Instance) evidence.Instance {
	f := evidence.UnknownInstance(evidence.WhyAbsent)
	f.Platform = evidence.Known(evidence.Linux) // EC2 names Windows alone
	if strings.EqualFold(string(i.Platform), evidence.Windows) {
		f.Platform = evidence.Known(evidence.Windows)
	}
	f.Image, f.Type = text(i.ImageId), text((*string)(&i.InstanceType))
	if i.Placement != nil {
		f.Zone = text(i.Placement.AvailabilityZone)
	}
	f.Profile, f.PublicAddress = evidence.Known(""), evidence.Known(aws.ToString(i.PublicIpAddress)) // none is knowledge
	if i.IamInstanceProfile != nil {
		f.Profile = text(i.IamInstanceProfile.Arn)
	}
	if i.LaunchTime != nil {
		f.Launched = evidence.Known(*i.LaunchTime)
	}
	tags := []evidence.Tag{}
	for _, t := range i.Tags {
		tags = append(tags, evidence.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
	}
	f.Tags = evidence.Known(tags)
	if m := i.MetadataOptions; m != nil {
		f.IMDS = evidence.IMDSMode(string(m.HttpEndpoint), string(m.HttpTokens))
		if m.HttpPutResponseHopLimit != nil {
			f.HopLimit = evidence.Known(int(*m.HttpPutResponseHopLimit))
		}
	}
	f.Groups = evidence.Known(groups(i))
	return f
}

func text(s *string) evidence.Fact[string] {
	if aws.ToString(s) == "" {
		return evidence.Unknown[string](evidence.WhyAbsent)
	}
	return evidence.Known(*s)
}

// groups are the security groups of all its network interfaces.
func groups(i types.Instance) []string {
	ids := []string{}
	for _, g := range i.SecurityGroups {
		ids = append(ids, aws.ToString(g.GroupId))
	}
	for _, n := range i.NetworkInterfaces {
		for _, g := range n.Groups {
			ids = append(ids, aws.ToString(g.GroupId))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Inbound reads what security groups let in, by group. A group that EC2 does not know is not there.
func (c *Client) Inbound(ctx context.Context, groups []string) (map[string][]evidence.InboundRule, error) {
	found := map[string][]evidence.InboundRule{}
	if len(groups) == 0 {
		return found, nil
	}
	// Filters leave out unknown ids; naming them in GroupIds would fail the whole call. A filter has at most 200 values.
	for ids := range slices.Chunk(groups, 200) {
		pages := ec2.NewDescribeSecurityGroupsPaginator(c.api, &ec2.DescribeSecurityGroupsInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: ids}}, MaxResults: aws.Int32(pageSize),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, awsconf.Wrap(err, "asking EC2 for security groups")
			}
			for _, g := range page.SecurityGroups {
				found[aws.ToString(g.GroupId)] = inbound(g)
			}
		}
	}
	return found, nil
}

func inbound(g types.SecurityGroup) []evidence.InboundRule {
	rules := []evidence.InboundRule{}
	for _, p := range g.IpPermissions {
		r := evidence.InboundRule{Group: aws.ToString(g.GroupId), Proto: aws.ToString(p.IpProtocol), From: int(aws.ToInt32(p.FromPort)), To: int(aws.ToInt32(p.ToPort))}
		if r.Proto == "-1" {
			r.Proto, r.From, r.To = "all", 0, 65535
		}
		for _, peer := range peers(p) {
			r.Peer = peer
			rules = append(rules, r)
		}
	}
	return rules
}

// peers are whom a rule lets in. Networks are written as netip has them.
func peers(p types.IpPermission) []string {
	var all []string
	network := func(s *string) {
		if n, err := netip.ParsePrefix(aws.ToString(s)); err == nil {
			all = append(all, n.Masked().String())
			return
		}
		all = append(all, aws.ToString(s))
	}
	for _, r := range p.IpRanges {
		network(r.CidrIp)
	}
	for _, r := range p.Ipv6Ranges {
		network(r.CidrIpv6)
	}
	for _, l := range p.PrefixListIds {
		all = append(all, aws.ToString(l.PrefixListId))
	}
	for _, g := range p.UserIdGroupPairs {
		all = append(all, aws.ToString(g.GroupId))
	}
	return all
}

// Volumes reads the EBS volumes that are attached to up to 50 machines, by machine.
func (c *Client) Volumes(ctx context.Context, machines []string) (map[string][]evidence.AttachedVolume, error) {
	found := map[string][]evidence.AttachedVolume{}
	if len(machines) == 0 {
		return found, nil
	}
	pages := ec2.NewDescribeVolumesPaginator(c.api, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: machines}}, MaxResults: aws.Int32(pageSize), IncludeManagedResources: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "asking EC2 for volumes")
		}
		for _, v := range page.Volumes {
			for _, a := range v.Attachments {
				id := aws.ToString(a.InstanceId)
				found[id] = append(found[id], evidence.AttachedVolume{
					ID: aws.ToString(v.VolumeId), Device: aws.ToString(a.Device), Encrypted: aws.ToBool(v.Encrypted), Key: aws.ToString(v.KmsKeyId),
				})
			}
		}
	}
	return found, nil
}
