package ssm

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Node is one managed node. A node that is neither this host nor has an Answer never answers.
type Node struct {
	ID              string            `json:"id"`                // i-… or mi-…
	Name            string            `json:"name"`              // of a hybrid node, as it was registered
	IAMRole         string            `json:"iamRole,omitempty"` // of a hybrid node, as it was registered
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
	// Patches is what Patch Manager last found; nil means that it never looked.
	Patches *Patches `json:"patches,omitempty"`
	// Host runs documents really, on this host; for a Linux node only.
	Host bool `json:"host"`
	// Answer makes the node a simulated one: it is the standard output of each script that the document
	// would run there. It is not saved.
	Answer func(node string, parameters map[string][]string) string `json:"-"`
}

// Patches is the outcome of a scan.
type Patches struct {
	Ended         time.Time `json:"ended"`
	Missing       int32     `json:"missing"`
	Critical      int32     `json:"critical"`
	Security      int32     `json:"security"`
	Failed        int32     `json:"failed"`
	RebootPending int32     `json:"rebootPending"`
	Installed     int32     `json:"installed"`
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
