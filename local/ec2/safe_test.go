package ec2_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/keyward/keyward/local/ec2"
)

func snapshotTags(key, value string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: &key, Value: &value}}}}
}

func TestCreateSnapshots(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	out, err := p.client.CreateSnapshots(t.Context(), &sdk.CreateSnapshotsInput{
		Description: aws.String("before"), TagSpecifications: snapshotTags("keyward:execution", "x"),
		InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(web), ExcludeBootVolume: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := out.Snapshots[0]
	if len(out.Snapshots) != 1 || *s.VolumeId != "vol-0598c7d356eba48d7" || s.State != types.SnapshotStatePending || !*s.Encrypted || *s.VolumeSize != 100 || *s.Description != "before" {
		t.Errorf("snapshots = %+v", out.Snapshots)
	}
	for filter, want := range map[string]int{"tag:keyward:execution=x": 1, "tag:keyward:execution=y": 0, "volume-id=vol-0598c7d356eba48d7": 1, "status=completed": 0, "encrypted=true": 1, "snapshot-id=" + *s.SnapshotId: 1} {
		name, value := cut(filter)
		found, err := p.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: &name, Values: []string{value}}},
		})
		if err != nil || len(found.Snapshots) != want {
			t.Errorf("filter %s: %d snapshots, %v, want %d", filter, len(found.Snapshots), err, want)
		}
	}
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	other := start(t, asPerson)
	if err := other.Load(saved); err != nil {
		t.Fatal(err)
	}
	again, err := other.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{*s.SnapshotId}})
	if err != nil || len(again.Snapshots) != 1 || again.Snapshots[0].State != types.SnapshotStatePending {
		t.Errorf("after loading: %+v, %v", again, err)
	}
}

func cut(s string) (string, string) {
	i := slices.Index([]byte(s), '=')
	return s[:i], s[i+1:]
}

func TestCreateSnapshotsIsRefused(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	ctx := t.Context()
	spec := &types.InstanceSpecification{InstanceId: aws.String(web)}
	for code, in := range map[string]*sdk.CreateSnapshotsInput{
		"InvalidInstanceID.NotFound":  {InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String("i-00000000")}},
		"InvalidInstanceID.Malformed": {InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String("web")}},
		"DryRunOperation":             {InstanceSpecification: spec, DryRun: aws.Bool(true)},
		"InvalidParameterValue":       {InstanceSpecification: spec, TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVolume}}},
		"NotImplemented":              {InstanceSpecification: spec, CopyTagsFromSource: types.CopyTagsFromSourceVolume},
	} {
		_, err := p.client.CreateSnapshots(ctx, in)
		wantsCode(t, err, code)
	}
	for code, in := range map[string]*sdk.DescribeSnapshotsInput{
		"DryRunOperation": {OwnerIds: []string{"self"}, DryRun: aws.Bool(true)},
	} {
		_, err := p.client.DescribeSnapshots(ctx, in)
		wantsCode(t, err, code)
	}
	if err := p.SetState(web, "terminated"); err != nil {
		t.Fatal(err)
	}
	_, err := p.client.CreateSnapshots(ctx, &sdk.CreateSnapshotsInput{InstanceSpecification: spec})
	wantsCode(t, err, "IncorrectInstanceState")
}

func TestStopInstances(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine, ec2.Machine{ID: "i-00000001", State: "stopped"}, ec2.Machine{ID: "i-00000002", State: "terminated"})
	ctx := t.Context()
	out, err := p.client.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: []string{web, "i-00000001"}})
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]string{}
	for _, c := range out.StoppingInstances {
		changes[*c.InstanceId] = string(c.PreviousState.Name) + " " + string(c.CurrentState.Name)
	}
	if changes[web] != "running stopping" || changes["i-00000001"] != "stopped stopped" {
		t.Errorf("changes = %v", changes)
	}
	if m, _ := p.Machine(web); m.State != "stopping" {
		t.Errorf("state = %s", m.State)
	}
	for code, in := range map[string]*sdk.StopInstancesInput{
		"IncorrectInstanceState":     {InstanceIds: []string{"i-00000002"}},
		"InvalidInstanceID.NotFound": {InstanceIds: []string{"i-0000000f"}},
		"DryRunOperation":            {InstanceIds: []string{"i-00000001"}, DryRun: aws.Bool(true)},
		"NotImplemented":             {InstanceIds: []string{"i-00000001"}, Force: aws.Bool(true)},
	} {
		_, err := p.client.StopInstances(ctx, in)
		wantsCode(t, err, code)
	}
}
