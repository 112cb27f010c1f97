package ec2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const web = "i-1234567890abcdef0"

var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asPerson = wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: "123456789012"}
	machine  = ec2.Machine{ID: web, State: "running", Zone: "us-east-1a", Image: "ami-0abcdef1234567890", Type: "t3.micro", Launched: noon.Add(-time.Hour),
		Profile: "arn:aws:iam::123456789012:instance-profile/web", Address: "10.0.0.5", Tags: map[string]string{"Name": "web", "owner": "a<b>@example.com"},
		Volumes: []ec2.Volume{
			{ID: "vol-1234567890abcdef0", Device: "/dev/xvda", GiB: 8, Type: "gp3", Root: true},
			{ID: "vol-0598c7d356eba48d7", Device: "/dev/sdf", GiB: 100, Type: "gp3", Encrypted: true, Key: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", Tags: map[string]string{"Name": "data"}},
		}}
)

type place struct {
	*ec2.EC2
	events []ec2.Event
	client *sdk.Client
}

func start(t *testing.T, who wire.Principal, machines ...ec2.Machine) *place {
	t.Helper()
	p := &place{}
	p.EC2 = ec2.New(ec2.Config{Account: "123456789012", Region: "us-east-1", Now: func() time.Time { return noon }, Publish: func(e ec2.Event) { p.events = append(p.events, e) }}, machines...)
	issued := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: issued})
	if err := server.Register(p.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	k := issued.Issue(who)
	p.client = sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &listener.URL, RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)})
	return p
}

// fleet is n machines in turn running and stopped, named in order.
func fleet(n int) []ec2.Machine {
	var list []ec2.Machine
	for i := range n {
		m := ec2.Machine{ID: fmt.Sprintf("i-%08x", i), State: []string{"running", "stopped"}[i%2], Tags: map[string]string{"n": fmt.Sprint("x/", i)},
			Volumes: []ec2.Volume{{ID: fmt.Sprintf("vol-%08x", n-i)}}}
		list = append(list, m)
	}
	return list
}

func wantsCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error = %v, want %s", err, code)
	}
}

func only(t *testing.T, out *sdk.DescribeInstancesOutput, err error) types.Instance {
	t.Helper()
	if err != nil || len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		t.Fatalf("DescribeInstances = %+v, %v; want one instance", out, err)
	}
	return out.Reservations[0].Instances[0]
}

func TestDescribeInstances(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	out, err := p.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{web}})
	i := only(t, out, err)
	got := []any{*i.InstanceId, *i.ImageId, i.State.Name, *i.State.Code, i.InstanceType, i.LaunchTime.Equal(machine.Launched), *i.Placement.AvailabilityZone, *i.IamInstanceProfile.Arn, *i.PrivateIpAddress,
		*i.Tags[0].Key, *i.Tags[0].Value, *i.Tags[1].Value, i.MetadataOptions.HttpTokens, i.MetadataOptions.HttpEndpoint, *i.MetadataOptions.HttpPutResponseHopLimit,
		len(i.BlockDeviceMappings), *i.BlockDeviceMappings[1].DeviceName, *i.BlockDeviceMappings[1].Ebs.VolumeId, *i.BlockDeviceMappings[1].Ebs.DeleteOnTermination, *i.RootDeviceName, *out.Reservations[0].OwnerId}
	want := []any{web, machine.Image, types.InstanceStateNameRunning, int32(16), types.InstanceTypeT3Micro, true, "us-east-1a", machine.Profile, "10.0.0.5",
		"Name", "web", "a<b>@example.com", types.HttpTokensStateRequired, types.InstanceMetadataEndpointStateEnabled, int32(2),
		2, "/dev/sdf", "vol-0598c7d356eba48d7", false, "/dev/xvda", "123456789012"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func (p *place) ids(t *testing.T, in sdk.DescribeInstancesInput) string {
	t.Helper()
	var ids []string
	pages := sdk.NewDescribeInstancesPaginator(p.client, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Reservations {
			ids = append(ids, strings.TrimLeft(*r.Instances[0].InstanceId, "i-0"))
		}
	}
	return strings.Join(ids, " ")
}

func filters(pairs ...string) []types.Filter {
	var list []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Filter{Name: aws.String(pairs[i]), Values: strings.Split(pairs[i+1], ",")})
	}
	return list
}

