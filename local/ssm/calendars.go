package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/ssm/calendar"
	"github.com/keyward/keyward/local/wire"
)

// change is a document of type ChangeCalendar. Unlike command documents, people create them by a call:
// nothing of them runs.
type change struct {
	Name    string    `json:"name"`
	Content string    `json:"content"`
	Created wire.Time `json:"created"`
	parsed  *calendar.Calendar
}

type createInput struct {
	Name, Content, DocumentType, DocumentFormat string
}

func (s *SSM) createDocument(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[createInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(r.Caller); err != nil {
		return nil, err
	}
	parsed, err := calendar.Parse(in.Content)
	var unsupported *calendar.Unsupported
	switch {
	case errors.As(err, &unsupported):
		return nil, wire.Unimplemented("%s of ssm.CreateDocument", unsupported)
	case err != nil:
		return nil, refuse("InvalidDocumentContent", "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents[in.Name] != nil || s.calendars[in.Name] != nil {
		return nil, refuse("DocumentAlreadyExists", "Document with the same name %s already exists", in.Name)
	}
	c := &change{Name: in.Name, Content: in.Content, Created: wire.Time{Time: s.now()}, parsed: parsed}
	s.calendars[in.Name] = c
	return map[string]any{"DocumentDescription": s.described(c)}, nil
}

func (in createInput) check(caller wire.Principal) error {
	switch {
	case caller.Kind != wire.Operator:
		return refuse("AccessDeniedException", "User: %s is not authorized to perform: ssm:CreateDocument", caller.ARN)
	case in.DocumentType != "ChangeCalendar":
		return wire.Unimplemented("DocumentType %q of ssm.CreateDocument: command documents come from the template", in.DocumentType)
	case !documentName.MatchString(in.Name):
		return constraint("name", in.Name, "satisfy regular expression pattern: "+documentName.String())
	case in.DocumentFormat != "TEXT":
		return refuse("InvalidDocumentContent", "Document format %s is not supported for ChangeCalendar documents; use TEXT.", in.DocumentFormat)
	}
	return nil
}

func (s *SSM) described(c *change) map[string]any {
	sum := sha256.Sum256([]byte(c.Content))
	return map[string]any{
		"Name": c.Name, "Owner": s.options.Account, "CreatedDate": c.Created, "Status": "Active", "DocumentType": "ChangeCalendar",
		"DocumentFormat": "TEXT", "DocumentVersion": "1", "DefaultVersion": "1", "LatestVersion": "1",
		"Hash": hex.EncodeToString(sum[:]), "HashType": "Sha256", "Tags": []any{},
	}
}

func (s *SSM) deleteDocument(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ Name string }](r)
	if err != nil {
		return nil, err
	}
	if r.Caller.Kind != wire.Operator {
		return nil, refuse("AccessDeniedException", "User: %s is not authorized to perform: ssm:DeleteDocument", r.Caller.ARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents[in.Name] != nil {
		return nil, wire.Unimplemented("a command document of ssm.DeleteDocument: those come from the template")
	}
	if s.calendars[in.Name] == nil {
		return nil, refuse("InvalidDocument", "Document with name %s does not exist.", in.Name)
	}
	delete(s.calendars, in.Name)
	return struct{}{}, nil
}

type stateInput struct {
	CalendarNames []string
	AtTime        string
}

const iso8601 = "2006-01-02T15:04:05Z"

// getCalendarState says whether all calendars are open. When that changes next is the first time at
// which the state of all of them together does.
func (s *SSM) getCalendarState(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[stateInput](r)
	if err != nil {
		return nil, err
	}
	if len(in.CalendarNames) == 0 {
		return nil, wire.Validation("1 validation error detected: Value null at 'calendarNames' failed to satisfy constraint: Member must not be null")
	}
	at := s.now().UTC().Truncate(time.Second)
	if in.AtTime != "" {
		asked, err := time.Parse(time.RFC3339, in.AtTime)
		if err != nil {
			return nil, wire.Validation("AtTime %s is not an ISO 8601 time.", in.AtTime)
		}
		if asked.Before(at) {
			return nil, wire.Unimplemented("AtTime %s in the past of ssm.GetCalendarState", in.AtTime)
		}
		at = asked.UTC()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*calendar.Calendar
	for _, name := range in.CalendarNames {
		c, err := s.changeCalendar(name)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	open, next := together(all, at)
	out := map[string]any{"State": "CLOSED", "AtTime": at.Format(iso8601)}
	if open {
		out["State"] = "OPEN"
	}
	if !next.IsZero() {
		out["NextTransitionTime"] = next.Format(iso8601)
	}
	return out, nil
}

// changeCalendar finds one by name or by the ARN of this account and Region.
func (s *SSM) changeCalendar(name string) (*calendar.Calendar, error) {
	name = strings.TrimPrefix(name, "arn:aws:ssm:"+s.options.Region+":"+s.options.Account+":document/")
	if c := s.calendars[name]; c != nil {
		return c.parsed, nil
	}
	if s.documents[name] != nil {
		return nil, refuse("InvalidDocumentType", "The document type of %s is not ChangeCalendar.", name)
	}
	return nil, refuse("InvalidDocument", "Document with name %s does not exist.", name)
}

// together is open when all are; it changes at the first change of one of them that makes a difference.
func together(all []*calendar.Calendar, at time.Time) (open bool, next time.Time) {
	state := func(t time.Time) bool {
		return !slices.ContainsFunc(all, func(c *calendar.Calendar) bool { open, _ := c.Open(t); return !open })
	}
	open = state(at)
	for t := at; ; {
		var first time.Time
		for _, c := range all {
			if _, change := c.Open(t); !change.IsZero() && (first.IsZero() || change.Before(first)) {
				first = change
			}
		}
		if first.IsZero() || state(first) != open {
			return open, first
		}
		t = first
	}
}

func (c *change) restore() error {
	parsed, err := calendar.Parse(c.Content)
	if err != nil {
		return fmt.Errorf("loading calendar %s: %w", c.Name, err)
	}
	c.parsed = parsed
	return nil
}
