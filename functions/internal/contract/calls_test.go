package contract_test

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// prefixes are the service prefixes of IAM by the SDK's package.
var prefixes = map[string]string{
	"dynamodb": "dynamodb", "ec2": "ec2", "eventbridge": "events", "iam": "iam", "kms": "kms", "lambda": "lambda", "s3": "s3", "scheduler": "scheduler", "securityhub": "securityhub", "sesv2": "ses", "sfn": "states", "sns": "sns", "ssm": "ssm",
}

// actions are the operations whose permission has another name, or more than one; of all others the
// permission is the operation's name (docs.aws.amazon.com/service-authorization/latest/reference).
var actions = map[string][]string{
	"lambda:Invoke":               {"lambda:InvokeFunction"},
	"ec2:CreateSnapshots":         {"ec2:CreateSnapshots", "ec2:CreateTags"}, // it tags what it makes
	"dynamodb:TransactWriteItems": {},                                        // what is in it: written below
	"scheduler:CreateSchedule":    {"scheduler:CreateSchedule", "iam:PassRole"},
	"scheduler:UpdateSchedule":    {"scheduler:UpdateSchedule", "iam:PassRole"},
}

// written are the parts of a transaction; each needs the permission of the single write
// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
var written = map[string]string{
	"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem", "ConditionCheck": "dynamodb:ConditionCheckItem",
}

// adapter is one package of shared/aws: what each of its functions calls of AWS and of the others.
type adapter struct {
	calls map[string]map[string]bool // permissions by function
	uses  map[string]map[string]bool // functions by function
}

func adapterOf(t testing.TB, folder string) adapter {
	t.Helper()
	a := adapter{calls: map[string]map[string]bool{}, uses: map[string]map[string]bool{}}
	files := sources(t, folder, false)
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				a.calls[f.Name.Name], a.uses[f.Name.Name] = map[string]bool{}, map[string]bool{}
			}
		}
	}
	for _, s := range files {
		service := ""
		for _, i := range s.file.Imports {
			if name, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), sdk+"/service/"); ok && !strings.Contains(name, "/") {
				service = name
			}
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				a.function(t, s, f, service)
			}
		}
	}
	return a
}

// function notes what one function does.
func (a adapter) function(t testing.TB, s source, f *ast.FuncDecl, service string) {
	need := func(n ast.Node, operation string) {
		prefix, known := prefixes[service]
		if !known {
			t.Errorf("%s calls %s of a service without a prefix in the table: %q", s.position(n), operation, service)
		}
		needed, special := actions[prefix+":"+operation]
		if !special {
			needed = []string{prefix + ":" + operation}
		}
		for _, action := range needed {
			a.calls[f.Name.Name][action] = true
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if sel, ok := n.Type.(*ast.SelectorExpr); ok && service == "dynamodb" && strings.HasSuffix(s.named(ident(sel.X)), "/dynamodb/types") && written[sel.Sel.Name] != "" {
				a.calls[f.Name.Name][written[sel.Sel.Name]] = true
			}
		case *ast.CallExpr:
			called := n.Fun
			if generic, ok := called.(*ast.IndexExpr); ok {
				called = generic.X
			}
			sel, ok := called.(*ast.SelectorExpr)
			if !ok {
				a.use(f, ident(called))
				break
			}
			if inner, ok := sel.X.(*ast.SelectorExpr); ok && (inner.Sel.Name == "api" || inner.Sel.Name == "client") {
				need(n, sel.Sel.Name)
			} else if operation, ok := strings.CutPrefix(sel.Sel.Name, "New"); ok && strings.HasSuffix(operation, "Paginator") {
				need(n, strings.TrimSuffix(operation, "Paginator"))
			} else {
				a.use(f, sel.Sel.Name)
			}
		}
		return true
	})
}

// use notes that a function calls another of its package.
func (a adapter) use(f *ast.FuncDecl, name string) {
	if _, there := a.uses[name]; there && name != f.Name.Name {
		a.uses[f.Name.Name][name] = true
	}
}

