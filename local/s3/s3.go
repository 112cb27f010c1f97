// Package s3 is the Simple Storage Service inside keyward local, as far as an archive needs it: PutObject and GetObject by
// the path of bucket and key, in buckets of the template, whose objects are locked by the bucket's default retention. It
// refuses by name what it does not do: uploads in parts or chunks, other headers, deleting. Bucket policies are not
// judged. It contains no Keyward logic; keyward local wires it.
package s3

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
)

// Bucket is a bucket as the template has it.
type Bucket struct {
	Name string
	Mode string        // of the default retention: GOVERNANCE, COMPLIANCE; "" is no lock
	Keep time.Duration // how long an object is locked
}

// Object is one version of an object.
type Object struct {
	Version     string    `json:"version"`
	ContentType string    `json:"contentType"`
	Body        []byte    `json:"body"`
	At          time.Time `json:"at"`
	Mode        string    `json:"mode,omitempty"`
	Until       time.Time `json:"until,omitzero"`
}

// S3 is the service. Its methods may be called from any goroutine.
type S3 struct {
	clock *clock.Clock

	mu      sync.Mutex
	buckets map[string]Bucket
	objects map[string]map[string][]Object // by bucket and key, oldest version first
}

// New returns a service without buckets.
func New(c *clock.Clock) *S3 {
	return &S3{clock: c, buckets: map[string]Bucket{}, objects: map[string]map[string][]Object{}}
}

// CreateBucket makes a bucket, which is versioned when it has a lock.
func (s *S3) CreateBucket(b Bucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[b.Name] = b
	if s.objects[b.Name] == nil {
		s.objects[b.Name] = map[string][]Object{}
	}
}

// Service is the wire's view.
func (s *S3) Service() wire.Service {
	return wire.Service{
		Name: "s3", Protocol: wire.RESTXML,
		Operations: map[string]wire.Operation{"PutObject": s.putObject, "GetObject": s.getObject},
		Routes: []wire.Route{
			{Pattern: "PUT /{Bucket}/{Key...}", Operation: "PutObject", Raw: true},
			{Pattern: "GET /{Bucket}/{Key...}", Operation: "GetObject", Raw: true},
		},
	}
}

// Save is everything that is stored, for the next start.
func (s *S3) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.objects)
}

// Load brings back what was saved.
func (s *S3) Load(state json.RawMessage) error {
	objects := map[string]map[string][]Object{}
	if err := json.Unmarshal(state, &objects); err != nil {
		return fmt.Errorf("reading the objects: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = objects
	return nil
}
