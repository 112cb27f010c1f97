package ec2

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

// attached is a volume with the machine that has it.
type attached struct {
	*Volume
	machine *Machine
}

// volumes are those of machines that exist: what was terminated has none any more.
func (e *EC2) volumes() []attached {
	var list []attached
	for _, m := range e.sorted() {
		if m.State == "terminated" {
			continue
		}
		for i := range m.Volumes {
			list = append(list, attached{&m.Volumes[i], m})
		}
	}
	slices.SortFunc(list, func(a, b attached) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (v attached) value(name string) ([]string, bool) {
	switch name {
	case "volume-id":
		return []string{v.ID}, true
	case "attachment.instance-id":
		return []string{v.machine.ID}, true
	case "encrypted":
		return []string{strconv.FormatBool(v.Encrypted)}, true
	case "status":
		return []string{"in-use"}, true
	}
	return nil, false
}

type attachmentXML struct {
	VolumeID   string `xml:"volumeId"`
	InstanceID string `xml:"instanceId"`
	Device     string `xml:"device"`
	Status     string `xml:"status"`
	Attached   string `xml:"attachTime"`
	Delete     bool   `xml:"deleteOnTermination"`
}

type volumeXML struct {
	ID          string          `xml:"volumeId"`
	Size        int32           `xml:"size"`
	Zone        string          `xml:"availabilityZone"`
	Status      string          `xml:"status"`
	Created     string          `xml:"createTime"`
	Type        string          `xml:"volumeType"`
	Encrypted   bool            `xml:"encrypted"`
	Key         string          `xml:"kmsKeyId,omitempty"`
	Attachments []attachmentXML `xml:"attachmentSet>item"`
	Tags        []tagXML        `xml:"tagSet>item"`
}

func (e *EC2) describeVolumes(in struct {
	paging
	VolumeId                []string
	IncludeManagedResources bool // there are none here
}) (any, error) {
	list := e.volumes()
	for _, id := range in.VolumeId {
		if !slices.ContainsFunc(list, func(v attached) bool { return v.ID == id }) {
			return nil, parameter("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
		}
	}
	var picked []attached
	for _, v := range list {
		ok, err := passes(in.Filter, v.Tags, v.value)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.VolumeId) == 0 || slices.Contains(in.VolumeId, v.ID)) {
			picked = append(picked, v)
		}
	}
	picked, next, err := page(in.paging, len(in.VolumeId) > 0, 5, picked, func(v attached) string { return v.ID })
	if err != nil {
		return nil, err
	}
	var out struct {
		Volumes   []volumeXML `xml:"volumeSet>item"`
		NextToken string      `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, v := range picked {
		at := v.machine.Launched.UTC().Format(xmlTime)
		out.Volumes = append(out.Volumes, volumeXML{v.ID, v.GiB, v.machine.Zone, "in-use", at, v.Type, v.Encrypted, v.Key,
			[]attachmentXML{{v.ID, v.machine.ID, v.Device, "attached", at, v.Root}}, tagSet(v.Tags)})
	}
	return out, nil
}

type tagEntryXML struct {
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	Key          string `xml:"key"`
	Value        string `xml:"value"`
}

// name puts the tags of one resource beside each other, whatever their keys are.
func (t tagEntryXML) name() string { return t.ResourceID + "\x00" + t.Key }

func (t tagEntryXML) value(name string) ([]string, bool) {
	switch name {
	case "resource-id":
		return []string{t.ResourceID}, true
	case "resource-type":
		return []string{t.ResourceType}, true
	case "key":
		return []string{t.Key}, true
	case "value":
		return []string{t.Value}, true
	}
	return nil, false
}

func (e *EC2) describeTags(in struct{ paging }) (any, error) {
	var all []tagEntryXML
	for _, m := range e.sorted() {
		for _, t := range tagSet(m.Tags) {
			all = append(all, tagEntryXML{m.ID, "instance", t.Key, t.Value})
		}
	}
	for _, v := range e.volumes() {
		for _, t := range tagSet(v.Tags) {
			all = append(all, tagEntryXML{v.ID, "volume", t.Key, t.Value})
		}
	}
	slices.SortFunc(all, func(a, b tagEntryXML) int { return cmp.Compare(a.name(), b.name()) })
	var picked []tagEntryXML
	for _, t := range all {
		ok, err := passes(in.Filter, map[string]string{t.Key: t.Value}, t.value)
		if err != nil {
			return nil, err
		}
		if ok {
			picked = append(picked, t)
		}
	}
	picked, next, err := page(in.paging, false, 5, picked, tagEntryXML.name)
	if err != nil {
		return nil, err
	}
	return struct {
		Tags      []tagEntryXML `xml:"tagSet>item"`
		NextToken string        `xml:"nextToken,omitempty"`
	}{picked, next}, nil
}

const maxTags = 50 // a resource

func (e *EC2) createTags(in struct {
	ResourceId []string
	Tag        []struct{ Key, Value string }
	DryRun     bool
}) (any, error) {
	if len(in.ResourceId) == 0 || len(in.Tag) == 0 {
		return nil, parameter("MissingParameter", "The request must contain the parameters resourceIdSet and tagSet")
	}
	var targets []*map[string]string
	for _, id := range in.ResourceId {
		tags, err := e.tagsOf(id)
		if err != nil {
			return nil, err
		}
		targets = append(targets, tags)
	}
	added := map[string]string{}
	for _, t := range in.Tag {
		if t.Key == "" || len(t.Key) > 127 || len(t.Value) > 255 || strings.HasPrefix(t.Key, "aws:") {
			return nil, parameter("InvalidParameterValue", "Tag %q: expected a key of 1 to 127 characters that does not start with aws:, and a value of at most 255", t.Key)
		}
		added[t.Key] = t.Value
	}
	for _, tags := range targets {
		if n := len(merged(*tags, added)); n > maxTags {
			return nil, parameter("TagLimitExceeded", "%d tags, expected at most %d", n, maxTags)
		}
	}
	if in.DryRun {
		return nil, &wire.Error{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
	}
	for _, tags := range targets {
		*tags = merged(*tags, added)
	}
	return nil, nil
}

func merged(old, added map[string]string) map[string]string {
	all := make(map[string]string, len(old)+len(added))
	for _, tags := range []map[string]string{old, added} {
		for name, value := range tags {
			all[name] = value
		}
	}
	return all
}

// tagsOf is where the tags of a machine or volume are.
func (e *EC2) tagsOf(id string) (*map[string]string, error) {
	switch {
	case instanceID.MatchString(id):
		if m := e.machines[id]; m != nil {
			return &m.Tags, nil
		}
		return nil, parameter("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
	case volumeID.MatchString(id):
		for _, v := range e.volumes() {
			if v.ID == id {
				return &v.Tags, nil
			}
		}
		return nil, parameter("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
	}
	return nil, parameter("InvalidID", "The ID '%s' is not valid", id)
}
