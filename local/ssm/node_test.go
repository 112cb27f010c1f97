package ssm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ssm"
)

func fleet(t *testing.T, p *place) {
	p.node(t, ssm.Node{
		ID: here, ComputerName: "ip-10-0-0-1", IPAddress: "10.0.0.1", PlatformName: "Debian GNU/Linux", PlatformVersion: "12",
		AgentVersion: "3.3.1611.0", Tags: map[string]string{"tier": "web"}, Host: true,
	})
	p.node(t, ssm.Node{ID: "mi-1234567890abcdef0", Name: "rack", PingStatus: "ConnectionLost", LastPing: start.Add(-time.Hour)})
	p.node(t, ssm.Node{ID: "i-00000000000000001", PlatformType: "Windows", Tags: map[string]string{"tier": "db"}})
	p.node(t, ssm.Node{ID: "i-00000000000000002", State: "stopped", Tags: map[string]string{"tier": "web"}})
	p.node(t, ssm.Node{ID: "i-00000000000000003", State: "terminated"})
}

func filterBy(key string, values ...string) types.InstanceInformationStringFilter {
	return types.InstanceInformationStringFilter{Key: &key, Values: values}
}

func TestDescribeInstanceInformation(t *testing.T) {
	t.Parallel()
	p := begin(t)
	fleet(t, p)
	p.forward(t, 12*time.Minute)
	type filters = []types.InstanceInformationStringFilter
	for name, c := range map[string]struct {
		filters filters
		want    []string
	}{
		"all that run": {nil, []string{"i-00000000000000001", here, "mi-1234567890abcdef0"}},
		"ids":          {filters{filterBy("InstanceIds", here, "i-00000000000000002", "i-0000000000000000f")}, []string{here}},
		"ping":         {filters{filterBy("PingStatus", "ConnectionLost")}, []string{"mi-1234567890abcdef0"}},
		"platform":     {filters{filterBy("PlatformTypes", "Windows", "MacOS")}, []string{"i-00000000000000001"}},
		"type":         {filters{filterBy("ResourceType", "ManagedInstance")}, []string{"mi-1234567890abcdef0"}},
		"both":         {filters{filterBy("ResourceType", "EC2Instance"), filterBy("PlatformTypes", "Linux")}, []string{here}},
		"tag":          {filters{filterBy("tag:tier", "web")}, []string{here}},
		"no such tag":  {filters{filterBy("tag:owner", "")}, nil},
	} {
		out, err := p.client.DescribeInstanceInformation(context.Background(), &client.DescribeInstanceInformationInput{Filters: c.filters})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var ids []string
		for _, n := range out.InstanceInformationList {
			ids = append(ids, *n.InstanceId)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	out, err := p.client.DescribeInstanceInformation(context.Background(), &client.DescribeInstanceInformationInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.InstanceInformation{
		{
			InstanceId: aws.String(here), PingStatus: "Online", LastPingDateTime: aws.Time(start.Add(10 * time.Minute)), AgentVersion: aws.String("3.3.1611.0"),
			IsLatestVersion: aws.Bool(true), ResourceType: "EC2Instance", PlatformType: "Linux", PlatformName: aws.String("Debian GNU/Linux"),
			PlatformVersion: aws.String("12"), IPAddress: aws.String("10.0.0.1"), ComputerName: aws.String("ip-10-0-0-1"),
			SourceId: aws.String(here), SourceType: "AWS::EC2::Instance",
		},
		{
			InstanceId: aws.String("mi-1234567890abcdef0"), PingStatus: "ConnectionLost", LastPingDateTime: aws.Time(start.Add(-time.Hour)), AgentVersion: aws.String("3.3.3050.0"),
			IsLatestVersion: aws.Bool(true), ResourceType: "ManagedInstance", PlatformType: "Linux", PlatformName: aws.String(""),
			PlatformVersion: aws.String(""), IPAddress: aws.String(""), ComputerName: aws.String(""), Name: aws.String("rack"),
			SourceId: aws.String("mi-1234567890abcdef0"), SourceType: "AWS::SSM::ManagedInstance",
		},
	}
	if diff := cmp.Diff(want, out.InstanceInformationList[1:], cmpopts.IgnoreUnexported(types.InstanceInformation{})); diff != "" {
		t.Errorf("shape (-want +got):\n%s", diff)
	}
}

func TestDescribeInstanceInformationPages(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for i := range 23 {
		p.node(t, simulated(i, nil))
	}
	for name, c := range map[string]struct {
		size *int32
		want []int
	}{
		"usual": {nil, []int{10, 10, 3}}, "least": {aws.Int32(5), []int{5, 5, 5, 5, 3}}, "most": {aws.Int32(50), []int{23}},
	} {
		pages := client.NewDescribeInstanceInformationPaginator(p.client, &client.DescribeInstanceInformationInput{MaxResults: c.size})
		var sizes []int
		seen := map[string]bool{}
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.InstanceInformationList))
			for _, n := range page.InstanceInformationList {
				seen[*n.InstanceId] = true
			}
		}
		if diff := cmp.Diff(c.want, sizes); diff != "" || len(seen) != 23 {
			t.Errorf("%s: %d nodes, pages (-want +got):\n%s", name, len(seen), diff)
		}
	}
}

func TestDescribeInstanceInformationErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	fleet(t, p)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("i-%017x", i)
	}
	type input = client.DescribeInstanceInformationInput
	type filters = []types.InstanceInformationStringFilter
	for name, c := range map[string]struct {
		in   *input
		want string
	}{
		"page below":    {&input{MaxResults: aws.Int32(4)}, "ValidationException"},
		"page above":    {&input{MaxResults: aws.Int32(51)}, "ValidationException"},
		"token":         {&input{NextToken: aws.String("bm9kZXMgMQ!")}, "InvalidNextToken"},
		"foreign token": {&input{NextToken: aws.String("Y29tbWFuZHMgMQ")}, "InvalidNextToken"},
		"token beyond":  {&input{NextToken: aws.String("bm9kZXMgOTk")}, "InvalidNextToken"},
		"ping value":    {&input{Filters: filters{filterBy("PingStatus", "Lost")}}, "InvalidInstanceInformationFilterValue"},
		"key":           {&input{Filters: filters{filterBy("Colour", "red")}}, "InvalidFilterKey"},
		"not here":      {&input{Filters: filters{filterBy("AgentVersion", "3")}}, "NotImplemented"},
		"tag and other": {&input{Filters: filters{filterBy("tag:tier", "web"), filterBy("PingStatus", "Online")}}, "InvalidFilterKey"},
		"no values":     {&input{Filters: filters{filterBy("InstanceIds", []string{}...)}}, "ValidationException"},
		"many values":   {&input{Filters: filters{filterBy("InstanceIds", many...)}}, "ValidationException"},
		"old filters":   {&input{InstanceInformationFilterList: []types.InstanceInformationFilter{{Key: "PingStatus", ValueSet: []string{"Online"}}}}, "NotImplemented"},
	} {
		if _, err := p.client.DescribeInstanceInformation(context.Background(), c.in); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
