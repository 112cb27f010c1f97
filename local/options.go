package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/ssm"
)

// What Options leaves open.
const (
	DefaultAddr = "127.0.0.1:4566"
	Account     = "123456789012"
	Region      = "us-east-1"
	StackName   = "keyward"
	HostMachine = "i-1234567890abcdef0" // the id of this host
	MachineRole = "keyward-machine"     // the instance role of machines that name none
	HybridRole  = "keyward-node"        // the role of hybrid nodes that name none
)

// Options are what a person chooses. The zero value runs ./template.yaml with ./build on DefaultAddr.
type Options struct {
	Template    string            // path of template.yaml
	Build       string            // folder with LOGICALID/bootstrap
	Addr        string            // loopback host:port; port 0 takes a free one
	DataDir     string            // keeps the state there; "" keeps it in memory
	Parameters  map[string]string // template parameters that differ from their defaults
	Machines    []Machine         // the inventory; nil is this host alone
	NotHere     []string          // logical ids of documents that this host does not run: there they fail
	Logger      *slog.Logger      // what the place itself has to say; discarded when nil
	Output      func(lambda.Line) // sees every line that functions write; may be nil
	Concurrency int               // processes a function; lambda.DefaultConcurrency when zero
	Real        func() time.Time  // real time; nil means time.Now
	Ahead       time.Duration     // how far virtual time is ahead of it at the start; saved state may be further
}

// Machine is one managed node of the inventory: its agent, and its instance when the id starts with i-.
type Machine struct {
	ID        string            `json:"id"`
	Role      string            `json:"role,omitempty"`  // of its instance profile, or of a hybrid node; MachineRole or HybridRole when empty
	State     string            `json:"state,omitempty"` // running (also ""), stopped or terminated
	Tags      map[string]string `json:"tags,omitempty"`
	Platform  string            `json:"platform,omitempty"` // Linux (also ""), Windows or MacOS
	Zone      string            `json:"zone,omitempty"`     // us-east-1a when empty
	Image     string            `json:"image,omitempty"`
	Volumes   []ec2.Volume      `json:"volumes,omitempty"`
	Snapshots []ec2.Snapshot    `json:"snapshots,omitempty"` // of the account, whatever becomes of the machine
	Groups    []ec2.Group       `json:"groups,omitempty"`    // security groups
	UserData  string            `json:"userData,omitempty"`
	Metadata  ec2.Metadata      `json:"metadata,omitzero"` // options of the metadata service
	Patches   *ssm.Patches      `json:"patches,omitempty"` // what Patch Manager last found; nil when it never looked
	Launched  time.Time         `json:"launched,omitzero"` // a day before it came here when zero
	// Host runs documents really, on this host. A machine that is neither this host nor has an Answer
	// never answers.
	Host bool `json:"host,omitempty"`
	// Answer makes a simulated machine: it is the standard output of each script of a document.
	Answer func(machine string, parameters map[string][]string) string `json:"-"`
}

// ReadInventory reads a JSON list of machines for Options.Machines.
func ReadInventory(path string) ([]Machine, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	var machines []Machine
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&machines); err != nil {
		return nil, fmt.Errorf("reading the inventory %s: %w", path, err)
	}
	return machines, nil
}

func (o Options) withDefaults() (Options, error) {
	set := func(s *string, to string) {
		if *s == "" {
			*s = to
		}
	}
	set(&o.Template, "template.yaml")
	set(&o.Build, "build")
	set(&o.Addr, DefaultAddr)
	build, err := filepath.Abs(o.Build)
	if err != nil {
		return o, fmt.Errorf("finding the folder %s: %w", o.Build, err)
	}
	o.Build = build
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Machines == nil {
		o.Machines = []Machine{{ID: HostMachine, Host: true, Tags: map[string]string{"keyward:guarded": "true"}}}
	}
	parameters := map[string]string{"SenderAddress": "keyward@example.com", "AccountContact": "ops@example.com"}
	for name, value := range o.Parameters {
		parameters[name] = value
	}
	o.Parameters, o.Machines = parameters, slices.Clone(o.Machines)
	return o, loopback(o.Addr)
}

// AddressError is the error of Start about an address that it does not listen on, whoever has it.
type AddressError struct{ text string }

func (e *AddressError) Error() string { return e.text }

// loopback refuses an address that other hosts could reach: documents run on this one.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return &AddressError{fmt.Sprintf("reading the address %q: expected host:port", addr)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return &AddressError{fmt.Sprintf("reading the address %q: expected a loopback host such as 127.0.0.1, since documents run on this host", addr)}
	}
	return nil
}
