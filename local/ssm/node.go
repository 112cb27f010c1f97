package ssm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Node is one managed node. A node that is neither this host nor has an Answer never answers.
type Node struct {
	ID              string            `json:"id"`   // i-… or mi-…
	Name            string            `json:"name"` // of a hybrid node, as it was registered
	ComputerName    string            `json:"computerName"`
	IPAddress       string            `json:"ipAddress"`
	PingStatus      string            `json:"pingStatus"` // Online (also "") or ConnectionLost
	LastPing        time.Time         `json:"lastPing"`   // while the connection is lost; Online nodes pinged within 5 minutes
	AgentVersion    string            `json:"agentVersion"`
	PlatformType    string            `json:"platformType"` // Linux (also ""), Windows or MacOS
	PlatformName    string            `json:"platformName"`
	PlatformVersion string            `json:"platformVersion"`
	State           string            `json:"state"` // running (also ""), stopped or terminated
	Tags            map[string]string `json:"tags"`
	// Host runs documents really, on this host; for a Linux node only.
	Host bool `json:"host"`
	// Answer makes the node a simulated one: it is the standard output of each script that the document
	// would run there. It is not saved.
	Answer func(node string, parameters map[string][]string) string `json:"-"`
}

var nodeID = regexp.MustCompile(`^(i-[0-9a-f]{8}|i-[0-9a-f]{17}|mi-[0-9a-f]{17})$`)

// PutNode registers a node or replaces what is known of it, and delivers what waited for it.
func (s *SSM) PutNode(n Node) error {
	n.PingStatus, n.PlatformType, n.State = orElse(n.PingStatus, "Online"), orElse(n.PlatformType, "Linux"), orElse(n.State, "running")
	n.AgentVersion = orElse(n.AgentVersion, "3.3.3050.0")
	switch {
	case !nodeID.MatchString(n.ID):
		return fmt.Errorf("registering node %q: expected an id of the form i-… or mi-…", n.ID)
	case !slices.Contains([]string{"Online", "ConnectionLost"}, n.PingStatus):
		return fmt.Errorf("registering node %s: expected ping status Online or ConnectionLost, found %q", n.ID, n.PingStatus)
	case !slices.Contains([]string{"Linux", "Windows", "MacOS"}, n.PlatformType):
		return fmt.Errorf("registering node %s: expected platform Linux, Windows or MacOS, found %q", n.ID, n.PlatformType)
	case !slices.Contains([]string{"running", "stopped", "terminated"}, n.State):
		return fmt.Errorf("registering node %s: expected state running, stopped or terminated, found %q", n.ID, n.State)
	case n.Host && (n.PlatformType != "Linux" || n.Answer != nil):
		return fmt.Errorf("registering node %s: expected this host to be Linux and not simulated", n.ID)
	}
	s.mu.Lock()
	if n.LastPing.IsZero() {
		n.LastPing = s.now()
	}
	s.nodes[n.ID] = &n
	s.redeliver(n.ID, "")
	s.mu.Unlock()
	s.flush()
	return nil
}

// Node returns what is known of a node.
func (s *SSM) Node(id string) (Node, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[id]
	if n == nil {
		return Node{}, false
	}
	return *n, true
}

// RemoveNode deregisters a node; what waits for it becomes Undeliverable.
func (s *SSM) RemoveNode(id string) {
	s.mu.Lock()
	delete(s.nodes, id)
	s.redeliver(id, "")
	s.mu.Unlock()
	s.flush()
}

// Wake delivers what waits for a node that was silent and is not any more.
func (s *SSM) Wake(id string) {
	s.mu.Lock()
	s.redeliver(id, "")
	s.mu.Unlock()
	s.flush()
}

func orElse(v, fallback string) string {
	if v == "" {
		return fallback
	}
	return v
}

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