func ident(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// needs are the permissions of a function and of all that it uses.
func (a adapter) needs(function string, seen map[string]bool) map[string]bool {
	if seen[function] {
		return nil
	}
	seen[function] = true
	all := maps.Clone(a.calls[function])
	for used := range a.uses[function] {
		maps.Copy(all, a.needs(used, seen))
	}
	return all
}

// polled are the permissions that Lambda needs of the role of a function that it reads a table's stream for, and to tell the
// queue of what is given up (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html).
func polled(s stack, t testing.TB, function string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range s.of(t, "AWS::Lambda::EventSourceMapping") {
		if at(m.Properties, "FunctionName") != (call{"Ref", function}) {
			continue
		}
		for _, action := range []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", "sqs:SendMessage"} {
			all[action] = true
		}
		if queue := at(m.Properties, "DestinationConfig", "OnFailure", "Destination"); queue != (call{"GetAtt", "DeadLetters.Arn"}) {
			t.Errorf("template.yaml: %s gives up records without telling the dead letter queue: %v", m.LogicalID, queue)
		}
	}
	return all
}

// sometimes are permissions that an adapter needs for some of what it is given alone: the fields of store.Change that are
// checked and not written. That a program which sets none gets along without, keyward local holds.
var sometimes = map[string][]string{"dynamodb:ConditionCheckItem": {"NotHeld", "Waivers", "Rules"}}

// sets says whether a program gives one of these fields to the store.
func sets(files []source, fields []string) bool {
	found := false
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			change, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if sel, ok := change.Type.(*ast.SelectorExpr); ok && s.named(ident(sel.X)) == module+"shared/aws/store" && sel.Sel.Name == "Change" {
				for _, e := range change.Elts {
					pair, ok := e.(*ast.KeyValueExpr)
					found = found || ok && slices.Contains(fields, ident(pair.Key))
				}
			}
			return true
		})
	}
	return found
}

// needed are the permissions that a deployed function makes use of: those of the adapters' methods
// that it has in an interface and calls.
func needed(t testing.TB, function string) map[string]bool {
	t.Helper()
	files := sources(t, "functions/"+function, true)
	adapters := map[string]bool{}
	for _, s := range files {
		for _, i := range s.file.Imports {
			path, _ := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module)
			if under(path, "functions/internal/send", "functions/internal/dependants", "functions/internal/turn") {
				files = append(files, sources(t, path, false)...)
			}
			if under(path, "shared/aws") && path != "shared/aws/awsconf" {
				adapters[path] = true
			}
		}
	}
	declared, called := map[string]bool{}, map[string]bool{}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.InterfaceType:
				for _, m := range n.Methods.List {
					for _, name := range m.Names {
						declared[name.Name] = true
					}
				}
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
					called[sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	all := map[string]bool{}
	for path := range adapters {
		a := adapterOf(t, path)
		for method := range declared {
			if _, there := a.calls[method]; there && called[method] {
				maps.Copy(all, a.needs(method, map[string]bool{}))
			}
		}
	}
	for action, fields := range sometimes {
		if all[action] && !sets(files, fields) {
			delete(all, action)
		}
	}
	for method := range declared {
		if !called[method] && method != "ErrorCode" {
			t.Errorf("functions/%s declares %s in an interface and never calls it", function, method)
		}
	}
	return all
}

// The reading above has to see what is there.
func TestCallsAreSeen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		folder, method string
		want           []string
	}{
		{"shared/aws/kmskey", "Key", []string{"kms:DescribeKey", "kms:ListResourceTags"}},
		{"shared/aws/kmskey", "Grants", []string{"kms:ListGrants"}},
		{"shared/aws/kmskey", "Users", []string{"kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:ListAliases", "kms:ListGrants"}},
		{"shared/aws/ec2info", "Disks", []string{"ec2:DescribeSnapshots", "ec2:DescribeVolumes"}},
		{"shared/aws/kmskey/revoke", "RevokeGrant", []string{"kms:RevokeGrant"}},
		{"shared/aws/lambdacall", "Invoke", []string{"lambda:InvokeFunction"}},
		{"shared/aws/schedule", "Put", []string{"iam:PassRole", "scheduler:CreateSchedule", "scheduler:UpdateSchedule"}},
		{"shared/aws/ssmrun", "Invocations", []string{"ssm:ListCommandInvocations"}},
		{"shared/aws/store", "Machine", []string{"dynamodb:GetItem"}},
		{"shared/aws/store", "Machines", []string{"dynamodb:Query"}},
		{"shared/aws/store", "Apply", []string{"dynamodb:ConditionCheckItem", "dynamodb:PutItem"}},
		{"shared/aws/store", "LiftHold", []string{"dynamodb:DeleteItem"}},
	} {
		if got := sortedSet(adapterOf(t, tt.folder).needs(tt.method, map[string]bool{})); !slices.Equal(got, tt.want) {
			t.Errorf("%s of %s needs %v, want %v", tt.method, tt.folder, got, tt.want)
		}
	}
}
