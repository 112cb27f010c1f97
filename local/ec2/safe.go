package ec2

import (
	"fmt"
	"maps"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Copying is how long a snapshot that is made here is pending; a real one takes minutes to hours.
const Copying = 30 * time.Second

// snapshotInfoXML is SnapshotInfo in the API reference, which calls state what DescribeSnapshots calls status.
type snapshotInfoXML struct {
	ID          string   `xml:"snapshotId"`
	Volume      string   `xml:"volumeId"`
	State       string   `xml:"state"`
	Started     string   `xml:"startTime"`
	Progress    string   `xml:"progress"`
	Owner       string   `xml:"ownerId"`
	GiB         int32    `xml:"volumeSize"`
	Encrypted   bool     `xml:"encrypted"`
	Description string   `xml:"description"`
	Tags        []tagXML `xml:"tagSet>item"`
}

// createSnapshots makes snapshots of all volumes of an instance at one moment.
func (e *EC2) createSnapshots(in struct {
	Description           string
	InstanceSpecification *struct {
		InstanceId        string
		ExcludeBootVolume bool
	}
	TagSpecification []struct {
		ResourceType string
		Tag          []struct{ Key, Value string }
	}
	DryRun bool
}) (any, error) {
	if in.InstanceSpecification == nil {
		return nil, parameter("MissingParameter", "The request must contain the parameter InstanceSpecification")
	}
	picked, err := e.pick([]string{in.InstanceSpecification.InstanceId}, nil)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, s := range in.TagSpecification {
		if s.ResourceType != "snapshot" {
			return nil, parameter("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		for _, t := range s.Tag {
			tags[t.Key] = t.Value
		}
	}
	if in.DryRun {
		return nil, dryRun()
	}
	m := picked[0]
	if m.State == "terminated" {
		return nil, parameter("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be snapshotted.", m.ID)
	}
	var out struct {
		Snapshots []snapshotInfoXML `xml:"snapshotSet>item"`
	}
	now := e.config.Now()
	for _, v := range m.Volumes {
		if v.Root && in.InstanceSpecification.ExcludeBootVolume {
			continue
		}
		s := &Snapshot{
			ID: e.freeID(), Volume: v.ID, GiB: v.GiB, State: "pending", Started: now, Copied: now.Add(Copying),
			Encrypted: v.Encrypted, Key: v.Key, Description: in.Description, Tags: maps.Clone(tags),
		}
		e.snaps[s.ID] = s
		out.Snapshots = append(out.Snapshots, snapshotInfoXML{
			ID: s.ID, Volume: s.Volume, State: s.State, Started: s.Started.UTC().Format(xmlTime), Progress: "0%", Owner: e.config.Account,
			GiB: s.GiB, Encrypted: s.Encrypted, Description: s.Description, Tags: tagSet(s.Tags),
		})
	}
	return out, nil
}

func (e *EC2) freeID() string {
	for n := len(e.snaps) + 1; ; n++ {
		if id := fmt.Sprintf("snap-%017x", n); e.snaps[id] == nil {
			return id
		}
	}
}

type changeXML struct {
	InstanceID string   `xml:"instanceId"`
	Current    stateXML `xml:"currentState"`
	Previous   stateXML `xml:"previousState"`
}

// stopInstances has machines stopping; Config.Stop sees to it that they are stopped.
func (e *EC2) stopInstances(in struct {
	InstanceId []string
	DryRun     bool
}) (any, error) {
	if len(in.InstanceId) == 0 {
		return nil, parameter("MissingParameter", "The request must contain the parameter instancesSet")
	}
	picked, err := e.pick(in.InstanceId, nil)
	if err != nil {
		return nil, err
	}
	for _, m := range picked {
		if m.State == "terminated" || m.State == "shutting-down" || m.State == "pending" {
			return nil, parameter("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be stopped.", m.ID)
		}
	}
	if in.DryRun {
		return nil, dryRun()
	}
	var out struct {
		Changes []changeXML `xml:"instancesSet>item"`
	}
	for _, m := range picked {
		now := "stopping"
		if m.State == "stopped" {
			now = "stopped"
		}
		out.Changes = append(out.Changes, changeXML{m.ID, stateXML{codes[now], now}, stateXML{codes[m.State], m.State}})
		if m.State == "running" {
			m.State = now
			e.config.Stop(m.ID)
		}
	}
	return out, nil
}

func dryRun() *wire.Error {
	return &wire.Error{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
}
