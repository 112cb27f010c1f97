package ssm

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/local/ssm/agent"
	"github.com/keyward/keyward/local/wire"
)

// history is how long AWS keeps a command.
const history = 30 * 24 * time.Hour

type sendInput struct {
	DocumentName, DocumentVersion  string
	DocumentHash, DocumentHashType string
	InstanceIDs                    []string `json:"InstanceIds"`
	Targets                        []target
	Parameters                     map[string][]string
	TimeoutSeconds                 *int
	Comment                        string
	MaxConcurrency, MaxErrors      string
}

var (
	concurrencyForm = regexp.MustCompile(`^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$`)
	errorsForm      = regexp.MustCompile(`^([1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%)$`)
)

func (s *SSM) sendCommand(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[sendInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	c, err := s.accept(in)
	var answer any
	if err == nil {
		answer = map[string]any{"Command": c.describe()}
		s.arm(c)
		s.pump(c)
	}
	s.mu.Unlock()
	s.flush()
	return answer, err
}

// check is what the model of the API says about the input alone; it fills in the defaults.
func (in *sendInput) check() error {
	in.MaxConcurrency, in.MaxErrors = orElse(in.MaxConcurrency, "50"), orElse(in.MaxErrors, "0")
	in.DocumentVersion = orElse(in.DocumentVersion, "$DEFAULT")
	if in.TimeoutSeconds == nil {
		hour := 3600
		in.TimeoutSeconds = &hour
	}
	switch n := *in.TimeoutSeconds; {
	case n < 30 || n > 2592000:
		return constraint("timeoutSeconds", n, "have value between 30 and 2592000")
	case len([]rune(in.Comment)) > 100:
		return constraint("comment", in.Comment, "have length less than or equal to 100")
	case !concurrencyForm.MatchString(in.MaxConcurrency):
		return constraint("maxConcurrency", in.MaxConcurrency, "satisfy regular expression pattern: "+concurrencyForm.String())
	case !errorsForm.MatchString(in.MaxErrors):
		return constraint("maxErrors", in.MaxErrors, "satisfy regular expression pattern: "+errorsForm.String())
	case len(in.InstanceIDs) > 50:
		return constraint("instanceIds", len(in.InstanceIDs), "have length less than or equal to 50")
	case len(in.Targets) > 5:
		return constraint("targets", len(in.Targets), "have length less than or equal to 5")
	case (len(in.InstanceIDs) > 0) == (len(in.Targets) > 0):
		return wire.Validation("expected either InstanceIds or Targets")
	case in.DocumentHashType != "" && in.DocumentHashType != "Sha256":
		return wire.Unimplemented("DocumentHashType %s of ssm.SendCommand", in.DocumentHashType)
	}
	for _, t := range in.Targets {
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t target) check() error {
	most := 5
	switch {
	case strings.EqualFold(t.Key, "instanceids"):
		most = 50
	case !strings.HasPrefix(t.Key, "tag:"):
		return wire.Unimplemented("target key %s of ssm.SendCommand", t.Key)
	}
	if len(t.Values) == 0 || len(t.Values) > most {
		return constraint("targets.values", len(t.Values), fmt.Sprintf("have length between 1 and %d", most))
	}
	return nil
}

// accept checks the input against documents and nodes and makes the command of it, or nothing.
func (s *SSM) accept(in sendInput) (*command, error) {
	d, n, err := s.find(in.DocumentName, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	v := d.Versions[n-1]
	if in.DocumentHash != "" && !strings.EqualFold(in.DocumentHash, v.hash()) {
		// The errors that SendCommand declares have no other for it.
		return nil, refuse("InvalidDocument", "The document hash does not match version %d of %s.", n, d.Name)
	}
	size := len(v.Content)
	for name, values := range in.Parameters {
		size += len(name)
		for _, text := range values {
			size += len(text)
		}
	}
	if size > agent.MaxDocumentSize {
		return nil, refuse("MaxDocumentSizeExceeded", "The document with its parameters has %d bytes, expected at most %d.", size, agent.MaxDocumentSize)
	}
	if err := v.parsed.Check(in.Parameters); err != nil {
		return nil, refuse("InvalidParameters", "%v", err)
	}
	ids, err := s.resolve(in, v.parsed.Platforms())
	if err != nil {
		return nil, err
	}
	c := &command{
		ID: newID(), Document: d.Name, Wanted: in.DocumentVersion, Version: n, Comment: in.Comment, Parameters: in.Parameters,
		InstanceIDs: in.InstanceIDs, Targets: in.Targets, MaxConcurrency: in.MaxConcurrency, MaxErrors: in.MaxErrors,
		TimeoutSeconds: *in.TimeoutSeconds, Requested: s.now(), Status: "Pending", Details: "Pending",
		bound: v.parsed.Bind(in.Parameters), window: 1,
	}
	c.Expires = c.Requested.Add(time.Duration(c.TimeoutSeconds)*time.Second + c.bound.Timeout("Linux"))
	for _, id := range ids {
		c.Invocations = append(c.Invocations, &invocation{Node: id, Name: s.nodes[id].ComputerName, Status: "Pending", Details: "Pending"})
	}
	s.forget()
	s.commands[c.ID] = c
	s.order = append(s.order, c.ID)
	return c, nil
}

// resolve names the nodes of a command: as they were listed, or those that match all targets.
func (s *SSM) resolve(in sendInput, platforms []string) ([]string, error) {
	seen := map[string]bool{}
	for _, id := range in.InstanceIDs {
		n := s.nodes[id]
		switch {
		case seen[id]:
			return nil, refuse("DuplicateInstanceId", "The instance id %s is there twice.", id)
		case !nodeID.MatchString(id):
			return nil, constraint("instanceIds", id, "satisfy regular expression pattern: "+nodeID.String())
		case n == nil || n.State == "terminated":
			return nil, refuse("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id, s.options.Account)
		case !slices.Contains(platforms, n.PlatformType):
			return nil, refuse("UnsupportedPlatformType", "The document does not support the platform %s of %s.", n.PlatformType, id)
		}
		seen[id] = true
	}
	if len(in.Targets) == 0 {
		return in.InstanceIDs, nil
	}
	var ids []string
	for _, id := range s.nodeIDs() {
		n := s.nodes[id]
		if n.State != "terminated" && !slices.ContainsFunc(in.Targets, func(t target) bool { return !n.targeted(t) }) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (n *Node) targeted(t target) bool {
	if strings.EqualFold(t.Key, "instanceids") {
		return slices.Contains(t.Values, n.ID)
	}
	return n.matches(filter(t))
}

// forget drops the commands that AWS would not list any more.
func (s *SSM) forget() {
	for len(s.order) > 0 && s.now().Sub(s.commands[s.order[0]].Requested) > history {
		delete(s.commands, s.order[0])
		s.order = s.order[1:]
	}
}

// newID is a random UUID of version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
