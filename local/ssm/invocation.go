package ssm

import (
	"context"
	"slices"
	"strconv"

	"github.com/keyward/keyward/local/ssm/agent"
	"github.com/keyward/keyward/local/wire"
)

// The caps of GetCommandInvocation, in characters.
const (
	maxStdout = 24000
	maxStderr = 8000
)

// sent is a command on one node, as the lists show it.
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
