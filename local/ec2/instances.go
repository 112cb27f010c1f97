package ec2

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The XML of EC2, as far as it is filled: Instance, InstanceStatus and their parts in the API reference.

const xmlTime = "2006-01-02T15:04:05.000Z"

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type stateXML struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

type instanceXML struct {
	InstanceID string   `xml:"instanceId"`
	ImageID    string   `xml:"imageId"`
	State      stateXML `xml:"instanceState"`
	Type       string   `xml:"instanceType"`
	LaunchTime string   `xml:"launchTime"`
	Zone       string   `xml:"placement>availabilityZone"`
	Tenancy    string   `xml:"placement>tenancy"`
	Platform   string   `xml:"platform,omitempty"`
	Address    string   `xml:"privateIpAddress,omitempty"`
	RootType   string   `xml:"rootDeviceType"`
	RootName   string   `xml:"rootDeviceName,omitempty"`
	Profile    *struct {
		ARN string `xml:"arn"`
		ID  string `xml:"id"`
	} `xml:"iamInstanceProfile"`
	Public   string      `xml:"ipAddress,omitempty"`
	Groups   []groupXML  `xml:"groupSet>item"`
	Devices  []deviceXML `xml:"blockDeviceMapping>item"`
	Tags     []tagXML    `xml:"tagSet>item"`
	Metadata struct {
		State    string `xml:"state"`
		Tokens   string `xml:"httpTokens"`
		Endpoint string `xml:"httpEndpoint"`
		HopLimit int32  `xml:"httpPutResponseHopLimit"`
	} `xml:"metadataOptions"`
}

type deviceXML struct {
	Name     string `xml:"deviceName"`
	VolumeID string `xml:"ebs>volumeId"`
	Status   string `xml:"ebs>status"`
	Attached string `xml:"ebs>attachTime"`
	Delete   bool   `xml:"ebs>deleteOnTermination"`
}

type reservationXML struct {
	ID        string        `xml:"reservationId"`
	OwnerID   string        `xml:"ownerId"`
	Instances []instanceXML `xml:"instancesSet>item"`
}

func tagSet(tags map[string]string) []tagXML {
	var set []tagXML
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, tagXML{name, tags[name]})
	}
	return set
}

func (m *Machine) xml() instanceXML {
	x := instanceXML{
		InstanceID: m.ID, ImageID: m.Image, State: stateXML{codes[m.State], m.State}, Type: m.Type, Zone: m.Zone, Tenancy: "default",
		LaunchTime: m.Launched.UTC().Format(xmlTime), Platform: m.Platform, Address: m.Address, RootType: "ebs", Tags: tagSet(m.Tags),
	}
	x.Public = m.Public
	for _, g := range m.Groups {
		x.Groups = append(x.Groups, groupXML{g.ID, g.Name})
	}
	x.Metadata.State = "applied"
	x.Metadata.Tokens = cmp.Or(m.Metadata.Tokens, "required")
	x.Metadata.Endpoint = cmp.Or(m.Metadata.Endpoint, "enabled")
	x.Metadata.HopLimit = cmp.Or(m.Metadata.HopLimit, 2)
	if m.Profile != "" {
		x.Profile = &struct {
			ARN string `xml:"arn"`
			ID  string `xml:"id"`
		}{m.Profile, "AIPADBQP57FF2AEXAMPLE"}
	}
	if m.State == "terminated" {
		return x
	}
	for _, v := range m.Volumes {
		if v.Root {
			x.RootName = v.Device
		}
		x.Devices = append(x.Devices, deviceXML{v.Device, v.ID, "attached", m.Launched.UTC().Format(xmlTime), v.Root})
	}
	return x
}

// value is what a machine has under the names of filters.
func (m *Machine) value(name string) ([]string, bool) {
	switch name {
	case "instance-id":
		return []string{m.ID}, true
	case "instance-state-name":
		return []string{m.State}, true
	case "instance-state-code":
		return []string{strconv.Itoa(codes[m.State])}, true
	case "availability-zone":
		return []string{m.Zone}, true
	case "iam-instance-profile.arn":
		return []string{m.Profile}, true
	}
	return nil, false
}

// pick returns the machines that are named, or all, and that pass the filters.
func (e *EC2) pick(ids []string, filters []filter) ([]*Machine, error) {
	for _, id := range ids {
		if !instanceID.MatchString(id) {
			return nil, parameter("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
		}
	}
	var unknown []string
	for _, id := range ids {
		if e.machines[id] == nil {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 1 {
		return nil, parameter("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", unknown[0])
	}
	if len(unknown) > 1 {
		return nil, parameter("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(unknown, ", "))
	}
	var picked []*Machine
	for _, m := range e.sorted() {
		if len(ids) > 0 && !slices.Contains(ids, m.ID) {
			continue
		}
		ok, err := passes(filters, m.Tags, m.value)
		if err != nil {
			return nil, err
		}
		if ok {
			picked = append(picked, m)
		}
	}
	return picked, nil
}

func machineName(m *Machine) string { return m.ID }

func (e *EC2) describeInstances(in struct {
	paging
	InstanceId []string
}) (any, error) {
	picked, err := e.pick(in.InstanceId, in.Filter)
	if err != nil {
		return nil, err
	}
	picked, next, err := page(in.paging, len(in.InstanceId) > 0, 5, picked, machineName)
	if err != nil {
		return nil, err
	}
	var out struct {
		Reservations []reservationXML `xml:"reservationSet>item"`
		NextToken    string           `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, m := range picked {
		out.Reservations = append(out.Reservations, reservationXML{"r-" + strings.TrimPrefix(m.ID, "i-"), e.config.Account, []instanceXML{m.xml()}})
	}
	return out, nil
}

type summaryXML struct {
	Status string `xml:"status"`
	Name   string `xml:"details>item>name"`
	Detail string `xml:"details>item>status"`
}

type statusXML struct {
	InstanceID string     `xml:"instanceId"`
	Zone       string     `xml:"availabilityZone"`
	State      stateXML   `xml:"instanceState"`
	System     summaryXML `xml:"systemStatus"`
	Instance   summaryXML `xml:"instanceStatus"`
}

// details are what reachability says under each summary: InstanceStatusDetails in the API reference.
var details = map[string]string{"ok": "passed", "impaired": "failed", "initializing": "initializing", "insufficient-data": "insufficient-data", "not-applicable": "not-applicable"}

func (m *Machine) statusXML() statusXML {
	status := "not-applicable"
	if m.State == "running" {
		status = cmp.Or(m.Status, "ok")
	}
	summary := summaryXML{status, "reachability", details[status]}
	return statusXML{m.ID, m.Zone, stateXML{codes[m.State], m.State}, summary, summary}
}

func (e *EC2) describeInstanceStatus(in struct {
	paging
	InstanceId          []string
	IncludeAllInstances bool
}) (any, error) {
	picked, err := e.pick(in.InstanceId, in.Filter)
	if err != nil {
		return nil, err
	}
	if !in.IncludeAllInstances {
		picked = slices.DeleteFunc(picked, func(m *Machine) bool { return m.State != "running" })
	}
	picked, next, err := page(in.paging, len(in.InstanceId) > 0, 5, picked, machineName)
	if err != nil {
		return nil, err
	}
	var out struct {
		Statuses  []statusXML `xml:"instanceStatusSet>item"`
		NextToken string      `xml:"nextToken,omitempty"`
	}
	out.NextToken = next
	for _, m := range picked {
		out.Statuses = append(out.Statuses, m.statusXML())
	}
	return out, nil
}
