package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/iam"
	"github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/s3"
	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/securityhub"
	"github.com/keyward/keyward/local/servicequotas"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/local/sqs"
	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/local/sts"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/notice"
)

// rows are the cells of the table whose header begins with a word.
func rows(t *testing.T, p page, header string) [][]string {
	t.Helper()
	var all [][]string
	inside := false
	for _, line := range p.lines {
		switch {
		case strings.HasPrefix(line, "| "+header+" |"):
			inside = true
		case !inside || strings.HasPrefix(line, "| ---"):
		case !strings.HasPrefix(line, "|"):
			inside = false
		default:
			var cells []string
			for _, c := range strings.Split(strings.Trim(line, "|"), " | ") {
				cells = append(cells, strings.TrimSpace(c))
			}
			all = append(all, cells)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no table that begins with %q", p.path, header)
	}
	return all
}

var (
	function   = regexp.MustCompile(`(?ms)^  (\w+)Function:\n(.*?)(?:^  \w|^Outputs)`)
	action     = regexp.MustCompile(`(?s)Effect: Allow\s+Action:(.*?)Resource:`)
	permission = regexp.MustCompile(`\b[a-z0-9-]+:[A-Z]\w+\*?`)
)

// permissions are what the template allows each function beside the table.
func permissions(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	template := read(t, "template.yaml")
	for {
		at := function.FindStringSubmatchIndex(template)
		if at == nil {
			return all
		}
		name, body := strings.ToLower(template[at[2]:at[3]]), template[at[4]:at[5]]
		all[name] = []string{}
		for _, a := range action.FindAllStringSubmatch(body, -1) {
			for _, p := range permission.FindAllString(a[1], -1) {
				if !strings.HasPrefix(p, "dynamodb:") {
					all[name] = append(all[name], p)
				}
			}
		}
		slices.Sort(all[name])
		all[name] = slices.Compact(all[name])
		template = template[at[5]:]
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, row := range rows(t, pageOf(t, "docs/design.md"), "function") {
		allowed := permission.FindAllString(row[len(row)-1], -1)
		slices.Sort(allowed)
		got[row[0]] = allowed
		if !exists("functions/" + row[0] + "/main.go") {
			t.Errorf("docs/design.md names the function %s, which has no folder", row[0])
		}
	}
	if diff := cmp.Diff(permissions(t), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what functions may call (-template.yaml +docs/design.md):\n%s", diff)
	}
}

var reason = regexp.MustCompile(`(?m)^\t(Reason\w+):\s+"`)

// notHeld are reasons of outcomes other than a hold.
var notHeld = []string{
	"ReasonDue", "ReasonNotDue", "ReasonLookEarly", "ReasonAwaiting", "ReasonCorrected", "ReasonGeneration",
	"ReasonRevoked", "ReasonNotBad", "ReasonGone", "ReasonCommanded",
}

func TestReasons(t *testing.T) {
	t.Parallel()
	want := 0
	for _, m := range reason.FindAllStringSubmatch(read(t, "shared/guard/reason.go"), -1) {
		if !slices.Contains(notHeld, m[1]) {
			want++
		}
	}
	all := rows(t, pageOf(t, "docs/reasons.md"), "reason")
	for _, row := range all {
		code := strings.Trim(row[0], "`")
		if text := guard.Reason(code).Text(); text != row[1] || text == code {
			t.Errorf("docs/reasons.md says of %s %q, guard says %q", code, row[1], text)
		}
	}
	if len(all) != want {
		t.Errorf("docs/reasons.md has %d reasons of a hold, guard has %d", len(all), want)
	}
}

// TestEvents holds the table of events against shared/notice; -update writes it.
func TestEvents(t *testing.T) {
	t.Parallel()
	const header, end = "| event | is sent when | was | can wait |\n| --- | --- | --- | --- |\n", "\n\n"
	var want strings.Builder
	for _, e := range notice.Events() {
		can := ""
		if e.Can {
			can = "yes"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", e.Kind, e.When, e.Was, can)
	}
	text := read(t, "docs/notices.md")
	before, rest, found := strings.Cut(text, header)
	if !found {
		t.Fatalf("docs/notices.md has no table that begins with %q", header)
	}
	got, after, _ := strings.Cut("\n"+rest, end)
	if *update {
		if err := os.WriteFile(filepath.Join(root, "docs", "notices.md"), []byte(before+header+want.String()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.TrimSpace(want.String()), strings.TrimSpace(got)); diff != "" {
		t.Errorf("events (-shared/notice +docs/notices.md); go test ./docs -run TestEvents -update:\n%s", diff)
	}
}

func TestLocalOperations(t *testing.T) {
	t.Parallel()
	virtual := clock.New(nil)
	functions, err := lambda.New(lambda.Options{Clock: virtual, RuntimeAddress: "127.0.0.1:1", Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = functions.Close() })
	want := map[string][]string{}
	for _, s := range []wire.Service{
		cloudformation.New(cloudformation.Config{}).Service(), dynamodb.New(virtual, "us-east-1", "123456789012").Service(), ec2.New(ec2.Config{}).Service(), events.New(events.Config{Clock: virtual}).Service(), iam.New(iam.Config{}).Service(),
		kms.New(kms.Config{}).Service(), securityhub.New("us-east-1", "123456789012").Service(), functions.Service(), scheduler.New(scheduler.Config{Clock: virtual}).Service(),
		servicequotas.Service(servicequotas.Config{}), sns.New(sns.Options{Clock: virtual}).Service(), sqs.Service(sqs.Config{}),
		s3.New(virtual).Service(), ses.New(ses.Options{Clock: virtual}).Service(), ssm.New(ssm.Options{Clock: virtual}).Service(),
		sfn.New(sfn.Options{Clock: virtual}).Service(), sts.Service(),
	} {
		for name := range s.Operations {
			want[s.Name] = append(want[s.Name], name)
		}
		slices.Sort(want[s.Name])
	}
	got := map[string][]string{}
	operation := regexp.MustCompile(`\b([A-Z][a-z]+(?:[A-Z][a-z]+)+|Invoke|Encrypt|Decrypt|Query|Publish)\b`)
	for _, row := range rows(t, pageOf(t, "docs/local.md"), "service") {
		names := operation.FindAllString(row[1], -1)
		slices.Sort(names)
		got[strings.Trim(row[0], "`")] = names
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-local +docs/local.md):\n%s", diff)
	}
}

func TestControlRoutes(t *testing.T) {
	t.Parallel()
	text := pageOf(t, "docs/local.md").text()
	routes := regexp.MustCompile(`route\("([A-Z]+ [^"]+)"`)
	found := routes.FindAllStringSubmatch(read(t, "local/control.go")+read(t, "local/services.go"), -1)
	if len(found) == 0 {
		t.Fatal("local declares no control routes in the form that is looked for")
	}
	for _, m := range found {
		if !strings.Contains(text, "`"+m[1]+"`") {
			t.Errorf("docs/local.md does not name the control route %s", m[1])
		}
	}
}
