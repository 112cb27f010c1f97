// Package schedule keeps EventBridge Scheduler's schedules of a group: one for each policy that has a schedule, or one for
// each report.
package schedule

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
)

// Client writes schedules of one group that invoke one function.
type Client struct {
	api                     *scheduler.Client
	group, role, arn, queue string
}

// New returns a client for a schedule group. The schedules invoke the function with functionARN as the
// role with roleARN, which also puts what cannot be delivered into the queue with queueARN.
func New(cfg aws.Config, group, roleARN, functionARN, queueARN string) *Client {
	return &Client{api: scheduler.NewFromConfig(cfg), group: group, role: roleARN, arn: functionARN, queue: queueARN}
}

// How long and how often a schedule's invocation is tried: as the stack's own schedules.
const (
	retryFor = 3600 // seconds
	retries  = 5
)

// Schedule is when and with what a function is invoked.
type Schedule struct {
	Name        string // of the policy or the report
	Description string // what people read in the console
	Expression  string // cron(…), AWS's six fields
	TimeZone    string // IANA
	Spread      int    // minutes of the flexible window, 0 for none
	Input       any
}

// Put makes a schedule, or changes the one of this name.
func (c *Client) Put(ctx context.Context, s Schedule) error {
	input, err := json.Marshal(s.Input)
	if err != nil {
		return fmt.Errorf("encoding input of schedule %s: %w", s.Name, err)
	}
	window := &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	if s.Spread > 0 {
		window = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(int32(s.Spread))}
	}
	target := &types.Target{
		Arn: &c.arn, RoleArn: &c.role, Input: aws.String(string(input)), DeadLetterConfig: &types.DeadLetterConfig{Arn: &c.queue},
		RetryPolicy: &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(retryFor), MaximumRetryAttempts: aws.Int32(retries)},
	}
	_, err = c.api.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: &s.Name, GroupName: &c.group, Description: &s.Description, ScheduleExpression: &s.Expression,
		ScheduleExpressionTimezone: &s.TimeZone, FlexibleTimeWindow: window, Target: target,
	})
	if err = awsconf.Wrap(err, "changing schedule "+s.Name); !fault.Is(err, fault.NotFound) {
		return err
	}
	_, err = c.api.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: &s.Name, GroupName: &c.group, Description: &s.Description, ScheduleExpression: &s.Expression,
		ScheduleExpressionTimezone: &s.TimeZone, FlexibleTimeWindow: window, Target: target,
	})
	return awsconf.Wrap(err, "creating schedule "+s.Name)
}

// Inputs are what the schedules of the group invoke the function with, by name.
func (c *Client) Inputs(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	pages := scheduler.NewListSchedulesPaginator(c.api, &scheduler.ListSchedulesInput{GroupName: &c.group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsconf.Wrap(err, "listing schedules")
		}
		for _, s := range page.Schedules {
			got, err := c.api.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: s.Name, GroupName: &c.group})
			if err := awsconf.Wrap(err, "reading schedule "+aws.ToString(s.Name)); fault.Is(err, fault.NotFound) {
				continue // deleted since
			} else if err != nil {
				return nil, err
			}
			all[aws.ToString(s.Name)] = []byte(aws.ToString(got.Target.Input))
		}
	}
	return all, nil
}

// Delete removes a schedule; one that is not there is success.
func (c *Client) Delete(ctx context.Context, name string) error {
	_, err := c.api.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name, GroupName: &c.group})
	if err = awsconf.Wrap(err, "deleting schedule "+name); fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
