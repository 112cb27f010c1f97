package scheduler

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// Schedule is a schedule as a call or the template describes it, by the names of the API.
type Schedule struct {
	Name                       string
	GroupName                  string    `json:",omitempty"` // "" means default
	Description                string    `json:",omitempty"`
	ScheduleExpression         string    // rate(…), cron(…) or at(…)
	ScheduleExpressionTimezone string    `json:",omitempty"` // IANA; "" means UTC
	StartDate                  wire.Time `json:",omitzero"`
	EndDate                    wire.Time `json:",omitzero"`
	State                      string    `json:",omitempty"` // ENABLED, which "" means, or DISABLED
	FlexibleTimeWindow         Window
	ActionAfterCompletion      string `json:",omitempty"` // NONE, which "" means, or DELETE
	Target                     Target
}

// Window is how long after its time a schedule may fire.
type Window struct {
	Mode                   string // OFF or FLEXIBLE
	MaximumWindowInMinutes int    `json:",omitempty"`
}

// Target is what a schedule invokes: a Lambda function or a state machine.
type Target struct {
	Arn              string
	RoleArn          string
	Input            string        `json:",omitempty"`
	RetryPolicy      *RetryPolicy  `json:",omitempty"`
	DeadLetterConfig *DeadLetterTo `json:",omitempty"`
}

// RetryPolicy bounds the attempts after the first; nil fields mean 185 attempts in 24 hours.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

// DeadLetterTo is the queue for what could not be delivered.
type DeadLetterTo struct {
	Arn string `json:",omitempty"`
}

var (
	nameForm   = regexp.MustCompile(`^[0-9a-zA-Z-_.]{1,64}$`)
	roleForm   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	targetForm = regexp.MustCompile(`^arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:[0-9]{12}:(.+)$`)
	queueForm  = regexp.MustCompile(`^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`)
)

// withDefaults fills in what a call may leave out.
func (s Schedule) withDefaults() Schedule {
	for _, d := range []struct {
		field *string
		value string
	}{{&s.GroupName, "default"}, {&s.ScheduleExpressionTimezone, "UTC"}, {&s.State, "ENABLED"}, {&s.ActionAfterCompletion, "NONE"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return s
}

// check refuses what AWS refuses, and by name what is not here.
func (s Schedule) check(now time.Time) error {
	for _, err := range []error{
		constraint(nameForm.MatchString(s.Name), s.Name, "name", "satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$"),
		constraint(len(s.Description) <= 512, "…", "description", "have length less than or equal to 512"),
		constraint(s.State == "ENABLED" || s.State == "DISABLED", s.State, "state", "satisfy enum value set: [ENABLED, DISABLED]"),
		constraint(s.ActionAfterCompletion == "NONE" || s.ActionAfterCompletion == "DELETE", s.ActionAfterCompletion, "actionAfterCompletion", "satisfy enum value set: [NONE, DELETE]"),
		s.FlexibleTimeWindow.check(),
		s.Target.check(),
	} {
		if err != nil {
			return err
		}
	}
	return s.checkDates(now)
}

func constraint(ok bool, value, at, want string) error {
	if ok {
		return nil
	}
	return wire.Validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, at, want)
}

func (s Schedule) checkDates(now time.Time) error {
	if strings.HasPrefix(s.ScheduleExpression, "at(") {
		return nil // AWS ignores both dates for one-time schedules
	}
	if !s.StartDate.IsZero() && s.StartDate.Before(now.Add(-5*time.Minute)) {
		return wire.Validation("The StartDate you specify cannot be earlier than 5 minutes ago.")
	}
	if !s.EndDate.IsZero() && (s.EndDate.Before(now) || s.EndDate.Before(s.StartDate.Time)) {
		return wire.Validation("The EndDate you specify must come after the StartDate and be in the future.")
	}
	return nil
}

func (w Window) check() error {
	switch {
	case w.Mode == "OFF" && w.MaximumWindowInMinutes == 0:
		return nil
	case w.Mode == "OFF":
		return wire.Validation("MaximumWindowInMinutes should not be specified for FlexibleTimeWindow mode OFF.")
	case w.Mode != "FLEXIBLE":
		return constraint(false, w.Mode, "flexibleTimeWindow.mode", "satisfy enum value set: [OFF, FLEXIBLE]")
	}
	return constraint(w.MaximumWindowInMinutes >= 1 && w.MaximumWindowInMinutes <= 1440, fmt.Sprint(w.MaximumWindowInMinutes),
		"flexibleTimeWindow.maximumWindowInMinutes", "have value between 1 and 1440")
}

func (t Target) check() error {
	m := targetForm.FindStringSubmatch(t.Arn)
	if m == nil {
		return wire.Validation("Provided Arn is not in correct format.")
	}
	if (m[1] != "lambda" || !strings.HasPrefix(m[2], "function:")) && (m[1] != "states" || !strings.HasPrefix(m[2], "stateMachine:")) {
		return wire.Unimplemented("target %s of a schedule", t.Arn)
	}
	if !roleForm.MatchString(t.RoleArn) {
		return constraint(false, t.RoleArn, "target.roleArn", "satisfy regular expression pattern: ^arn:aws[a-z-]*:iam::\\d{12}:role\\/[\\w+=,.@\\/-]+$")
	}
	if t.Input != "" && !json.Valid([]byte(t.Input)) {
		return wire.Validation("Invalid RequestJson provided. Reason: the input of the target is not JSON.")
	}
	if t.DeadLetterConfig != nil && t.DeadLetterConfig.Arn != "" && !queueForm.MatchString(t.DeadLetterConfig.Arn) {
		return wire.Validation("Provided DeadLetterConfig Arn is not the ARN of a standard SQS queue.")
	}
	if p := t.RetryPolicy; p != nil {
		if err := between(p.MaximumEventAgeInSeconds, 60, 86400, "target.retryPolicy.maximumEventAgeInSeconds"); err != nil {
			return err
		}
		return between(p.MaximumRetryAttempts, 0, 185, "target.retryPolicy.maximumRetryAttempts")
	}
	return nil
}

func between(v *int, low, high int, at string) error {
	if v == nil {
		return nil
	}
	return constraint(*v >= low && *v <= high, fmt.Sprint(*v), at, fmt.Sprintf("have value between %d and %d", low, high))
}

func (t Target) retries() int {
	if t.RetryPolicy == nil || t.RetryPolicy.MaximumRetryAttempts == nil {
		return 185
	}
	return *t.RetryPolicy.MaximumRetryAttempts
}

func (t Target) age() time.Duration {
	if t.RetryPolicy == nil || t.RetryPolicy.MaximumEventAgeInSeconds == nil {
		return 24 * time.Hour
	}
	return time.Duration(*t.RetryPolicy.MaximumEventAgeInSeconds) * time.Second
}

// spread is where in its flexible window a schedule fires: always at the same place, by its name.
func (s Schedule) spread() time.Duration {
	if s.FlexibleTimeWindow.Mode != "FLEXIBLE" {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(s.GroupName + "/" + s.Name))
	return time.Duration(h.Sum64()%uint64(s.FlexibleTimeWindow.MaximumWindowInMinutes*60)) * time.Second
}
