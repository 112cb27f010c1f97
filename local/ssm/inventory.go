package ssm

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

type filter struct {
	Key    string
	Values []string
}

func (s *SSM) describeInstanceInformation(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		Filters    []filter
		MaxResults *int
		NextToken  string
	}](r)
	if err != nil {
		return nil, err
	}
	for _, f := range in.Filters {
		if err := f.check(len(in.Filters)); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, id := range s.nodeIDs() {
		n := s.nodes[id]
		if n.State == "running" && !slices.ContainsFunc(in.Filters, func(f filter) bool { return !n.matches(f) }) {
			found = append(found, s.describe(n))
		}
	}
	page, next, err := cut(found, "nodes", in.NextToken, in.MaxResults, bounds{least: 5, most: 50, usual: 10})
	if err != nil {
		return nil, err
	}
	return paged("InstanceInformationList", page, next), nil
}

func (s *SSM) nodeIDs() []string {
	ids := make([]string, 0, len(s.nodes))
	for id := range s.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (f filter) check(filters int) error {
	if len(f.Values) == 0 || len(f.Values) > 100 {
		return constraint("filters.values", len(f.Values), "have length between 1 and 100")
	}
	allowed := map[string][]string{
		"PingStatus": {"Online", "ConnectionLost", "Inactive"}, "PlatformTypes": {"Windows", "Linux", "MacOS"},
		"ResourceType": {"EC2Instance", "ManagedInstance"},
	}
	switch values, ok := allowed[f.Key]; {
	case ok:
		for _, v := range f.Values {
			if !slices.Contains(values, v) {
				return refuse("InvalidInstanceInformationFilterValue", "The value %s of filter %s is not valid.", v, f.Key)
			}
		}
		return nil
	case f.Key == "InstanceIds":
		return nil
	case strings.HasPrefix(f.Key, "tag:") && filters > 1:
		return refuse("InvalidFilterKey", "A tag filter cannot be combined with other filters.")
	case strings.HasPrefix(f.Key, "tag:"):
		return nil
	case slices.Contains([]string{"ActivationIds", "AgentVersion", "AssociationStatus", "IamRole", "SourceIds", "SourceTypes", "tag-key"}, f.Key):
		return wire.Unimplemented("filter %s of ssm.DescribeInstanceInformation", f.Key)
	}
	return refuse("InvalidFilterKey", "The filter key %s is not valid.", f.Key)
}

func (n *Node) matches(f filter) bool {
	value := map[string]string{
		"InstanceIds": n.ID, "PingStatus": n.PingStatus, "PlatformTypes": n.PlatformType, "ResourceType": n.resourceType(),
	}[f.Key]
	if tag, ok := strings.CutPrefix(f.Key, "tag:"); ok {
		var has bool
		if value, has = n.Tags[tag]; !has {
			return false
		}
	}
	return slices.Contains(f.Values, value)
}

func (n *Node) hybrid() bool { return strings.HasPrefix(n.ID, "mi-") }

func (n *Node) resourceType() string {
	if n.hybrid() {
		return "ManagedInstance"
	}
	return "EC2Instance"
}

func (s *SSM) describe(n *Node) map[string]any {
	ping := n.LastPing
	if n.PingStatus == "Online" {
		// Agents report every 5 minutes by default.
		if last := s.now().Truncate(5 * time.Minute); last.After(ping) {
			ping = last
		}
	}
	d := map[string]any{
		"InstanceId": n.ID, "PingStatus": n.PingStatus, "LastPingDateTime": wire.Time{Time: ping},
		"AgentVersion": n.AgentVersion, "IsLatestVersion": true, "ResourceType": n.resourceType(),
		"PlatformType": n.PlatformType, "PlatformName": n.PlatformName, "PlatformVersion": n.PlatformVersion,
		"IPAddress": n.IPAddress, "ComputerName": n.ComputerName, "SourceId": n.ID, "SourceType": "AWS::EC2::Instance",
	}
	if n.hybrid() {
		d["Name"], d["SourceType"] = n.Name, "AWS::SSM::ManagedInstance"
		if n.IAMRole != "" {
			d["IamRole"] = n.IAMRole
		}
	}
	return d
}

// arn is the node's name in events.
func (s *SSM) arn(node string) string {
	place := ":" + s.options.Region + ":" + s.options.Account + ":"
	if strings.HasPrefix(node, "mi-") {
		return "arn:aws:ssm" + place + "managed-instance/" + node
	}
	return "arn:aws:ec2" + place + "instance/" + node
}
