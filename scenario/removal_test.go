package scenario_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// deleteStack deletes the stack and says what became of it, and why.
func (w *world) deleteStack() (status types.StackStatus, why string) {
	w.t.Helper()
	api := cloudformation.New(cloudformation.Options{Region: w.Region(), Credentials: provider(w.Credentials()), BaseEndpoint: aws.String(w.URL())})
	first, err := api.DescribeStacks(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("keyward")})
	if err != nil {
		w.t.Fatal(err)
	}
	name := first.Stacks[0].StackId
	if _, err := api.DeleteStack(w.t.Context(), &cloudformation.DeleteStackInput{StackName: name}); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	out, err := api.DescribeStacks(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: name})
	if err != nil {
		w.t.Fatal(err)
	}
	events, err := api.DescribeStackEvents(w.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: name})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events.StackEvents {
		why += aws.ToString(e.ResourceStatusReason)
	}
	return out.Stacks[0].StackStatus, why
}

// The stack stays while a key is revoked, and what it was asked for then changes nothing: the key is given back.
func TestTheStackStaysWhileAKeyIsRevoked(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.revoked()
	if status, why := w.deleteStack(); status != types.StackStatusDeleteFailed || !strings.Contains(why, machineID+" has a revoked key") {
		t.Errorf("the stack is %s: %s", status, why)
	}
	w.correct()
	w.check()
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("decrypting gives %q, want the key given back", code)
	}
	if status, why := w.deleteStack(); status != types.StackStatusDeleteComplete {
		t.Errorf("the stack is %s: %s", status, why)
	}
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("decrypting gives %q once the stack is gone", code)
	}
}
