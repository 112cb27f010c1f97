package stackinfo_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/stackinfo"
	"github.com/keyward/keyward/shared/fault"
)

func begin(t *testing.T) *awstest.Place {
	t.Helper()
	p := awstest.New(t)
	c := cloudformation.Config{
		Clock: p.Clock, Name: "keyward", Account: awstest.Account, Region: awstest.Region,
		Parameters: map[string]string{"SweepRate": "rate(5 minutes)"}, Outputs: map[string]string{"TableName": "keyward-Table"},
	}
	for range 101 { // two pages
		c.Resources = append(c.Resources, cloudformation.Resource{LogicalID: "Other", Type: "AWS::SNS::Topic", PhysicalID: "other"})
	}
	c.Resources = append(c.Resources, cloudformation.Resource{LogicalID: "Table", Type: "AWS::DynamoDB::Table", PhysicalID: "keyward-Table"})
	stacks := cloudformation.New(c)
	if err := stacks.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Register(stacks.Service())
	return p
}

func TestStack(t *testing.T) {
	t.Parallel()
	p := begin(t)
	s, err := stackinfo.New(p.Config).Stack(t.Context(), "keyward")
	if err != nil || s.Name != "keyward" || s.Status != "CREATE_COMPLETE" || s.Protected || s.Parameters["SweepRate"] != "rate(5 minutes)" || s.Outputs["TableName"] != "keyward-Table" || s.Resources["Table"] != "keyward-Table" {
		t.Errorf("Stack = %+v, %v", s, err)
	}
	_, err = stackinfo.New(p.Config).Stack(t.Context(), "other")
	awstest.Wrapped(t, err, fault.Invalid, "ValidationError")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"DescribeStacks", "ListStackResources"} {
		begin(t).Mapped(t, operation, map[string]fault.Kind{"ValidationError": fault.Invalid, "AccessDenied": fault.Denied}, func(ctx context.Context, cfg aws.Config) error {
			_, err := stackinfo.New(cfg).Stack(ctx, "keyward")
			return err
		})
	}
}
