package ssm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

func TestReadingErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, simulated(1, func(string, map[string][]string) string { return "" }))
	p.put(t, "keyward-two", fmt.Sprintf(`{"schemaVersion":"2.2","mainSteps":[%s,%s]}`, shellStep("one", "true"), shellStep("two", "true")))
	id := p.send(t, one("keyward-two", here))
	p.settle(t)
	ctx := context.Background()
	unknown := "11111111-2222-4333-8444-555555555555"
	for name, c := range map[string]struct {
		id, node, plugin, want string
	}{
		"form of the id": {"1", here, "one", "InvalidCommandId"},
		"unknown":        {unknown, here, "one", "InvocationDoesNotExist"},
		"other node":     {id, "i-00000000000000001", "one", "InvocationDoesNotExist"},
		"no step named":  {id, here, "", "InvalidPluginName"},
		"unknown step":   {id, here, "aws:runShellScript", "InvalidPluginName"},
		"good":           {id, here, "two", "<nil>"},
	} {
		in := &client.GetCommandInvocationInput{CommandId: &c.id, InstanceId: &c.node}
		if c.plugin != "" {
			in.PluginName = &c.plugin
		}
		if _, err := p.client.GetCommandInvocation(ctx, in); code(err) != c.want {
			t.Errorf("%s: GetCommandInvocation: %v, want %s", name, err, c.want)
		}
	}
	filter := func(key, value string) []types.CommandFilter {
		return []types.CommandFilter{{Key: types.CommandFilterKey(key), Value: &value}}
	}
	type input = client.ListCommandInvocationsInput
	for name, c := range map[string]struct {
		in          input
		list, list2 string // ListCommandInvocations, ListCommands
	}{
		"form of the id": {input{CommandId: aws.String("1")}, "InvalidCommandId", "InvalidCommandId"},
		"form of a node": {input{InstanceId: aws.String("web")}, "InvalidInstanceId", "InvalidInstanceId"},
		"filter":         {input{Filters: filter("Colour", "red")}, "InvalidFilterKey", "InvalidFilterKey"},
		"filter time":    {input{Filters: filter("InvokedAfter", "yesterday")}, "InvalidFilterKey", "InvalidFilterKey"},
		"stage":          {input{Filters: filter("ExecutionStage", "Complete")}, "InvalidFilterKey", "<nil>"},
		"page":           {input{MaxResults: aws.Int32(51)}, "ValidationException", "ValidationException"},
		"token":          {input{NextToken: aws.String("x")}, "InvalidNextToken", "InvalidNextToken"},
		"unknown":        {input{CommandId: &unknown}, "<nil>", "<nil>"},
	} {
		if _, err := p.client.ListCommandInvocations(ctx, &c.in); code(err) != c.list {
			t.Errorf("%s: ListCommandInvocations: %v, want %s", name, err, c.list)
		}
		in := &client.ListCommandsInput{CommandId: c.in.CommandId, InstanceId: c.in.InstanceId, Filters: c.in.Filters, MaxResults: c.in.MaxResults, NextToken: c.in.NextToken}
		if _, err := p.client.ListCommands(ctx, in); code(err) != c.list2 {
			t.Errorf("%s: ListCommands: %v, want %s", name, err, c.list2)
		}
	}
}

func TestListsAndFilters(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, simulated(1, func(string, map[string][]string) string { return "canned" }))
	p.put(t, "keyward-good", script("true"))
	p.put(t, "keyward-bad", script("false"))
	other := "i-00000000000000001"
	first := p.send(t, one("keyward-good", here, other))
	p.forward(t, time.Hour)
	second := p.send(t, one("keyward-bad", here))
	p.settle(t)
	p.silence(here, true)
	p.forward(t, time.Hour)
	third := p.send(t, one("keyward-good", here))
	ctx := context.Background()
	filter := func(key, value string) []types.CommandFilter {
		return []types.CommandFilter{{Key: types.CommandFilterKey(key), Value: &value}}
	}
	for name, c := range map[string]struct {
		in          client.ListCommandsInput
		want        []string
		invocations int // -1: the filter is not for them
	}{
		"all, newest first": {client.ListCommandsInput{}, []string{third, second, first}, 4},
		"of a node":         {client.ListCommandsInput{InstanceId: &other}, []string{first}, 1},
		"status":            {client.ListCommandsInput{Filters: filter("Status", "Success")}, []string{first}, 2},
		"failed":            {client.ListCommandsInput{Filters: filter("Status", "Failed")}, []string{second}, 1},
		"document":          {client.ListCommandsInput{Filters: filter("DocumentName", "keyward-good")}, []string{third, first}, 3},
		"after":             {client.ListCommandsInput{Filters: filter("InvokedAfter", "2026-03-01T05:30:00Z")}, []string{third, second}, 2},
		"before":            {client.ListCommandsInput{Filters: filter("InvokedBefore", "2026-03-01T05:30:00Z")}, []string{first}, 2},
		"executing":         {client.ListCommandsInput{Filters: filter("ExecutionStage", "Executing")}, []string{third}, -1},
		"complete":          {client.ListCommandsInput{Filters: filter("ExecutionStage", "Complete")}, []string{second, first}, -1},
	} {
		out, err := p.client.ListCommands(ctx, &c.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var ids []string
		for _, one := range out.Commands {
			ids = append(ids, *one.CommandId)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if c.invocations < 0 {
			continue
		}
		list, err := p.client.ListCommandInvocations(ctx, &client.ListCommandInvocationsInput{InstanceId: c.in.InstanceId, Filters: c.in.Filters})
		if err != nil || len(list.CommandInvocations) != c.invocations {
			t.Errorf("%s: %d invocations, %v, want %d", name, len(list.CommandInvocations), err, c.invocations)
		}
	}
	pages := client.NewListCommandsPaginator(p.client, &client.ListCommandsInput{MaxResults: aws.Int32(2)})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Commands))
	}
	if diff := cmp.Diff([]int{2, 1}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	p.forward(t, 31*24*time.Hour)
	p.silence(here, false)
	fresh := p.send(t, one("keyward-good", here))
	if out, err := p.client.ListCommands(ctx, &client.ListCommandsInput{}); err != nil || len(out.Commands) != 1 || *out.Commands[0].CommandId != fresh {
		t.Errorf("a month later there are %d commands, %v, want the new one alone", len(out.Commands), err)
	}
}
