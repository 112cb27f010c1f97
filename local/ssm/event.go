package ssm

import (
	"encoding/json"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// The detail types and field names are those of EventBridge's reference for aws.ssm; events say
// Canceled where the API says Cancelled, and carry no StatusDetails.
const (
	commandChange    = "EC2 Command Status-change Notification"
	invocationChange = "EC2 Command Invocation Status-change Notification"

	eventTime = "2006-01-02T15:04:05.000Z"
)

var eventStatus = map[string]string{
	"InProgress": "InProgress", "Success": "Success", "TimedOut": "TimedOut", "Failed": "Failed", "Cancelled": "Canceled",
}

type commandDetail struct {
	CommandID  string              `json:"command-id"`
	Document   string              `json:"document-name"`
	Expires    string              `json:"expire-after"`
	Parameters map[string][]string `json:"parameters"`
	Requested  string              `json:"requested-date-time"`
	Status     string              `json:"status"`
}

type invocationDetail struct {
	CommandID string `json:"command-id"`
	Document  string `json:"document-name"`
	Instance  string `json:"instance-id"`
	Requested string `json:"requested-date-time"`
	Status    string `json:"status"`
}

func (s *SSM) tellCommand(c *command) {
	resources := []string{}
	for _, i := range c.Invocations {
		resources = append(resources, s.arn(i.Node))
	}
	parameters := c.Parameters
	if parameters == nil {
		parameters = map[string][]string{}
	}
	s.tell(commandChange, c.Status, resources, commandDetail{
		CommandID: c.ID, Document: c.Document, Expires: c.Expires.Format(eventTime), Parameters: parameters,
		Requested: c.Requested.Format(eventTime), Status: eventStatus[c.Status],
	})
}

func (s *SSM) tellInvocation(c *command, i *invocation) {
	s.tell(invocationChange, i.Status, []string{s.arn(i.Node)}, invocationDetail{
		CommandID: c.ID, Document: c.Document, Instance: i.Node,
		Requested: c.Requested.Format(eventTime), Status: eventStatus[i.Status],
	})
}

func (s *SSM) tell(kind, status string, resources []string, detail any) {
	if eventStatus[status] == "" {
		return
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return // strings alone cannot fail
	}
	s.events = append(s.events, Event{Source: "aws.ssm", DetailType: kind, Resources: resources, Detail: text})
}

// flush publishes what has happened, in order and with the service unlocked. Whoever changed a status
// flushes before it says that its work is done.
func (s *SSM) flush() {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	events := s.events
	s.events = nil
	s.mu.Unlock()
	for _, e := range events {
		s.options.Publish(e)
	}
}

// stamp is the ISO form in which GetCommandInvocation gives instants; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(eventTime)
}

func instant(t time.Time) wire.Time { return wire.Time{Time: t} }
