package local

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/wire"
)

// composeStack makes CloudFormation with the stack that everything before it was made of.
func (s *Server) composeStack() error {
	custom := map[string]stack.CustomResource{}
	for _, c := range s.stack.Custom {
		custom[c.LogicalID] = c
	}
	config := cloudformation.Config{
		Clock: s.clock, Name: s.stack.Name, Account: s.stack.Account, Region: s.stack.Region, Description: s.stack.Description, Parameters: s.stack.Parameters,
		Outputs: s.stack.Outputs, Invoke: s.invokeLater, Call: s.invokeNow, Endpoint: s.url, Ended: s.end,
	}
	for _, r := range s.stack.Resources {
		resource := cloudformation.Resource{LogicalID: r.LogicalID, Type: r.Type, PhysicalID: r.PhysicalID}
		if c, is := custom[r.LogicalID]; is {
			resource.Custom = &cloudformation.Custom{Function: c.Function, Properties: c.Properties, Timeout: c.Timeout}
		}
		config.Resources = append(config.Resources, resource)
	}
	s.services.cloudformation = cloudformation.New(config)
	if err := s.keep("cloudformation", s.services.cloudformation); err != nil {
		return err
	}
	if s.services.cloudformation.Status() == cloudformation.Deleted {
		s.ended.Store(true)
		s.halt()
	}
	return s.register(s.services.cloudformation.Service())
}

// invokeNow runs a function by ARN and waits for it.
func (s *Server) invokeNow(target string, payload []byte) error {
	r, err := s.lambda.Invoke(context.Background(), target, payload)
	if err == nil && r.FunctionError != "" {
		err = fmt.Errorf("invoking %s: %s: %s", target, r.ErrorType, r.ErrorMessage)
	}
	return err
}

// end is the deletion of the stack. Schedules, rules, topics, APIs, functions and executions are no more; what the template
// retains, the table and keys, goes on answering.
func (s *Server) end() {
	s.ended.Store(true)
	go s.halt() // it waits for the executions, one of which may be waiting for this
}

// gone refuses calls about what went with the stack.
func (s *Server) gone(r *wire.Request) *wire.Error {
	switch r.Service {
	case "lambda", "states", "scheduler", "events":
		if s.ended.Load() {
			return &wire.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "the stack " + s.stack.Name + " was deleted"}
		}
	}
	return nil
}

// intercept is what may refuse a call before its service sees it.
func (s *Server) intercept(ctx context.Context, r *wire.Request) *wire.Error {
	if e := s.gone(r); e != nil {
		return e
	}
	return s.services.faults.Intercept(ctx, r)
}

// deleted answers for the APIs of a stack that is no more; false when it is there.
func (s *Server) deleted(w http.ResponseWriter, r *http.Request, prefix string) bool {
	if !s.ended.Load() || !strings.HasPrefix(r.URL.Path, prefix) {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintln(w, `{"message":"Not Found"}`)
	return true
}
