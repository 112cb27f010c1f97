package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
)

// composeExecutions makes Step Functions with the template's state machine.
func (s *Server) composeExecutions() error {
	s.services.sfn = sfn.New(sfn.Options{Clock: s.clock, Region: s.stack.Region, Account: s.stack.Account, Invoke: s.runTask})
	for _, m := range s.stack.StateMachines {
		if _, err := s.services.sfn.CreateStateMachine(m.Name, m.Role.ARN, m.Definition); err != nil {
			return fmt.Errorf("creating the state machine %s: %w", m.LogicalID, err)
		}
	}
	if err := s.keep("states", s.services.sfn); err != nil {
		return err
	}
	return s.register(s.services.sfn.Service())
}

// runTask invokes a function as the state machine's role. What Lambda refuses is an error of its own that can be retried.
func (s *Server) runTask(ctx context.Context, role, function string, payload []byte) (sfn.Result, error) {
	if err := s.permissions.session(role, "states", "lambda", "lambda:InvokeFunction", function); err != nil {
		return sfn.Result{}, &sfn.InvokeError{Name: "Lambda.AWSLambdaException", Message: err.Error()}
	}
	r, err := s.lambda.Invoke(ctx, function, payload)
	var unknown *lambda.NotFoundError
	if errors.As(err, &unknown) {
		err = &sfn.InvokeError{Name: "Lambda.ResourceNotFoundException", Message: err.Error()}
	}
	return sfn.Result(r), err
}

// states asks Step Functions as an operator would.
func (s *Server) states(ctx context.Context, operation string, in any) (any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	out, err := s.services.sfn.Service().Operations[operation](ctx, &wire.Request{
		Service: "states", Operation: operation, Region: s.stack.Region, Body: body, Caller: wire.Principal{Kind: wire.Operator},
	})
	var refused *wire.Error
	if errors.As(err, &refused) {
		return nil, refuse(http.StatusNotFound, "%s", refused.Message)
	}
	return out, err
}

// getExecutions lists the executions of all state machines, newest first, as ListExecutions shows them.
func (s *Server) getExecutions(r *http.Request) (any, error) {
	all := map[string]any{}
	for _, m := range s.stack.StateMachines {
		out, err := s.states(r.Context(), "ListExecutions", map[string]any{"stateMachineArn": m.ARN, "maxResults": 1000})
		if err != nil {
			return nil, err
		}
		all[m.LogicalID] = out
	}
	return all, nil
}

// getExecution is one execution with its history.
func (s *Server) getExecution(r *http.Request) (any, error) {
	for _, m := range s.stack.StateMachines {
		arn := fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.stack.Region, s.stack.Account, m.Name, r.PathValue("name"))
		described, err := s.states(r.Context(), "DescribeExecution", map[string]any{"executionArn": arn})
		if err != nil {
			continue
		}
		history, err := s.states(r.Context(), "GetExecutionHistory", map[string]any{"executionArn": arn, "maxResults": 1000})
		if err != nil {
			return nil, err
		}
		return map[string]any{"execution": described, "history": history}, nil
	}
	return nil, refuse(http.StatusNotFound, "there is no execution %s", r.PathValue("name"))
}
