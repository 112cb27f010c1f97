package local

import (
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/lambda"
)

// Status is the place at a glance.
type Status struct {
	URL       string            `json:"url"`
	Region    string            `json:"region"`
	Account   string            `json:"account"`
	Now       time.Time         `json:"now"`    // virtual
	Offset    string            `json:"offset"` // of virtual time ahead of real time
	Pending   []clock.Due       `json:"pending"`
	Functions []lambda.Status   `json:"functions"`
	APIs      map[string]string `json:"apis"`    // URL by logical id
	Outputs   map[string]string `json:"outputs"` // of the template
}

// maxPending keeps the status readable when thousands of timers are set.
const maxPending = 100

// Status describes the place.
func (s *Server) Status() Status {
	pending := s.clock.Pending()
	if len(pending) > maxPending {
		pending = pending[:maxPending]
	}
	status := Status{
		URL: s.url, Region: s.stack.Region, Account: s.stack.Account, Now: s.clock.Now(),
		Offset: s.clock.Offset().Round(time.Second).String(), Pending: pending,
		Functions: s.lambda.Functions(), APIs: map[string]string{}, Outputs: s.stack.Outputs,
	}
	for _, a := range s.stack.APIs {
		status.APIs[a.LogicalID] = a.URL
	}
	return status
}

// API is the URL of an HTTP API by its logical id, "" when there is none.
func (s *Server) API(logicalID string) string { return s.Status().APIs[logicalID] }
