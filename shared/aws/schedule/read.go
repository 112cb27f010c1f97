package schedule

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/doctor"
	"github.com/keyward/keyward/shared/fault"
)

// Reader reads schedules and changes none.
type Reader struct{ api *scheduler.Client }

// NewReader returns one.
func NewReader(cfg aws.Config) *Reader { return &Reader{api: scheduler.NewFromConfig(cfg)} }

// Default is the group of schedules that are in none.
const Default = "default"

// Schedule reads one schedule of a group; one that is not there is no error.
func (r *Reader) Schedule(ctx context.Context, group, name string) (doctor.Schedule, error) {
	out, err := r.api.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: &name})
	if err = awsconf.Wrap(err, "reading schedule "+name); fault.Is(err, fault.NotFound) {
		return doctor.Schedule{}, nil
	}
	if err != nil {
		return doctor.Schedule{}, err
	}
	return doctor.Schedule{
		There: true, On: out.State == types.ScheduleStateEnabled, Expression: aws.ToString(out.ScheduleExpression), TimeZone: aws.ToString(out.ScheduleExpressionTimezone),
	}, nil
}
