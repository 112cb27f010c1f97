package ec2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Machine is one instance of the inventory.
type Machine struct {
	ID       string            `json:"id"` // i- and 8 or 17 hexadecimal digits
	State    string            `json:"state"`
	Zone     string            `json:"zone"`  // us-east-1a
	Image    string            `json:"image"` // ami-…
	Type     string            `json:"type"`  // t3.micro
	Launched time.Time         `json:"launched"`
	Profile  string            `json:"profile,omitempty"`  // the instance profile's ARN; empty means none
	Platform string            `json:"platform,omitempty"` // "windows", or empty
	Address  string            `json:"address,omitempty"`  // private IPv4 address
	Status   string            `json:"status,omitempty"`   // of both status checks while it runs; empty means ok
	Tags     map[string]string `json:"tags,omitempty"`
	Volumes  []Volume          `json:"volumes,omitempty"`
	Metadata Metadata          `json:"metadata"`
	Public   string            `json:"public,omitempty"` // public IPv4 address
	UserData string            `json:"userData,omitempty"`
	Groups   []Group           `json:"groups,omitempty"` // security groups; one of several machines is the same in each
}

// Group is a security group with the rules for what comes in.
type Group struct {
	ID      string    `json:"id"` // sg- and 8 or 17 hexadecimal digits
	Name    string    `json:"name,omitempty"`
	Inbound []Inbound `json:"inbound,omitempty"`
}

// Inbound is one rule of a security group.
type Inbound struct {
	Protocol string   `json:"protocol"` // tcp, udp, icmp, or -1 for all
	From     int32    `json:"from,omitempty"`
	To       int32    `json:"to,omitempty"`
	IPv4     []string `json:"ipv4,omitempty"`
	IPv6     []string `json:"ipv6,omitempty"`
	Groups   []string `json:"groups,omitempty"` // ids of groups whose machines are let in
	Lists    []string `json:"lists,omitempty"`  // ids of prefix lists
}

// Volume is an EBS volume attached to a machine.
type Volume struct {
	ID        string            `json:"id"` // vol- and 8 or 17 hexadecimal digits
	Device    string            `json:"device"`
	GiB       int32             `json:"gib"`
	Type      string            `json:"type"` // gp3
	Encrypted bool              `json:"encrypted"`
	Key       string            `json:"key,omitempty"` // the KMS key's ARN, of an encrypted volume
	Root      bool              `json:"root,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
}

// Metadata are the options of the instance metadata service; the zero value is EC2's own default.
type Metadata struct {
	Tokens   string `json:"tokens,omitempty"`   // required or optional; empty means required
	Endpoint string `json:"endpoint,omitempty"` // enabled or disabled; empty means enabled
	HopLimit int32  `json:"hopLimit,omitempty"` // 1 to 64; 0 means 2
}

// codes of instance states: InstanceState in the API reference.
var codes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

var (
	statuses   = []string{"ok", "impaired", "initializing", "insufficient-data", "not-applicable"}
	instanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)
	groupID    = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
	volumeID   = regexp.MustCompile(`^vol-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// ParseInventory reads a list of machines in JSON and checks it; an unknown member is an error.
func ParseInventory(text []byte) ([]Machine, error) {
	var machines []Machine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&machines); err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	seen := map[string]bool{}
	for i, m := range machines {
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("reading the inventory, machine %d: %w", i+1, err)
		}
		if seen[m.ID] {
			return nil, fmt.Errorf("reading the inventory, machine %d: id %q is there twice", i+1, m.ID)
		}
		seen[m.ID] = true
	}
	return machines, nil
}

func (m Machine) check() error {
	if !instanceID.MatchString(m.ID) {
		return fmt.Errorf("id %q, expected i- and 8 or 17 hexadecimal digits", m.ID)
	}
	if _, ok := codes[m.State]; !ok {
		return fmt.Errorf("state %q, expected pending, running, shutting-down, terminated, stopping or stopped", m.State)
	}
	if m.Status != "" && !slices.Contains(statuses, m.Status) {
		return fmt.Errorf("status %q, expected one of %v", m.Status, statuses)
	}
	if !slices.Contains([]string{"", "required", "optional"}, m.Metadata.Tokens) {
		return fmt.Errorf("metadata.tokens %q, expected required or optional", m.Metadata.Tokens)
	}
	if !slices.Contains([]string{"", "enabled", "disabled"}, m.Metadata.Endpoint) {
		return fmt.Errorf("metadata.endpoint %q, expected enabled or disabled", m.Metadata.Endpoint)
	}
	if len(m.UserData) > 16<<10 {
		return fmt.Errorf("userData of %d bytes, expected at most 16 KiB", len(m.UserData))
	}
	for _, g := range m.Groups {
		if !groupID.MatchString(g.ID) {
			return fmt.Errorf("security group id %q, expected sg- and 8 or 17 hexadecimal digits", g.ID)
		}
	}
	for _, v := range m.Volumes {
		if !volumeID.MatchString(v.ID) {
			return fmt.Errorf("volume id %q, expected vol- and 8 or 17 hexadecimal digits", v.ID)
		}
	}
	return nil
}