func TestFiltersAndPages(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, fleet(13)...)
	for _, c := range []struct {
		name string
		in   sdk.DescribeInstancesInput
		want string
	}{
		{"all", sdk.DescribeInstancesInput{}, " 1 2 3 4 5 6 7 8 9 a b c"},
		{"in pages", sdk.DescribeInstancesInput{MaxResults: aws.Int32(5)}, " 1 2 3 4 5 6 7 8 9 a b c"},
		{"named", sdk.DescribeInstancesInput{InstanceIds: []string{"i-0000000c", "i-00000001"}}, "1 c"},
		{"by state", sdk.DescribeInstancesInput{Filters: filters("instance-state-name", "stopped"), MaxResults: aws.Int32(5)}, "1 3 5 7 9 b"},
		{"by id, unknown ones left out", sdk.DescribeInstancesInput{Filters: filters("instance-id", "i-00000002,i-ffffffff")}, "2"},
		{"by tag", sdk.DescribeInstancesInput{Filters: filters("tag:n", "x/3,x/4")}, "3 4"},
		{"by tag pattern", sdk.DescribeInstancesInput{Filters: filters("tag:n", "x*1?")}, "a b c"},
		{"by tag key", sdk.DescribeInstancesInput{Filters: filters("tag-key", "none")}, ""},
		{"both", sdk.DescribeInstancesInput{Filters: filters("tag:n", "x/3,x/4", "instance-state-name", "running")}, "4"},
		{"a bracket is no pattern", sdk.DescribeInstancesInput{Filters: filters("tag:n", "x/[0-9]")}, ""},
	} {
		if got := p.ids(t, c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDescribeRefuses(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	for _, c := range []struct {
		code string
		in   sdk.DescribeInstancesInput
	}{
		{"InvalidInstanceID.NotFound", sdk.DescribeInstancesInput{InstanceIds: []string{"i-00000000"}}},
		{"InvalidInstanceID.NotFound", sdk.DescribeInstancesInput{InstanceIds: []string{"i-00000000", "i-00000001", web}}},
		{"InvalidInstanceID.Malformed", sdk.DescribeInstancesInput{InstanceIds: []string{"web"}}},
		{"InvalidParameterCombination", sdk.DescribeInstancesInput{InstanceIds: []string{web}, MaxResults: aws.Int32(5)}},
		{"InvalidParameterValue", sdk.DescribeInstancesInput{MaxResults: aws.Int32(4)}},
		{"InvalidParameterValue", sdk.DescribeInstancesInput{MaxResults: aws.Int32(1001)}},
		{"InvalidParameterValue", sdk.DescribeInstancesInput{NextToken: aws.String("!")}},
		{"InvalidParameterValue", sdk.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("instance-id")}}}},
		{"NotImplemented", sdk.DescribeInstancesInput{Filters: filters("vpc-id", "vpc-1")}},
		{"NotImplemented", sdk.DescribeInstancesInput{IncludeManagedResources: aws.Bool(true)}},
		{"DryRunOperation", sdk.DescribeInstancesInput{DryRun: aws.Bool(true)}},
	} {
		_, err := p.client.DescribeInstances(t.Context(), &c.in)
		wantsCode(t, err, c.code)
	}
	asMachine := wire.Principal{Kind: wire.Machine, ARN: "arn:aws:sts::123456789012:assumed-role/web/" + web}
	_, err := start(t, asMachine, machine).client.DescribeInstances(t.Context(), nil)
	wantsCode(t, err, "UnauthorizedOperation")
}

