package ec2info_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
)

var web = ec2.Group{ID: "sg-12345678", Name: "web", Inbound: []ec2.Inbound{
	{Protocol: "tcp", From: 22, To: 22, IPv4: []string{"0.0.0.0/0", "10.0.0.0/8"}, IPv6: []string{"::/0"}, Groups: []string{"sg-87654321"}, Lists: []string{"pl-12345678"}},
	{Protocol: "-1", IPv4: []string{"192.0.2.1/32"}},
}}

func TestFacts(t *testing.T) {
	t.Parallel()
	_, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", Zone: "us-east-1a", Image: "ami-12345678", Type: "m7g.large", Launched: awstest.Noon,
		Profile: "arn:aws:iam::123456789012:instance-profile/web", Public: "203.0.113.7", Tags: map[string]string{"tier": "web"}, Groups: []ec2.Group{web},
		Metadata: ec2.Metadata{Tokens: "optional", HopLimit: 1}},
		ec2.Machine{ID: awstest.Other, State: "running", Launched: awstest.Noon, Platform: "windows"})
	got, err := client.Instances(t.Context(), []string{awstest.Machine, awstest.Other, hybrid})
	if err != nil {
		t.Fatal(err)
	}
	f := evidence.UnknownInstance("")
	f.Platform = evidence.Known("linux")
	f.Zone, f.Image, f.Type, f.Profile = evidence.Known("us-east-1a"), evidence.Known("ami-12345678"), evidence.Known("m7g.large"), evidence.Known("arn:aws:iam::123456789012:instance-profile/web")
	f.PublicAddress, f.Launched, f.Tags = evidence.Known("203.0.113.7"), evidence.Known(awstest.Noon), evidence.Known([]evidence.Tag{{Key: "tier", Value: "web"}})
	f.IMDS, f.HopLimit, f.Groups, f.FirstSeen.Why = evidence.Known("optional"), evidence.Known(1), evidence.Known([]string{"sg-12345678"}), evidence.WhyAbsent
	if diff := cmp.Diff(f, got[awstest.Machine].Facts); diff != "" {
		t.Errorf("Facts (-want +got):\n%s", diff)
	}
	plain := got[awstest.Other].Facts
	if plain.Image.Known || plain.PublicAddress != evidence.Known("") || plain.Profile != evidence.Known("") || plain.IMDS != evidence.Known("required") || !plain.Groups.Known || plain.Platform != evidence.Known("windows") {
		t.Errorf("Facts of a plain instance = %+v, want no address and no profile known, and the image unknown", plain)
	}
	if got[hybrid].Facts.Zone.Why != evidence.WhyNotEC2 {
		t.Errorf("Facts of a hybrid node = %+v, want %s", got[hybrid].Facts, evidence.WhyNotEC2)
	}
}

func TestInbound(t *testing.T) {
	t.Parallel()
	p, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", Groups: []ec2.Group{web, {ID: "sg-87654321"}}})
	got, err := client.Inbound(t.Context(), []string{"sg-12345678", "sg-87654321", "sg-00000000"})
	ssh := func(peer string) evidence.InboundRule {
		return evidence.InboundRule{Group: "sg-12345678", Proto: "tcp", From: 22, To: 22, Peer: peer}
	}
	want := map[string][]evidence.InboundRule{
		"sg-12345678": {ssh("0.0.0.0/0"), ssh("10.0.0.0/8"), ssh("::/0"), ssh("pl-12345678"), ssh("sg-87654321"), {Group: "sg-12345678", Proto: "all", To: 65535, Peer: "192.0.2.1/32"}},
		"sg-87654321": {},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Inbound, %v (-want +got):\n%s", err, diff)
	}
	p.Calls()
	var many []string
	for n := range 201 { // more than a filter takes
		many = append(many, fmt.Sprintf("sg-%08x", n))
	}
	if _, err := client.Inbound(t.Context(), many); err != nil {
		t.Errorf("Inbound of 201 groups: %v", err)
	}
	if got, err := client.Inbound(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Inbound of none = %v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"DescribeSecurityGroups", "DescribeSecurityGroups"}, p.Operations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	_, client, _ := begin(t, ec2.Machine{ID: awstest.Machine, State: "running", Launched: awstest.Noon, Volumes: []ec2.Volume{
		{ID: "vol-00000001", Device: "/dev/xvda", Encrypted: true, Key: key, Root: true}, {ID: "vol-00000002", Device: "/dev/sdf"},
	}}, ec2.Machine{ID: awstest.Other, State: "running", Launched: awstest.Noon, Volumes: []ec2.Volume{{ID: "vol-00000003", Device: "/dev/xvda"}}})
	got, err := client.Volumes(t.Context(), []string{awstest.Machine})
	want := map[string][]evidence.AttachedVolume{awstest.Machine: {
		{ID: "vol-00000001", Device: "/dev/xvda", Encrypted: true, Key: key}, {ID: "vol-00000002", Device: "/dev/sdf"},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Volumes, %v (-want +got):\n%s", err, diff)
	}
	if got, err := client.Volumes(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Volumes of none = %v, %v", got, err)
	}
}

func TestFactsErrors(t *testing.T) {
	t.Parallel()
	p, _, _ := begin(t)
	own := map[string]fault.Kind{"UnauthorizedOperation": fault.Denied, "RequestLimitExceeded": fault.Transient}
	p.Mapped(t, "DescribeSecurityGroups", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2info.New(cfg).Inbound(ctx, []string{"sg-12345678"})
		return err
	})
	p.Mapped(t, "DescribeVolumes", own, func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2info.New(cfg).Volumes(ctx, []string{awstest.Machine})
		return err
	})
}
