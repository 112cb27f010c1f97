package ec2

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Snapshot is an EBS snapshot of this account.
type Snapshot struct {
	ID          string            `json:"id"`     // snap- and 8 or 17 hexadecimal digits
	Volume      string            `json:"volume"` // it was made of; vol-ffffffff of a copy
	GiB         int32             `json:"gib"`
	State       string            `json:"state"` // pending, completed or error
	Started     time.Time         `json:"started"`
	Encrypted   bool              `json:"encrypted"`
	Key         string            `json:"key,omitempty"` // the KMS key's ARN, of an encrypted snapshot
	Description string            `json:"description,omitempty"`
	Copied      time.Time         `json:"copied,omitzero"` // it is pending until then; zero stays as it is
	Tags        map[string]string `json:"tags,omitempty"`
}

var (
	snapshotID     = regexp.MustCompile(`^snap-([0-9a-f]{8}|[0-9a-f]{17})$`)
	snapshotStates = []string{"pending", "completed", "error"}
	progress       = map[string]string{"pending": "50%", "completed": "100%", "error": "0%"}
)

func (s *Snapshot) check() error {
	switch {
	case !snapshotID.MatchString(s.ID):
		return fmt.Errorf("snapshot id %q, expected snap- and 8 or 17 hexadecimal digits", s.ID)
	case !volumeID.MatchString(s.Volume):
		return fmt.Errorf("snapshot %s: volume id %q, expected vol- and 8 or 17 hexadecimal digits", s.ID, s.Volume)
	case !slices.Contains(snapshotStates, s.State):
		return fmt.Errorf("snapshot %s: state %q, expected one of %v", s.ID, s.State, snapshotStates)
	}
	return nil
}

// AddSnapshot puts a snapshot into the inventory, or another one in its place. It stays when its volume goes.
func (e *EC2) AddSnapshot(s Snapshot) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("adding a snapshot: %w", err)
	}
	s.Tags = maps.Clone(s.Tags)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.snaps[s.ID] = &s
	return nil
}

func (e *EC2) snapshots() []*Snapshot {
	list := make([]*Snapshot, 0, len(e.snaps))
	for _, id := range slices.Sorted(maps.Keys(e.snaps)) {
		list = append(list, e.snaps[id])
	}
	return list
}

func (s *Snapshot) value(name string) ([]string, bool) {
	switch name {
	case "snapshot-id":
		return []string{s.ID}, true
	case "volume-id":
		return []string{s.Volume}, true
	case "encrypted":
		return []string{strconv.FormatBool(s.Encrypted)}, true
	case "status":
		return []string{s.State}, true
	}
	return nil, false
}

type snapshotXML struct {
	ID          string   `xml:"snapshotId"`
	Volume      string   `xml:"volumeId"`
	State       string   `xml:"status"`
	Started     string   `xml:"startTime"`
	Progress    string   `xml:"progress"`
	Owner       string   `xml:"ownerId"`
	GiB         int32    `xml:"volumeSize"`
	Description string   `xml:"description"`
	Tier        string   `xml:"storageTier"`
	Encrypted   bool     `xml:"encrypted"`
	Key         string   `xml:"kmsKeyId,omitempty"`
	Tags        []tagXML `xml:"tagSet>item"`
}

// describeSnapshots knows the account's own: those of others, public ones among them, are not here, so a
// call that would also list them is refused.
func (e *EC2) describeSnapshots(in struct {
	paging
	Owner      []string
	SnapshotId []string
}) (any, error) {
	if len(in.SnapshotId) == 0 && len(in.Owner) == 0 {
		return nil, wire.Unimplemented("ec2.DescribeSnapshots without Owner or SnapshotId, which lists those of others too")
	}
	for _, o := range in.Owner {
		if o != "self" && o != e.config.Account {
			return nil, wire.Unimplemented("Owner %s of ec2.DescribeSnapshots, only self", o)
		}
	}
	for _, id := range in.SnapshotId {
		if e.snaps[id] == nil {
			return nil, parameter("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
		}
	}
	var picked []*Snapshot
	for _, s := range e.snapshots() {
		if s.State == "pending" && !s.Copied.IsZero() && !e.config.Now().Before(s.Copied) {
			s.State = "completed"
		}
		ok, err := passes(in.Filter, s.Tags, s.value)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.SnapshotId) == 0 || slices.Contains(in.SnapshotId, s.ID)) {
			picked = append(picked, s)
		}
	}
	picked, next, err := page(in.paging, len(in.SnapshotId) > 0, 5, picked, func(s *Snapshot) string { return s.ID })
	if err != nil {
		return nil, err
	}
	var out struct {
		Snapshots []snapshotXML `xml:"snapshotSet>item"`
		NextToken string        `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, s := range picked {
		out.Snapshots = append(out.Snapshots, snapshotXML{s.ID, s.Volume, s.State, s.Started.UTC().Format(xmlTime), progress[s.State],
			e.config.Account, s.GiB, s.Description, "standard", s.Encrypted, s.Key, tagSet(s.Tags)})
	}
	return out, nil
}
