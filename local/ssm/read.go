package ssm

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/ssm/agent"
	"github.com/keyward/keyward/local/wire"
)

// The caps of GetCommandInvocation, in characters.
const (
	maxStdout = 24000
	maxStderr = 8000
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

type sent struct {
	command    *command
	invocation *invocation
}

func (s *SSM) listCommandInvocations(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[listInput](r)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(in.Filters, func(f commandFilter) bool { return f.Key == "ExecutionStage" }) {
		return nil, refuse("InvalidFilterKey", "The filter key ExecutionStage is for ListCommands only.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := passes(in.Filters, &command{}, "", ""); err != nil {
		return nil, err
	}
	found := []sent{}
	err = s.each(in, func(c *command) {
		for _, i := range c.Invocations {
			if ok, _ := passes(in.Filters, c, i.Status, i.Details); ok && (in.InstanceID == "" || in.InstanceID == i.Node) {
				found = append(found, sent{c, i})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	page, next, err := cut(found, "invocations", in.NextToken, in.MaxResults, listBounds)
	if err != nil {
		return nil, err
	}
	described := []any{}
	for _, f := range page {
		described = append(described, f.describe(in.Details))
	}
	return paged("CommandInvocations", described, next), nil
}

func (f sent) describe(withSteps bool) map[string]any {
	steps := []any{}
	if withSteps {
		for _, r := range f.invocation.Steps {
			status, detail := stepStatus(r.Status)
			steps = append(steps, map[string]any{
				"Name": r.Name, "Status": status, "StatusDetails": detail, "ResponseCode": r.Code, "Output": r.Output,
				"ResponseStartDateTime": instant(r.Start), "ResponseFinishDateTime": instant(r.End),
				"StandardOutputUrl": "", "StandardErrorUrl": "", "OutputS3BucketName": "", "OutputS3KeyPrefix": "",
			})
		}
	}
	return map[string]any{
		"CommandId": f.command.ID, "InstanceId": f.invocation.Node, "InstanceName": f.invocation.Name, "Comment": f.command.Comment,
		"DocumentName": f.command.Document, "DocumentVersion": f.command.Wanted, "RequestedDateTime": instant(f.command.Requested),
		"Status": f.invocation.Status, "StatusDetails": f.invocation.Details, "CommandPlugins": steps,
		"StandardOutputUrl": "", "StandardErrorUrl": "", "ServiceRole": "",
	}
}

// stepStatus is the API's word for a step: it has none for a skipped one, which is a Success.
func stepStatus(status agent.Status) (string, string) {
	switch status {
	case agent.Skipped:
		return "Success", "Success"
	case agent.TimedOut:
		return "TimedOut", "ExecutionTimedOut"
	}
	return string(status), string(status)
}

func (s *SSM) getCommandInvocation(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		CommandID  string `json:"CommandId"`
		InstanceID string `json:"InstanceId"`
		PluginName string
	}](r)
	if err != nil {
		return nil, err
	}
	if !commandID.MatchString(in.CommandID) {
		return nil, refuse("InvalidCommandId", "The command id %s is not valid.", in.CommandID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.commands[in.CommandID]
	var found *invocation
	if c != nil {
		for _, i := range c.Invocations {
			if i.Node == in.InstanceID {
				found = i
			}
		}
	}
	if found == nil {
		return nil, refuse("InvocationDoesNotExist", "The command %s was not sent to %s.", in.CommandID, in.InstanceID)
	}
	name, err := c.step(in.PluginName, s.documents[c.Document])
	if err != nil {
		return nil, err
	}
	return found.describe(c, name), nil
}

// step is the name of the step that a caller asks about, which may be left out when there is only one.
func (c *command) step(name string, d *document) (string, error) {
	steps := d.Versions[c.Version-1].parsed.Steps
	if name == "" && len(steps) == 1 {
		return steps[0].Name, nil
	}
	for _, s := range steps {
		if s.Name == name {
			return name, nil
		}
	}
	return "", refuse("InvalidPluginName", "The document has no step %q; with several steps one must be named.", name)
}

func (i *invocation) describe(c *command, name string) map[string]any {
	d := map[string]any{
		"CommandId": c.ID, "InstanceId": i.Node, "Comment": c.Comment, "DocumentName": c.Document, "DocumentVersion": c.Wanted,
		"PluginName": name, "ResponseCode": -1, "Status": i.Status, "StatusDetails": i.Details,
		"ExecutionStartDateTime": stamp(i.Start), "ExecutionEndDateTime": "", "ExecutionElapsedTime": "",
		"StandardOutputContent": "", "StandardErrorContent": "", "StandardOutputUrl": "", "StandardErrorUrl": "",
		"CloudWatchOutputConfig": map[string]any{"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
	}
	for _, r := range i.Steps {
		if r.Name == name {
			d["Status"], d["StatusDetails"] = stepStatus(r.Status)
			d["ResponseCode"] = r.Code
			d["StandardOutputContent"], d["StandardErrorContent"] = head(r.Stdout, maxStdout), head(r.Stderr, maxStderr)
			d["ExecutionStartDateTime"], d["ExecutionEndDateTime"] = stamp(r.Start), stamp(r.End)
			d["ExecutionElapsedTime"] = "PT" + strconv.FormatFloat(r.End.Sub(r.Start).Seconds(), 'f', -1, 64) + "S"
		}
	}
	return d
}

// head is the first n characters.
func head(s string, n int) string {
	for at := range s {
		if n == 0 {
			return s[:at]
		}
		n--
	}
	return s
}
