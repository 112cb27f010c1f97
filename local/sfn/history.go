package sfn

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/wire"
)

// maxHistory is how many events an execution may have.
const maxHistory = 25_000

// event is one event of a history.
type event struct {
	ID      int
	At      time.Time
	Type    string
	Details details
}

// details are the members of all the details that our events have.
type details struct {
	Name             string `json:"name,omitempty"`
	Input            string `json:"input,omitempty"`
	Output           string `json:"output,omitempty"`
	RoleARN          string `json:"roleArn,omitempty"`
	ResourceType     string `json:"resourceType,omitempty"`
	Resource         string `json:"resource,omitempty"`
	Region           string `json:"region,omitempty"`
	Parameters       string `json:"parameters,omitempty"`
	TimeoutInSeconds int64  `json:"timeoutInSeconds,omitempty"`
	Error            string `json:"error,omitempty"`
	Cause            string `json:"cause,omitempty"`
}

// note adds an event to a running execution. The last place of a history is for the execution's own
// end, and one that needs it for anything else fails.
func (s *SFN) note(e *execution, kind string, d details) {
	if e.Status != running {
		return
	}
	if len(e.Events) >= maxHistory-1 {
		s.end(e, failed, "", &asl.Error{Name: asl.Runtime, Cause: "The execution reached the maximum number of history events (25000)."})
		return
	}
	s.append(e, kind, d)
}

func (s *SFN) append(e *execution, kind string, d details) {
	e.Events = append(e.Events, event{ID: len(e.Events) + 1, At: s.options.Clock.Now(), Type: kind, Details: d})
}

// enteredAt is the id of the event with which the current state was entered.
func (e *execution) enteredAt() int {
	for _, ev := range slices.Backward(e.Events) {
		if strings.HasSuffix(ev.Type, "StateEntered") {
			return ev.ID
		}
	}
	return 0
}

type historyInput struct {
	ExecutionArn         string `json:"executionArn"`
	IncludeExecutionData *bool  `json:"includeExecutionData"`
	MaxResults           int    `json:"maxResults"`
	NextToken            string `json:"nextToken"`
	ReverseOrder         bool   `json:"reverseOrder"`
}

type historyOutput struct {
	Events    []map[string]any `json:"events"`
	NextToken string           `json:"nextToken,omitempty"`
}

func (s *SFN) getExecutionHistory(in historyInput) (historyOutput, error) {
	if in.IncludeExecutionData != nil && !*in.IncludeExecutionData {
		return historyOutput{}, wire.Unimplemented("IncludeExecutionData false of states.GetExecutionHistory")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return historyOutput{}, err
	}
	events := slices.Clone(e.Events)
	if in.ReverseOrder {
		slices.Reverse(events)
	}
	events, next, err := page(events, in.NextToken, in.MaxResults, func(ev event) int64 { return int64(ev.ID) })
	if err != nil {
		return historyOutput{}, err
	}
	out := historyOutput{Events: []map[string]any{}, NextToken: next}
	for _, ev := range events {
		out.Events = append(out.Events, ev.answer())
	}
	return out, nil
}

// answer is the event in the form of the API: the details stand in a member named after the type.
func (ev event) answer() map[string]any {
	member := strings.ToLower(ev.Type[:1]) + ev.Type[1:] + "EventDetails"
	switch {
	case strings.HasSuffix(ev.Type, "StateEntered"):
		member = "stateEnteredEventDetails"
	case strings.HasSuffix(ev.Type, "StateExited"):
		member = "stateExitedEventDetails"
	}
	previous := ev.ID - 1
	if ev.ID == 2 { // the first state follows nothing, as AWS shows it
		previous = 0
	}
	return map[string]any{
		"id": ev.ID, "previousEventId": previous, "timestamp": wire.Time{Time: ev.At}, "type": ev.Type, member: ev.Details,
	}
}