func TestDescribeInstanceStatus(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, fleet(3)...)
	if err := p.SetStatus("i-00000002", "impaired"); err != nil {
		t.Fatal(err)
	}
	states := func(in sdk.DescribeInstanceStatusInput) string {
		out, err := p.client.DescribeInstanceStatus(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, s := range out.InstanceStatuses {
			text += fmt.Sprintf("%s %s %s %s %s %s;", strings.TrimLeft(*s.InstanceId, "i-0"), s.InstanceState.Name, s.InstanceStatus.Status, s.SystemStatus.Status, s.SystemStatus.Details[0].Name, s.SystemStatus.Details[0].Status)
		}
		return text
	}
	if got, want := states(sdk.DescribeInstanceStatusInput{}), " running ok ok reachability passed;2 running impaired impaired reachability failed;"; got != want {
		t.Errorf("running = %q, want %q", got, want)
	}
	in := sdk.DescribeInstanceStatusInput{InstanceIds: []string{"i-00000001"}, IncludeAllInstances: aws.Bool(true)}
	if got, want := states(in), "1 stopped not-applicable not-applicable reachability not-applicable;"; got != want {
		t.Errorf("stopped = %q, want %q", got, want)
	}
	if got := states(sdk.DescribeInstanceStatusInput{InstanceIds: []string{"i-00000001"}}); got != "" {
		t.Errorf("stopped, running alone asked = %q", got)
	}
	if p.SetStatus("i-00000000", "fine") == nil || p.SetStatus("i-ffffffff", "ok") == nil {
		t.Error("SetStatus took a status or a machine that is not there")
	}
}

