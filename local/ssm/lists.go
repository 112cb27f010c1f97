package ssm

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/keyward/keyward/local/wire"
)

var commandID = regexp.MustCompile(`^[0-9a-fA-F-]{36}$`)

type listInput struct {
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	Details    bool
	Filters    []commandFilter
	MaxResults *int
	NextToken  string
}

type commandFilter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

var listBounds = bounds{least: 1, most: 50, usual: 50}

// each calls visit with the commands that the input asks for, the newest first.
func (s *SSM) each(in listInput, visit func(*command)) error {
	if in.CommandID != "" && !commandID.MatchString(in.CommandID) {
		return refuse("InvalidCommandId", "The command id %s is not valid.", in.CommandID)
	}
	if in.InstanceID != "" && !nodeID.MatchString(in.InstanceID) {
		return refuse("InvalidInstanceId", "The instance id %s is not valid.", in.InstanceID)
	}
	for _, id := range slices.Backward(s.order) {
		if in.CommandID == "" || in.CommandID == id {
			visit(s.commands[id])
		}
	}
	return nil
}

// passes applies the filters to a command or an invocation of it.
func passes(filters []commandFilter, c *command, status, detail string) (bool, error) {
	for _, f := range filters {
		ok := false
		switch f.Key {
		case "Status":
			ok = f.Value == status || f.Value == detail
		case "DocumentName":
			ok = f.Value == c.Document
		case "ExecutionStage":
			ok = (f.Value == "Executing") == slices.Contains(open, c.Status)
		case "InvokedAfter", "InvokedBefore":
			at, err := time.Parse(time.RFC3339, f.Value)
			if err != nil {
				return false, refuse("InvalidFilterKey", "The value %s of filter %s is not a time.", f.Value, f.Key)
			}
			ok = c.Requested.Before(at) == (f.Key == "InvokedBefore")
		default:
			return false, refuse("InvalidFilterKey", "The filter key %s is not valid.", f.Key)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

func (s *SSM) listCommands(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[listInput](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []*command{}
	if _, err := passes(in.Filters, &command{}, "", ""); err != nil {
		return nil, err
	}
	err = s.each(in, func(c *command) {
		sent := in.InstanceID == "" || slices.ContainsFunc(c.Invocations, func(i *invocation) bool { return i.Node == in.InstanceID })
		if ok, _ := passes(in.Filters, c, c.Status, c.Details); ok && sent {
			found = append(found, c)
		}
	})
	if err != nil {
		return nil, err
	}
	page, next, err := cut(found, "commands", in.NextToken, in.MaxResults, listBounds)
	if err != nil {
		return nil, err
	}
	described := []any{}
	for _, c := range page {
		described = append(described, c.describe())
	}
	return paged("Commands", described, next), nil
}

func (c *command) describe() map[string]any {
	d := map[string]any{
		"CommandId": c.ID, "DocumentName": c.Document, "DocumentVersion": c.Wanted, "Comment": c.Comment,
		"Parameters": orEmpty(c.Parameters), "InstanceIds": append([]string{}, c.InstanceIDs...), "Targets": append([]target{}, c.Targets...),
		"RequestedDateTime": instant(c.Requested), "ExpiresAfter": instant(c.Expires), "TimeoutSeconds": c.TimeoutSeconds,
		"Status": c.Status, "StatusDetails": c.Details, "MaxConcurrency": c.MaxConcurrency, "MaxErrors": c.MaxErrors,
		"TargetCount": len(c.Invocations), "CompletedCount": c.count((*invocation).ended),
		"ErrorCount": c.count((*invocation).failed), "DeliveryTimedOutCount": c.count(details("DeliveryTimedOut")),
		"OutputS3BucketName": "", "OutputS3KeyPrefix": "", "ServiceRole": "",
	}
	return d
}

func orEmpty(m map[string][]string) map[string][]string {
	if m == nil {
		return map[string][]string{}
	}
	return m
}
