package local

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/local/wire"
)

// Machines is the inventory, by id.
func (s *Server) Machines() []Machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.machines), func(a, b Machine) int { return cmp.Compare(a.ID, b.ID) })
}

// machine is what is known of a machine; of an unknown one the id alone.
func (s *Server) machine(id string) Machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.machines[id]; ok {
		m.Tags = maps.Clone(m.Tags)
		return m
	}
	return Machine{ID: id}
}

// PutMachine adds a machine or changes what is known of it: instance, agent and state. A change of an
// instance's state is an event on the bus, as EC2 sends it.
func (s *Server) PutMachine(m Machine) error {
	s.mu.Lock()
	before, known := s.machines[m.ID]
	s.mu.Unlock()
	if known && m.Answer == nil {
		m.Answer = before.Answer
	}
	if m.Launched.IsZero() {
		m.Launched = cmp.Or(before.Launched, s.clock.Now().Add(-24*time.Hour))
	}
	role, service := MachineRole, "ec2.amazonaws.com"
	if strings.HasPrefix(m.ID, "mi-") {
		role, service = HybridRole, "ssm.amazonaws.com"
	}
	m.Role, m.State, m.Platform = cmp.Or(m.Role, role), cmp.Or(m.State, "running"), cmp.Or(m.Platform, "Linux")
	m.Zone, m.Image = cmp.Or(m.Zone, s.stack.Region+"a"), cmp.Or(m.Image, "ami-0123456789abcdef0")
	s.services.iam.Provide(m.Role, service)
	err := s.services.ssm.PutNode(ssm.Node{
		ID: m.ID, State: m.State, Tags: m.Tags, PlatformType: m.Platform, Host: m.Host, Answer: m.Answer, Patches: m.Patches, IAMRole: m.Role,
		ComputerName: "ip-10-0-0-10.ec2.internal", IPAddress: "10.0.0.10",
	})
	if err != nil {
		return err
	}
	if strings.HasPrefix(m.ID, "i-") {
		if err := s.putInstance(m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.machines[m.ID] = m
	s.mu.Unlock()
	return nil
}

func (s *Server) putInstance(m Machine) error {
	instance := ec2.Machine{
		ID: m.ID, State: m.State, Zone: m.Zone, Image: m.Image, Type: "t3.micro", Launched: m.Launched, Tags: m.Tags,
		Profile: "arn:aws:iam::" + s.stack.Account + ":instance-profile/" + m.Role, Address: "10.0.0.10", Volumes: m.Volumes, Groups: m.Groups, Metadata: m.Metadata, UserData: m.UserData,
	}
	if m.Platform == "Windows" {
		instance.Platform = "windows"
	}
	now, known := s.services.ec2.Machine(m.ID)
	if known {
		instance.State, instance.Launched, instance.Status = now.State, now.Launched, now.Status
	}
	if err := s.services.ec2.Add(instance); err != nil {
		return err
	}
	for _, snap := range m.Snapshots {
		snap.State, snap.Started = cmp.Or(snap.State, "completed"), cmp.Or(snap.Started, m.Launched)
		if err := s.services.ec2.AddSnapshot(snap); err != nil {
			return err
		}
	}
	return s.services.ec2.SetState(m.ID, m.State)
}

// stopping is how long an instance here takes to stop.
const stopping = 20 * time.Second

// stopLater stops a machine that EC2 was asked to stop: its agent falls silent, and its event is sent.
func (s *Server) stopLater(id string) {
	s.clock.After(stopping, "stop of "+id, func() {
		m := s.machine(id)
		m.State = "stopped"
		if err := s.PutMachine(m); err != nil {
			s.options.Logger.Error("stopping a machine", "machine", id, "error", err)
		}
	})
}

// inventory keeps the machines; what the services know of them they keep themselves.
type inventory struct{ s *Server }

// Save is the machines.
func (i inventory) Save() (json.RawMessage, error) { return json.Marshal(i.s.Machines()) }

// Load puts saved machines before those of the options, whose answers they keep.
func (i inventory) Load(b json.RawMessage) error {
	var saved []Machine
	if err := json.Unmarshal(b, &saved); err != nil {
		return err
	}
	for _, m := range saved {
		at := slices.IndexFunc(i.s.options.Machines, func(o Machine) bool { return o.ID == m.ID })
		if at < 0 {
			i.s.options.Machines = append(i.s.options.Machines, m)
			continue
		}
		m.Answer, m.Host = i.s.options.Machines[at].Answer, i.s.options.Machines[at].Host
		i.s.options.Machines[at] = m
	}
	return nil
}

// MachineCredentials are the keys of a machine's role session, the same until the place ends.
func (s *Server) MachineCredentials(id string) (wire.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.machines[id]
	if !ok {
		return wire.Key{}, fmt.Errorf("looking for machine %s: it is not in the inventory", id)
	}
	key, ok := s.machineKeys[id]
	if !ok {
		key = s.keys.Issue(wire.Principal{
			Kind: wire.Machine, Account: s.stack.Account, UserID: "AROAEXAMPLEMACHINE:" + id,
			ARN: sessionARN(s.stack.Account, m.Role, id),
		})
		s.machineKeys[id] = key
	}
	return key, nil
}

// Credentials are the operator's keys: a person with all rights in the account.
func (s *Server) Credentials() wire.Key { return s.operator }

func sessionARN(account, role, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
}