func TestDescribeVolumes(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, append(fleet(7), machine)...)
	out, err := p.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{Filters: filters("attachment.instance-id", web, "encrypted", "true")})
	if err != nil || len(out.Volumes) != 1 {
		t.Fatalf("DescribeVolumes = %+v, %v", out, err)
	}
	v := out.Volumes[0]
	got := []any{*v.VolumeId, *v.Size, v.State, v.VolumeType, *v.Encrypted, *v.KmsKeyId, *v.Attachments[0].InstanceId, *v.Attachments[0].Device, v.Attachments[0].State, *v.Tags[0].Value, *v.AvailabilityZone}
	want := []any{"vol-0598c7d356eba48d7", int32(100), types.VolumeStateInUse, types.VolumeTypeGp3, true, machine.Volumes[1].Key, web, "/dev/sdf", types.VolumeAttachmentStateAttached, "data", "us-east-1a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	n := 0
	pages := sdk.NewDescribeVolumesPaginator(p.client, &sdk.DescribeVolumesInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Volumes)
	}
	if n != 9 {
		t.Errorf("%d volumes in pages, want 9", n)
	}
	_, err = p.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{VolumeIds: []string{"vol-ffffffff"}})
	wantsCode(t, err, "InvalidVolume.NotFound")
	_, err = p.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{Filters: filters("size", "8")})
	wantsCode(t, err, "NotImplemented")
	out, err = p.client.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{VolumeIds: []string{"vol-1234567890abcdef0"}})
	if err != nil || len(out.Volumes) != 1 {
		t.Errorf("by id: %+v, %v", out, err)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	_, err := p.client.CreateTags(t.Context(), &sdk.CreateTagsInput{Resources: []string{web, "vol-1234567890abcdef0"}, Tags: []types.Tag{tag("keyward:policy", "web"), tag("Name", "new")}})
	if err != nil {
		t.Fatal(err)
	}
	list := func(f ...string) string {
		var text []string
		pages := sdk.NewDescribeTagsPaginator(p.client, &sdk.DescribeTagsInput{Filters: filters(f...), MaxResults: aws.Int32(5)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Tags {
				text = append(text, fmt.Sprintf("%s %s=%s", d.ResourceType, *d.Key, *d.Value))
			}
		}
		return strings.Join(text, ",")
	}
	if got, want := list(), "instance Name=new,instance keyward:policy=web,instance owner=a<b>@example.com,volume Name=data,volume Name=new,volume keyward:policy=web"; got != want {
		t.Errorf("DescribeTags = %q, want %q", got, want)
	}
	if got, want := list("resource-id", web, "key", "keyward:*"), "instance keyward:policy=web"; got != want {
		t.Errorf("DescribeTags = %q, want %q", got, want)
	}
	if got, want := list("resource-type", "volume", "value", "data", "tag:Name", "data"), "volume Name=data"; got != want {
		t.Errorf("DescribeTags = %q, want %q", got, want)
	}
	if machine.Tags["Name"] != "web" {
		t.Error("the caller's own map was changed")
	}
	var many []types.Tag
	for i := range 51 {
		many = append(many, tag(fmt.Sprint(i), ""))
	}
	for _, c := range []struct {
		code string
		in   sdk.CreateTagsInput
	}{
		{"InvalidInstanceID.NotFound", sdk.CreateTagsInput{Resources: []string{"i-00000000"}, Tags: many[:1]}},
		{"InvalidVolume.NotFound", sdk.CreateTagsInput{Resources: []string{"vol-00000000"}, Tags: many[:1]}},
		{"InvalidID", sdk.CreateTagsInput{Resources: []string{"snap-00000000"}, Tags: many[:1]}},
		{"InvalidParameterValue", sdk.CreateTagsInput{Resources: []string{web}, Tags: []types.Tag{tag("aws:a", "")}}},
		{"TagLimitExceeded", sdk.CreateTagsInput{Resources: []string{web}, Tags: many}},
		{"MissingParameter", sdk.CreateTagsInput{Resources: []string{web}, Tags: []types.Tag{}}},
		{"DryRunOperation", sdk.CreateTagsInput{Resources: []string{web}, Tags: many[:1], DryRun: aws.Bool(true)}},
	} {
		_, err := p.client.CreateTags(t.Context(), &c.in)
		wantsCode(t, err, c.code)
	}
}

func TestSetState(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	for _, state := range []string{"stopped", "stopped", "running", "terminated"} {
		if err := p.SetState(web, state); err != nil {
			t.Fatal(err)
		}
	}
	want := []ec2.Event{}
	for _, state := range []string{"stopped", "running", "terminated"} {
		want = append(want, ec2.Event{Source: "aws.ec2", DetailType: "EC2 Instance State-change Notification",
			Resources: []string{"arn:aws:ec2:us-east-1:123456789012:instance/" + web}, Detail: json.RawMessage(`{"instance-id":"` + web + `","state":"` + state + `"}`)})
	}
	if diff := cmp.Diff(want, p.events); diff != "" {
		t.Error(diff)
	}
	out, err := p.client.DescribeInstances(t.Context(), nil)
	if i := only(t, out, err); i.State.Name != types.InstanceStateNameTerminated || len(i.BlockDeviceMappings) != 0 || !i.LaunchTime.Equal(noon) {
		t.Errorf("instance = %+v", i)
	}
	for id, state := range map[string]string{web: "running", "i-00000000": "running"} {
		if p.SetState(id, state) == nil {
			t.Errorf("SetState(%s, %s) was accepted", id, state)
		}
	}
	if p.SetState(web, "hibernated") == nil {
		t.Error("an unknown state was accepted")
	}
	p.Remove(web)
	if _, ok := p.Machine(web); ok || p.ids(t, sdk.DescribeInstancesInput{}) != "" {
		t.Error("a removed machine is still there")
	}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson)
	if err := p.Add(machine); err != nil {
		t.Fatal(err)
	}
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	q := start(t, asPerson)
	if err := q.Load(saved); err != nil {
		t.Fatal(err)
	}
	if got, ok := q.Machine(web); !ok || !cmp.Equal(machine, got) {
		t.Errorf("after Save and Load: %s", cmp.Diff(machine, got))
	}
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":  {`[`, "reading the inventory"},
		"unknown":   {`[{"ID":"i-00000000","cpu":1}]`, `"cpu"`},
		"bad id":    {`[{"id":"web"}]`, `id "web", expected i-`},
		"bad state": {`[{"id":"i-00000000","state":"on"}]`, `state "on", expected`},
		"status":    {`[{"id":"i-00000000","state":"running","status":"fine"}]`, `status "fine", expected`},
		"tokens":    {`[{"id":"i-00000000","state":"running","metadata":{"tokens":"no"}}]`, `metadata.tokens "no", expected`},
		"endpoint":  {`[{"id":"i-00000000","state":"running","metadata":{"endpoint":"no"}}]`, `metadata.endpoint "no", expected`},
		"volume":    {`[{"id":"i-00000000","state":"running","volumes":[{"id":"v"}]}]`, `volume id "v", expected`},
		"twice":     {`[{"id":"i-00000000","state":"running"},{"id":"i-00000000","state":"running"}]`, "machine 2: id"},
	} {
		if err := q.Load([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Load = %v, want %q in it", name, err, c.want)
		}
	}
	if p.Add(ec2.Machine{ID: "web"}) == nil {
		t.Error("Add took a machine without a proper id")
	}
}
