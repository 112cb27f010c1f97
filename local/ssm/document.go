package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/keyward/keyward/local/ssm/agent"
	"github.com/keyward/keyward/local/wire"
)

// Document is what a template declares as AWS::SSM::Document of type Command.
type Document struct {
	Name         string
	Content      string // JSON; kept byte for byte, since its digest is what callers pin
	UpdateMethod string // NewVersion, or Replace (the default), which refuses a changed content
	NotHere      bool   // this host does not run it: its steps fail and say so
}

type document struct {
	Name     string    `json:"name"`
	Versions []version `json:"versions"` // 1 is the first; the last is both default and latest
	// registered says that PutDocument named it since the start: what was only saved does not run.
	registered bool
	notHere    bool
}

type version struct {
	Content string    `json:"content"`
	Created wire.Time `json:"created"`
	parsed  *agent.Document
}

var documentName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,128}$`)

// PutDocument registers a document, or a new version of it when the content changed, and returns the
// number of the version that is the default now. A document that could not run is refused here.
func (s *SSM) PutDocument(d Document) (int, error) {
	if !documentName.MatchString(d.Name) {
		return 0, fmt.Errorf("registering document %q: expected a name of 3 to 128 letters, digits, _, - and dots", d.Name)
	}
	if d.UpdateMethod != "" && d.UpdateMethod != "NewVersion" && d.UpdateMethod != "Replace" {
		return 0, fmt.Errorf("registering document %s: expected UpdateMethod NewVersion or Replace, found %q", d.Name, d.UpdateMethod)
	}
	parsed, err := agent.Parse(d.Content)
	if err != nil {
		return 0, fmt.Errorf("registering document %s: %w", d.Name, err)
	}
	defer s.flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.documents[d.Name]
	if known == nil {
		known = &document{Name: d.Name}
		s.documents[d.Name] = known
	}
	known.notHere = d.NotHere
	n := len(known.Versions)
	switch {
	case n > 0 && known.Versions[n-1].Content == d.Content:
		known.registered = true
		s.redeliver("", d.Name)
		return n, nil
	case n > 0 && d.UpdateMethod != "NewVersion":
		return 0, fmt.Errorf("registering document %s: %w", d.Name,
			&agent.Unsupported{What: "replacing a document's content, only UpdateMethod NewVersion"})
	}
	known.Versions = append(known.Versions, version{Content: d.Content, Created: wire.Time{Time: s.now()}, parsed: parsed})
	known.registered = true
	s.redeliver("", d.Name)
	return n + 1, nil
}

func (v version) hash() string {
	sum := sha256.Sum256([]byte(v.Content))
	return hex.EncodeToString(sum[:])
}

// find resolves a name, or the ARN of this account, and a version: a number, $DEFAULT, $LATEST or "".
// It is called with the service locked.
func (s *SSM) find(name, wanted string) (*document, int, error) {
	name = strings.TrimPrefix(name, "arn:aws:ssm:"+s.options.Region+":"+s.options.Account+":document/")
	d := s.documents[name]
	if s.calendars[name] != nil {
		return nil, 0, wire.Unimplemented("the change calendar %s where ssm.GetCalendarState and DeleteDocument do not ask for it", name)
	}
	if d == nil || !d.registered {
		return nil, 0, refuse("InvalidDocument", "Document with name %s does not exist.", name)
	}
	if wanted == "" || wanted == "$DEFAULT" || wanted == "$LATEST" {
		return d, len(d.Versions), nil
	}
	n, err := strconv.Atoi(wanted)
	if err != nil || n < 1 || n > len(d.Versions) {
		return nil, 0, refuse("InvalidDocumentVersion", "Document version %s of %s does not exist.", wanted, name)
	}
	return d, n, nil
}

type documentQuery struct{ Name, DocumentVersion, DocumentFormat string }

type documentParameter struct {
	Name, Type   string
	Description  string `json:",omitempty"`
	DefaultValue string `json:",omitempty"`
}

func (s *SSM) describeDocument(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ Name, DocumentVersion string }](r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, n, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	v := d.Versions[n-1]
	latest := strconv.Itoa(len(d.Versions))
	return map[string]any{"Document": map[string]any{
		"Name": d.Name, "Owner": s.options.Account, "CreatedDate": v.Created, "Status": "Active",
		"DocumentType": "Command", "DocumentFormat": "JSON", "SchemaVersion": v.parsed.SchemaVersion,
		"DocumentVersion": strconv.Itoa(n), "DefaultVersion": latest, "LatestVersion": latest,
		"Hash": v.hash(), "HashType": "Sha256", "Description": v.parsed.Description,
		"PlatformTypes": v.parsed.Platforms(), "Parameters": describeParameters(v.parsed.Parameters), "Tags": []any{},
	}}, nil
}

func describeParameters(parameters map[string]agent.Parameter) []documentParameter {
	list := []documentParameter{}
	for name, p := range parameters {
		one := documentParameter{Name: name, Type: p.Type, Description: p.Description}
		if text, ok := p.Default.(string); ok {
			one.DefaultValue = text
		} else if p.Default != nil {
			text, _ := json.Marshal(p.Default)
			one.DefaultValue = string(text)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b documentParameter) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (s *SSM) getDocument(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[documentQuery](r)
	if err != nil {
		return nil, err
	}
	if in.DocumentFormat != "" && in.DocumentFormat != "JSON" {
		return nil, wire.Unimplemented("DocumentFormat %s of %s.%s", in.DocumentFormat, r.Service, r.Operation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, n, err := s.find(in.Name, in.DocumentVersion)
	if err != nil {
		return nil, err
	}
	v := d.Versions[n-1]
	return map[string]any{
		"Name": d.Name, "CreatedDate": v.Created, "DocumentVersion": strconv.Itoa(n), "Status": "Active",
		"Content": v.Content, "DocumentType": "Command", "DocumentFormat": "JSON",
	}, nil
}

// restore parses what was saved; it was parsed before, so an error means that the file is not ours.
func (d *document) restore() error {
	if len(d.Versions) == 0 {
		return errors.New("expected at least one version")
	}
	for i := range d.Versions {
		parsed, err := agent.Parse(d.Versions[i].Content)
		if err != nil {
			return err
		}
		d.Versions[i].parsed = parsed
	}
	return nil
}
