// Package ssmcalendar asks Systems Manager whether a change calendar is open.
package ssmcalendar

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

// Client talks to SSM.
type Client struct{ api *ssm.Client }

// New returns a client.
func New(cfg aws.Config) *Client { return &Client{api: ssm.NewFromConfig(cfg)} }

// Calendar is the state of one change calendar, by name or ARN, at this moment. Changes stays zero when SSM
// gives no time or one that is no ISO 8601. An answer that is neither OPEN nor CLOSED is an error.
func (c *Client) Calendar(ctx context.Context, name string) (guard.Calendar, error) {
	out, err := c.api.GetCalendarState(ctx, &ssm.GetCalendarStateInput{CalendarNames: []string{name}})
	if err != nil {
		return guard.Calendar{}, awsconf.Wrap(err, "reading change calendar "+plain(name))
	}
	state := guard.Calendar{Read: true, Open: out.State == types.CalendarStateOpen}
	if !state.Open && out.State != types.CalendarStateClosed {
		return guard.Calendar{}, fault.New(fault.Internal, "reading change calendar %s: its state is %q, expected OPEN or CLOSED", plain(name), out.State)
	}
	if at, err := time.Parse(time.RFC3339, aws.ToString(out.NextTransitionTime)); err == nil {
		state.Changes = at.UTC()
	}
	return state, nil
}

// plain is the name in an ARN: errors show no account ids.
func plain(name string) string { return name[strings.LastIndex(name, "/")+1:] }
