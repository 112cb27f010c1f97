package ssm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/keyward/keyward/local/ssm"
)

func TestDescribeInstancePatchStates(t *testing.T) {
	t.Parallel()
	p := begin(t)
	ended := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var ids []string
	for n := range 12 {
		id := fmt.Sprintf("i-%017x", n)
		node := ssm.Node{ID: id}
		if n > 0 { // the first was never scanned
			node.Patches = &ssm.Patches{Ended: ended, Missing: int32(n)}
		}
		if err := p.PutNode(node); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	pages := client.NewDescribeInstancePatchStatesPaginator(p.client, &client.DescribeInstancePatchStatesInput{InstanceIds: ids, MaxResults: aws.Int32(10)})
	var got []int32
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.InstancePatchStates {
			if got = append(got, s.MissingCount); !s.OperationEndTime.Equal(ended) {
				t.Errorf("%s ended at %v, want %v", aws.ToString(s.InstanceId), s.OperationEndTime, ended)
			}
		}
	}
	if len(got) != 11 || got[0] != 1 || got[10] != 11 {
		t.Errorf("missing = %v, want 1 to 11", got)
	}
	if _, err := p.client.DescribeInstancePatchStates(context.Background(), &client.DescribeInstancePatchStatesInput{InstanceIds: make([]string, 51)}); err == nil {
		t.Error("51 instances were taken")
	}
}
