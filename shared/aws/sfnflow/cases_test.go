package sfnflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/simulate/cases"
)

// The simulated Step Functions is held to the same cases.
func TestCases(t *testing.T) {
	t.Parallel()
	cases.OfFlow(t, func(t *testing.T) cases.Course {
		p := awstest.New(t)
		s := sfn.New(sfn.Options{Clock: p.Clock, Region: awstest.Region, Account: awstest.Account,
			Invoke: func(context.Context, string, string, []byte) (sfn.Result, error) {
				return sfn.Result{}, errors.New("none")
			}})
		t.Cleanup(s.Close)
		arn, err := s.CreateStateMachine("keyward", awstest.Role, []byte(cases.Waits))
		if err != nil {
			t.Fatal(err)
		}
		p.Register(s.Service())
		return cases.Course{Flow: sfnflow.New(p.Config, arn), Pass: func() { p.Settle(); p.Forward(2 * time.Minute); p.Settle() }}
	})
}
