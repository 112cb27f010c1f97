package contract_test

import (
	"slices"
	"strings"
	"testing"
)

// pure are the packages that decide and touch nothing.
var pure = []string{
	"report", "report/page", "report/paper", "report/sheet",
	"shared/actionlink", "shared/audit", "shared/content", "shared/delivery", "shared/doctor", "shared/drill", "shared/enforcement", "shared/env", "shared/event", "shared/evidence", "shared/fault", "shared/finding", "shared/guard", "shared/identity", "shared/inspection", "shared/integrity",
	"shared/keypolicy", "shared/keyrequest", "shared/notice", "shared/notifier", "shared/pace", "shared/plain", "shared/policy", "shared/policy/custom", "shared/record", "shared/release", "shared/removal", "shared/replay", "shared/safeguard", "shared/storm",
	"shared/trust", "shared/waiver",
}

// impure is what a pure package may not import, and why.
var impure = map[string]string{
	"os":                "it may not read the process",
	"os/exec":           "it may not start anything",
	"net":               "it may not talk to anybody",
	"net/http":          "it may not talk to anybody",
	"log":               "it may not log: it returns what happened",
	"log/slog":          "it may not log: it returns what happened",
	"math/rand":         "equal arguments have to give equal results",
	"math/rand/v2":      "equal arguments have to give equal results",
	"syscall":           "it may not ask the system",
	"runtime":           "it may not ask the system",
	"io/ioutil":         "it may not touch files",
	"path/filepath":     "it may not touch files",
	"database/sql":      "it may not talk to anybody",
	"net/smtp":          "it may not talk to anybody",
	"crypto/tls":        "it may not talk to anybody",
	"context":           "it waits for nothing",
	"testing":           "it is no test",
	"plugin":            "it may not load anything",
	"unsafe":            "it has no reason to",
	"sync/atomic":       "it shares nothing",
	"os/user":           "it may not ask the system",
	"os/signal":         "it may not ask the system",
	"runtime/debug":     "it may not ask the system",
	"net/http/httptest": "it is no test",
}

// forTests are packages that tests alone import, TestPackagesForTests holds that.
var forTests = []string{"functions/internal/fake", "docs/openapi", "local/wire/wiretest", "report/sample", "shared/aws/internal/awstest", "simulate/cases"}

// excepted are edges that the table forbids and that stand for a reason.
var excepted = map[string]string{
	"shared/fault → net/http": "the names of HTTP statuses alone; TestFaultNamesStatusesAlone holds that",
}

func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// forbidden is why a package may not import another, "" when it may.
func forbidden(from, to string) string {
	if _, ok := excepted[from+" → "+strings.TrimPrefix(to, module)]; ok {
		return ""
	}
	in, own := strings.CutPrefix(to, module)
	switch {
	case slices.Contains(forTests, from):
		return ""
	case slices.Contains(pure, from):
		switch {
		case own && !slices.Contains(pure, in):
			return "a pure package imports pure packages alone"
		case strings.HasPrefix(to, sdk), strings.HasPrefix(to, "github.com/aws/"):
			return "a pure package knows no AWS"
		default:
			return impure[to]
		}
	case under(from, "shared/aws"):
		switch {
		case own && !slices.Contains(pure, in) && in != "shared/aws/awsconf" && !(in == "shared/aws/kmskey" && under(from, "shared/aws/kmskey")):
			return "an adapter imports pure packages and awsconf, and no other adapter"
		case strings.HasPrefix(to, lambda):
			return "an adapter does not know what runs it"
		}
	case under(from, "functions"):
		return forbiddenToFunctions(from, to, in, own)
	case under(from, "local"):
		if own && !under(in, "local") {
			return "keyward local contains no Keyward logic: it is AWS, and what is true there must not be true for its sake"
		}
	case under(from, "console"):
		if own && !slices.Contains(pure, in) || strings.HasPrefix(to, "github.com/aws/") {
			return "the console shows what the people's API says: whoever starts it gives it that"
		}
	case under(from, "simulate/world"):
		if own && under(in, "functions", "cmd") {
			return "the simulated world contains no Keyward logic: handlers run on it, and simulate puts them there"
		}
	case under(from, "documents", "statemachine"):
		if own && !under(in, "documents", "statemachine") {
			return "what is deployed as text depends on nothing of ours"
		}
	}
	return ""
}

