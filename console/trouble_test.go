package console

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/fault"
)

// roles is a row of docs/api.md: route, and who may call it.
var roles = regexp.MustCompile("(?m)^\\| `([A-Z]+ /v1/[^`]*)` \\|[^|]*\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|$")

// TestRights: what the pages say about roles is what the table says.
func TestRights(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, row := range roles.FindAllStringSubmatch(string(page), -1) {
		var who []string
		for i, role := range []string{"security administrators", "key approvers", "auditors"} {
			if strings.TrimSpace(row[2+i]) == "yes" {
				who = append(who, role)
			}
		}
		found[row[1]] = strings.Join(who, " and ")
	}
	if len(found) < 40 {
		t.Fatalf("%d routes in docs/api.md", len(found))
	}
	for route, who := range rights {
		if got, ok := found[route]; !ok || got != who {
			t.Errorf("%s is for %q, docs/api.md says %q", route, who, got)
		}
	}
	for _, file := range sources(t) {
		for _, route := range routes.FindAllString(file, -1) {
			if who, ok := found[route]; !ok {
				t.Errorf("%s is no route of docs/api.md", route)
			} else if _, listed := rights[route]; !listed && strings.Count(who, " and ") < 2 {
				t.Errorf("%s is for %q and not in the list", route, who)
			}
		}
	}
}

var routes = regexp.MustCompile(`(?:GET|POST|PUT|DELETE) /v1/[a-z/{}-]*[a-z}]`)

// sources are the texts that name routes.
func sources(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.go", "pages/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			if text, err := os.ReadFile(f); err != nil {
				t.Fatal(err)
			} else if !strings.HasSuffix(f, "_test.go") {
				all = append(all, string(text))
			}
		}
	}
	return all
}

type answer struct {
	status       int
	kind, detail string
}

func (a answer) Error() string   { return a.detail }
func (a answer) HTTPStatus() int { return a.status }
func (a answer) Problem() fault.Problem {
	return fault.Problem{Status: a.status, Kind: a.kind, Detail: a.detail}
}

func TestWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"IAM":                {answer{403, "", "Forbidden"}, 403, "Your AWS identity may not do this. Forbidden. IAM lets security administrators, besides administrators call PUT /v1/holds/{scope}."},
		"expired":            {answer{403, "", "The security token included in the request is expired"}, 403, "Your AWS credentials have expired. "},
		"not accepted":       {answer{403, "", "The security token included in the request is invalid."}, 403, "AWS does not accept your credentials. "},
		"Keyward":            {answer{403, "Denied", "nobody approves his own exception"}, 403, "Keyward refuses this to you. nobody approves his own exception"},
		"no such thing":      {answer{404, "NotFound", "there is none"}, 404, "There is no such thing. "},
		"quicker":            {answer{409, "Conflict", "somebody was quicker"}, 409, "It is not done: things are not as they were. somebody was quicker"},
		"another version":    {answer{412, "Stale", "it is 3"}, 412, "somebody stored another version meanwhile. it is 3"},
		"entry":              {answer{400, "Invalid", "reason is empty"}, 400, "what was entered is not accepted. reason is empty"},
		"reused":             {answer{422, "Reused", "another call"}, 422, "what was entered is not accepted. another call"},
		"large":              {answer{413, "TooLarge", "more than 128 KiB"}, 413, "what was entered is not accepted"},
		"throttled":          {answer{429, "", "Too Many Requests"}, 429, "too many calls at once"},
		"AWS":                {answer{503, "Transient", "DynamoDB"}, 503, "AWS does not answer Keyward or limits it"},
		"ours":               {answer{500, "Internal", "it failed"}, 500, "It failed in Keyward"},
		"unreachable":        {errors.New("calling the Keyward API: connection refused"), 502, "The Keyward API does not answer. calling the Keyward API: connection refused"},
		"without credential": {errors.New("reading AWS credentials: the SSO session has expired"), 403, "There are no AWS credentials to sign with. "},
	} {
		got := wrong(c.err, "PUT /v1/holds/{scope}")
		if said := got.Title + ". " + got.Text + ". " + got.Advice; got.Status != c.status || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d %q, want %d with %q", name, got.Status, said, c.status, c.says)
		}
	}
	if wrong(nil, "") != nil {
		t.Error("nothing is wrong, and it says so")
	}
}
