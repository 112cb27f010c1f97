package sfn

import (
	"slices"
	"strconv"

	"github.com/keyward/keyward/local/wire"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

type listed struct {
	ExecutionArn    string    `json:"executionArn"`
	StateMachineArn string    `json:"stateMachineArn"`
	Name            string    `json:"name"`
	Status          string    `json:"status"`
	StartDate       wire.Time `json:"startDate"`
	StopDate        wire.Time `json:"stopDate,omitzero"`
	RedriveCount    int       `json:"redriveCount"`
}

type described struct {
	listed
	Input         string `json:"input"`
	Output        string `json:"output,omitempty"`
	Error         string `json:"error,omitempty"`
	Cause         string `json:"cause,omitempty"`
	RedriveStatus string `json:"redriveStatus"`
}

func (e *execution) listed() listed {
	return listed{
		ExecutionArn: e.ARN, StateMachineArn: e.Machine, Name: e.Name, Status: e.Status,
		StartDate: wire.Time{Time: e.Started}, StopDate: wire.Time{Time: e.Stopped},
	}
}

func (s *SFN) describeExecution(in struct{ ExecutionArn string }) (described, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return described{}, err
	}
	return described{
		listed: e.listed(), Input: e.Input, Output: e.Output, Error: e.Error, Cause: e.Cause, RedriveStatus: "NOT_REDRIVABLE",
	}, nil
}

type listInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	StatusFilter    string `json:"statusFilter"`
	MaxResults      int    `json:"maxResults"`
	NextToken       string `json:"nextToken"`
}

type listOutput struct {
	Executions []listed `json:"executions"`
	NextToken  string   `json:"nextToken,omitempty"`
}

// listExecutions lists the executions of a state machine, the latest first.
func (s *SFN) listExecutions(in listInput) (listOutput, error) {
	if in.StatusFilter != "" && in.StatusFilter != running && endings[in.StatusFilter] == "" {
		return listOutput{}, wire.Validation("1 validation error detected: Value '%s' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED]", in.StatusFilter)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return listOutput{}, err
	}
	var found []*execution
	for arn := range s.executions {
		e := s.kept(arn)
		if e != nil && e.Machine == m.arn && (in.StatusFilter == "" || in.StatusFilter == e.Status) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *execution) int { return int(b.Sequence - a.Sequence) })
	found, next, err := page(found, in.NextToken, in.MaxResults, func(e *execution) int64 { return e.Sequence })
	if err != nil {
		return listOutput{}, err
	}
	out := listOutput{Executions: []listed{}, NextToken: next}
	for _, e := range found {
		out.Executions = append(out.Executions, e.listed())
	}
	return out, nil
}

// page cuts a page out of what is sorted. A token is the id of the last one of the page before.
func page[T any](all []T, token string, size int, id func(T) int64) (cut []T, next string, err error) {
	if size < 0 || size > maxPage {
		return nil, "", wire.Validation("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", size, maxPage)
	}
	if size == 0 {
		size = defaultPage
	}
	if token != "" {
		last, err := strconv.ParseInt(token, 36, 64)
		i := slices.IndexFunc(all, func(one T) bool { return id(one) == last })
		if err != nil || i < 0 {
			return nil, "", refused("InvalidToken", "Invalid Token: '%s'", token)
		}
		all = all[i+1:]
	}
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], strconv.FormatInt(id(all[size-1]), 36), nil
}

type machineOutput struct {
	StateMachineArn string    `json:"stateMachineArn"`
	Name            string    `json:"name"`
	Status          string    `json:"status"`
	Definition      string    `json:"definition"`
	RoleArn         string    `json:"roleArn"`
	Type            string    `json:"type"`
	CreationDate    wire.Time `json:"creationDate"`
}

func (s *SFN) describeStateMachine(in struct{ StateMachineArn string }) (machineOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return machineOutput{}, err
	}
	return machineOutput{
		StateMachineArn: m.arn, Name: m.name, Status: "ACTIVE", Definition: m.definition, RoleArn: m.role,
		Type: "STANDARD", CreationDate: wire.Time{Time: m.created},
	}, nil
}