func forbiddenToFunctions(from, to, in string, own bool) string {
	switch {
	case strings.HasPrefix(to, sdk), to == "github.com/aws/smithy-go" || strings.HasPrefix(to, "github.com/aws/smithy-go/"):
		return "functions reach AWS through shared/aws alone"
	case own && in == from+"/handler":
		return ""
	case own && under(in, "functions") && !under(in, "functions/internal"):
		return "a function does not import another: what is shared is in shared or functions/internal"
	case own && under(in, "local", "cmd", "bench", "simulate"):
		return "what is deployed does not know keyward local or the command line"
	case own && under(from, "functions/internal") && under(in, "shared/aws"):
		return "what all functions share takes its calls as interfaces"
	}
	return ""
}

func TestImports(t *testing.T) {
	t.Parallel()
	own := ours(t)
	for _, p := range pure {
		if _, there := own[p]; !there {
			t.Errorf("%s is in the list of pure packages and not in the tree", p)
		}
	}
	for from, p := range own {
		if under(from, "shared") && !under(from, "shared/aws") && !slices.Contains(pure, from) {
			t.Errorf("%s is in shared and not in the list of pure packages", from)
		}
		for _, to := range p.Imports {
			if why := forbidden(from, to); why != "" {
				t.Errorf("%s → %s: %s", from, strings.TrimPrefix(to, module), why)
			}
		}
	}
	for edge, why := range excepted {
		from, to, _ := strings.Cut(edge, " → ")
		if !slices.Contains(own[from].Imports, to) {
			t.Errorf("%s is excepted (%s) and not there any more", edge, why)
		}
	}
}

// The table above has to refuse what it is there for.
func TestForbiddenEdges(t *testing.T) {
	t.Parallel()
	for edge, want := range map[string]bool{
		"shared/policy → time":                                          false,
		"shared/policy → os":                                            true,
		"shared/fault → net/http":                                       false,
		"shared/guard → net/http":                                       true,
		"shared/guard → " + module + "shared/aws/store":                 true,
		"shared/integrity → " + sdk + "/aws":                            true,
		"shared/aws/store → " + module + "shared/aws/ssmrun":            true,
		"shared/aws/store → " + lambda + "/lambda":                      true,
		"shared/aws/kmskey/revoke → " + module + "shared/aws/kmskey":    false,
		"functions/notify → " + sdk + "/service/kms":                    true,
		"functions/notify → " + module + "functions/revoke":             true,
		"functions/notify → " + module + "functions/notify/handler":     false,
		"functions/notify → " + module + "functions/revoke/handler":     true,
		"functions/revoke/handler → " + module + "functions/notify":     true,
		"functions/notify → " + module + "local/kms":                    true,
		"functions/notify → " + module + "functions/internal/boot":      false,
		"functions/internal/send → " + module + "shared/aws/ssmrun":     true,
		"local/kms → " + module + "shared/policy":                       true,
		"local/kms → " + module + "functions/revoke":                    true,
		"local/kms → " + module + "local/wire":                          false,
		"console → " + module + "shared/policy":                         false,
		"console → " + module + "shared/aws/store":                      true,
		"console → " + module + "cmd/keyward/internal/people":           true,
		"console → " + sdk + "/aws":                                     true,
		"statemachine → " + module + "local/sfn":                        true,
		"cmd/keyward → " + module + "local":                             false,
		"simulate → " + module + "functions/revoke/handler":             false,
		"simulate/world → " + module + "functions/revoke/handler":       true,
		"simulate/world → " + module + "local/sfn/asl":                  false,
		"functions/inspect → " + module + "shared/aws/ssmrun":           false,
		"functions/evaluate → github.com/aws/smithy-go":                 true,
		"functions/internal/boot → github.com/aws/aws-lambda-go/lambda": false,
	} {
		from, to, _ := strings.Cut(edge, " → ")
		if got := forbidden(from, to); (got != "") != want {
			t.Errorf("%s: %q, want it forbidden %t", edge, got, want)
		}
	}
}

// linkers are the only programs that may link a package that changes or uses keys.
var linkers = map[string][]string{
	"shared/aws/kmskey/revoke":  {"functions/revoke"},
	"shared/aws/kmskey/release": {"functions/request", "functions/restore"},
	"shared/aws/kmskey/use":     {"functions/drill"},
	"shared/aws/kmskey/unwrap":  {"cmd/keyward"},
	"shared/aws/kmskey/mark":    {"cmd/keyward"},
	"shared/aws/kmskey/wrap":    {"cmd/keyward"},
	"shared/aws/ec2safe":        {"functions/safeguard"},
}

func TestWhoMayChangeKeys(t *testing.T) {
	t.Parallel()
	own := ours(t)
	for target, allowed := range linkers {
		for path, p := range own {
			links := slices.Contains(p.Deps, module+target)
			switch {
			case slices.Contains(forTests, path):
			case links && !slices.Contains(allowed, path):
				t.Errorf("%s → %s: only %s may change keys so", path, target, strings.Join(allowed, " and "))
			case !links && slices.Contains(allowed, path):
				t.Errorf("%s does not link %s any more: take it from the list", path, target)
			}
		}
	}
}

