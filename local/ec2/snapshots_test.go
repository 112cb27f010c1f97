package ec2_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ec2"
)

const keyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func TestDescribeSnapshots(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	for n := range 7 {
		s := ec2.Snapshot{ID: fmt.Sprintf("snap-%08x", n), Volume: "vol-0598c7d356eba48d7", GiB: 100, State: "completed", Started: noon, Tags: map[string]string{"n": fmt.Sprint(n)}}
		if n%2 == 1 {
			s.Encrypted, s.Key, s.State = true, keyARN, "pending"
		}
		if err := p.AddSnapshot(s); err != nil {
			t.Fatal(err)
		}
	}
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	p = start(t, asPerson)
	if err := p.Load(saved); err != nil {
		t.Fatal(err)
	}
	pages := sdk.NewDescribeSnapshotsPaginator(p.client, &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(5)})
	var all []types.Snapshot
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Snapshots...)
	}
	if len(all) != 7 {
		t.Fatalf("%d snapshots, want 7", len(all))
	}
	s := all[1]
	if aws.ToString(s.KmsKeyId) != keyARN || !aws.ToBool(s.Encrypted) || s.State != types.SnapshotStatePending || aws.ToString(s.OwnerId) != "123456789012" ||
		aws.ToString(s.VolumeId) != "vol-0598c7d356eba48d7" || !aws.ToTime(s.StartTime).Equal(noon) || aws.ToInt32(s.VolumeSize) != 100 || all[0].KmsKeyId != nil {
		t.Errorf("a snapshot is %+v", s)
	}
	for name, c := range map[string]struct {
		filter types.Filter
		want   int
	}{
		"encrypted": {types.Filter{Name: aws.String("encrypted"), Values: []string{"true"}}, 3},
		"volume":    {types.Filter{Name: aws.String("volume-id"), Values: []string{"vol-1234567890abcdef0"}}, 0},
		"state":     {types.Filter{Name: aws.String("status"), Values: []string{"completed"}}, 4},
		"id":        {types.Filter{Name: aws.String("snapshot-id"), Values: []string{"snap-0000000*"}}, 7},
		"tag":       {types.Filter{Name: aws.String("tag:n"), Values: []string{"3"}}, 1},
	} {
		out, err := p.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"123456789012"}, Filters: []types.Filter{c.filter}})
		if err != nil || len(out.Snapshots) != c.want {
			t.Errorf("%s: %v, %v, want %d", name, out, err, c.want)
		}
	}
	one, err := p.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{"snap-00000003"}})
	if err != nil || len(one.Snapshots) != 1 {
		t.Errorf("by id: %v, %v", one, err)
	}
}

func TestSnapshotsRefuse(t *testing.T) {
	t.Parallel()
	p := start(t, asPerson, machine)
	for want, in := range map[string]*sdk.DescribeSnapshotsInput{
		"InvalidSnapshot.NotFound": {SnapshotIds: []string{"snap-00000003"}},
		"NotImplemented":           {},
		"InvalidParameterValue":    {OwnerIds: []string{"self"}, MaxResults: aws.Int32(4)},
	} {
		_, err := p.client.DescribeSnapshots(t.Context(), in)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != want {
			t.Errorf("DescribeSnapshots = %v, want %s", err, want)
		}
	}
	for _, in := range []*sdk.DescribeSnapshotsInput{
		{OwnerIds: []string{"amazon"}}, {OwnerIds: []string{"self"}, RestorableByUserIds: []string{"self"}},
	} {
		if out, err := p.client.DescribeSnapshots(t.Context(), in); err == nil {
			t.Errorf("DescribeSnapshots = %v, want it loud", out)
		}
	}
	if err := p.AddSnapshot(ec2.Snapshot{ID: "snap-00000001", Volume: "vol-1234567890abcdef0", State: "completed"}); err != nil {
		t.Fatal(err)
	}
	_, err := p.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("start-time"), Values: []string{"x"}}}})
	if err == nil {
		t.Error("a filter that is not here was taken")
	}
	for _, s := range []ec2.Snapshot{
		{ID: "snap-1", Volume: "vol-1234567890abcdef0", State: "completed"}, {ID: "snap-00000001", Volume: "vol-1", State: "completed"},
		{ID: "snap-00000001", Volume: "vol-1234567890abcdef0", State: "done"},
	} {
		if err := p.AddSnapshot(s); err == nil {
			t.Errorf("AddSnapshot(%+v) = nil, want an error", s)
		}
	}
	for _, state := range []string{"[", "{", `{"machines":[],"snapshots":[{"id":"snap-1"}]}`, `{"machines":{}}`} {
		if err := p.Load([]byte(state)); err == nil {
			t.Errorf("Load(%s) = nil, want an error", state)
		}
	}
	if diff := cmp.Diff(1, len(mustSnapshots(t, p))); diff != "" {
		t.Errorf("after refused loads (-want +got):\n%s", diff)
	}
}

func mustSnapshots(t *testing.T, p *place) []types.Snapshot {
	t.Helper()
	out, err := p.client.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Snapshots
}