// cel is what rules in CEL need. It costs every program that links it 7 MB and some of its start, so that
// only those have it that judge or check policies.
const cel = "cel.dev/cel-go"

func TestWhoLinksCEL(t *testing.T) {
	t.Parallel()
	const compiler = "shared/policy/custom"
	judges := []string{"functions/evaluate", "functions/api"}
	for path, p := range ours(t) {
		imports := slices.ContainsFunc(p.Imports, func(to string) bool { return under(to, cel) })
		links := slices.ContainsFunc(p.Deps, func(to string) bool { return under(to, cel) })
		switch allowed := path == compiler || under(path, append(judges, "cmd", "simulate", "bench")...); {
		case imports && path != compiler:
			t.Errorf("%s imports CEL: %s alone does, and hides it", path, compiler)
		case links && !allowed:
			t.Errorf("%s links CEL: only %s and the command line do; policy.Parse reads policies without it", path, strings.Join(judges, ", "))
		case !links && (path == compiler || slices.Contains(judges, path)):
			t.Errorf("%s does not link CEL any more: take it from the list", path)
		}
	}
}

// writers are what XLSX and PDF need, each in a package that hides it.
var writers = map[string]string{"github.com/xuri/excelize/v2": "report/sheet", "codeberg.org/go-pdf/fpdf": "report/paper"}

func TestWhoLinksWriters(t *testing.T) {
	t.Parallel()
	for path, p := range ours(t) {
		for writer, only := range writers {
			if slices.ContainsFunc(p.Imports, func(to string) bool { return under(to, writer) }) && path != only {
				t.Errorf("%s imports %s: %s alone does, and hides it", path, writer, only)
			}
			if slices.ContainsFunc(p.Deps, func(to string) bool { return under(to, writer) }) && !under(path, only, "functions/report", "cmd") {
				t.Errorf("%s links %s, which is megabytes: only what writes reports does", path, writer)
			}
		}
	}
}

// The programs that judge and tell link no client that could do more than that.
func TestWhatFunctionsLink(t *testing.T) {
	t.Parallel()
	services := map[string][]string{
		"act":       {"dynamodb", "lambda"},
		"api":       {"dynamodb", "ec2", "kms", "lambda", "scheduler", "sfn", "ssm"},
		"delivery":  {"dynamodb"},
		"drill":     {"dynamodb", "kms", "lambda"},
		"evaluate":  {"dynamodb", "ec2", "sfn", "ssm"},
		"findings":  {"dynamodb", "securityhub", "ssm"},
		"inspect":   {"dynamodb", "ssm"},
		"notifier":  {"dynamodb", "sesv2", "sns"},
		"notify":    {"dynamodb", "lambda", "sesv2"},
		"publish":   {"dynamodb", "eventbridge"},
		"recheck":   {"dynamodb", "ec2", "kms", "ssm"},
		"removal":   {"dynamodb"},
		"report":    {"dynamodb", "s3", "sesv2"},
		"request":   {"dynamodb", "ec2", "iam", "kms", "lambda", "ssm"},
		"restore":   {"dynamodb", "kms"},
		"revoke":    {"dynamodb", "kms"},
		"safeguard": {"dynamodb", "ec2", "ssm"},
		"sweep":     {"dynamodb", "kms", "lambda", "sfn", "ssm"},
	}
	infrastructure := []string{"sso", "ssooidc", "sts", "signin"} // credentials, linked by the SDK's own config
	own := ours(t)
	for _, f := range functions(t) {
		links := map[string]bool{}
		for _, d := range own["functions/"+f].Deps {
			service, ok := strings.CutPrefix(d, sdk+"/service/")
			service, _, _ = strings.Cut(service, "/")
			if ok && service != "internal" && !slices.Contains(infrastructure, service) {
				links[service] = true
			}
			if in, ok := strings.CutPrefix(d, module); ok && under(in, "local", "cmd") {
				t.Errorf("functions/%s links %s: what is deployed does not know keyward local", f, in)
			}
		}
		if got := sortedSet(links); !slices.Equal(got, services[f]) {
			t.Errorf("functions/%s links the clients %v, want %v", f, got, services[f])
		}
	}
}

func TestPackagesForTests(t *testing.T) {
	t.Parallel()
	own := ours(t)
	for _, p := range forTests {
		if _, there := own[p]; !there {
			t.Errorf("%s is not there any more: take it from the list", p)
		}
		for path, q := range own {
			if slices.Contains(q.Deps, module+p) && !slices.Contains(forTests, path) {
				t.Errorf("%s links %s, which is for tests", path, p)
			}
		}
	}
}
