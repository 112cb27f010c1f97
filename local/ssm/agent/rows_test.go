// One table, as long as the record of what the agent was seen to answer.

package agent_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ssm/agent"
)

func TestMain(m *testing.M) {
	// The agent's umask is its own, whatever the process that starts it has.
	syscall.Umask(0o027)
	os.Exit(m.Run())
}

type step struct {
	name     string
	commands []string
	inputs   map[string]any
	windows  bool
	operands []string // of a StringEquals
}

// one is a document of a single step named one.
func one(commands ...string) []step { return []step{{name: "one", commands: commands}} }

func with(steps []step, inputs map[string]any) []step {
	steps[len(steps)-1].inputs = inputs
	return steps
}

func when(steps []step, operands ...string) []step {
	steps[len(steps)-1].operands = operands
	return steps
}

func then(steps []step, name string, commands ...string) []step {
	return append(steps, step{name: name, commands: commands})
}

func content(t testing.TB, steps []step, parameters map[string]any) string {
	t.Helper()
	main := []any{}
	for _, s := range steps {
		inputs := map[string]any{"runCommand": append([]string{}, s.commands...)}
		for k, v := range s.inputs {
			inputs[k] = v
		}
		written := map[string]any{"action": agent.ShellScript, "name": s.name, "inputs": inputs}
		if s.windows {
			written["action"] = agent.PowerShellScript
		}
		if s.operands != nil {
			written["precondition"] = map[string]any{"StringEquals": s.operands}
		}
		main = append(main, written)
	}
	text, err := json.Marshal(map[string]any{"schemaVersion": "2.2", "parameters": parameters, "mainSteps": main})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const same = "= standardOutput"

func result(name string, status agent.Status, code int, stdout, stderr, output string) agent.Result {
	if output == same {
		output = stdout
	}
	return agent.Result{Name: name, Status: status, Code: code, Stdout: stdout, Stderr: stderr, Output: output}
}

type row struct {
	name       string
	steps      []step
	parameters map[string]any
	values     map[string][]string
	want       agent.Status
	results    []agent.Result
}

const (
	failed3    = "failed to run commands: exit status 3"
	failed4    = "failed to run commands: exit status 4"
	failed169  = "failed to run commands: exit status 169"
	errorHead  = "\n----------ERROR-------\n"
	outCut     = "\n---Output truncated---"
	errCut     = "\n---Error truncated----"
	streamCut  = "--output truncated--"
	said168    = "\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped."
	said169    = "\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped."
	saidFailed = "\nStep was found to have onFailure property. Further document steps will be skipped."
	skippedTwo = "Plugin with name aws:runShellScript and id two skipped due to prior step with an exit condition"
)

func times(n int, s string) string { return strings.Repeat(s, n) }

var path = map[string]any{"Path": map[string]any{"type": "String"}}

// rows are the observed cases that a document of schema 2.2 can reach, in the order of the record of
// what the agent answered; two are shortened in real time alone.
var rows = []row{
	{"exit 0", one("echo out", "echo err >&2"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "out\n", "err\n", "out\n"+errorHead+"err\n")}},
	{"exit 3", one("echo out", "echo err >&2", "exit 3"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 3, "out\n", "err\n"+failed3, "out\n"+errorHead+"err\n"+failed3)}},
	{"stderr without a newline", one("printf err >&2", "exit 3"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 3, "", "err"+failed3, errorHead+"err"+failed3)}},
	{"exit 255", one("exit 255"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 255, "", "failed to run commands: exit status 255", errorHead+"failed to run commands: exit status 255")}},
	{"exit 168", one("echo out", "echo err >&2", "exit 168"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 168, "out\n"+said168, "", "out\n")}},
	{"command not found, no exit", one("nosuchcommand"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 127, "", "SCRIPT: 1: nosuchcommand: not found\nfailed to run commands: exit status 127",
			errorHead+"SCRIPT: 1: nosuchcommand: not found\nfailed to run commands: exit status 127")}},
	{"a failing line in the middle does not fail the step", one("false", "nosuchcommand", "echo still"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "still\n", "SCRIPT: 2: nosuchcommand: not found\n",
			"still\n"+errorHead+"SCRIPT: 2: nosuchcommand: not found\n")}},
	{"killed by SIGTERM", one("echo out", "kill -15 $$"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 143, "out\n", "failed to run commands: exit status 143", "out\n"+errorHead+"failed to run commands: exit status 143")}},
	{"killed by SIGKILL", one("echo out", "kill -9 $$"), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"exit 137 by itself", one("exit 137"), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "", "", same)}},
	{"exit 169, then a second step", then(one("echo out", "echo err >&2", "exit 169"), "two", "echo two"), nil, nil, agent.Failed,
		[]agent.Result{
			result("one", agent.Failed, 169, "out\n"+said169, "err\n"+failed169+said169, "out\n"+errorHead+"err\n"+failed169),
			result("two", agent.Skipped, 0, "", "", skippedTwo),
		}},
	{"first step fails, second still runs", then(one("exit 4"), "two", "echo two"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 4, "", failed4, errorHead+failed4), result("two", agent.Success, 0, "two\n", "", same)}},
	{"onFailure successAndExit", then(with(one("exit 4"), map[string]any{"onFailure": "successAndExit"}), "two", "echo two"), nil, nil, agent.Success,
		[]agent.Result{
			result("one", agent.Success, 168, saidFailed, failed4+saidFailed, errorHead+failed4),
			result("two", agent.Skipped, 0, "", "", skippedTwo),
		}},
	{"onFailure exit", then(with(one("exit 4"), map[string]any{"onFailure": "exit"}), "two", "echo two"), nil, nil, agent.Failed,
		[]agent.Result{
			result("one", agent.Failed, 4, saidFailed, failed4+saidFailed, errorHead+failed4),
			result("two", agent.Skipped, 0, "", "", skippedTwo),
		}},
	{"finallyStep after exit 169", with(then(then(one("exit 169"), "two", "echo two"), "last", "echo last"), map[string]any{"finallyStep": true}), nil, nil, agent.Failed,
		[]agent.Result{
			result("one", agent.Failed, 169, said169, failed169+said169, errorHead+failed169),
			result("two", agent.Skipped, 0, "", "", skippedTwo),
			result("last", agent.Success, 0, "last\n", "", same),
		}},
	{"stdout of 23999 characters", one(`head -c 23999 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(23999, "x"), "", times(2477, "x")+outCut)}},
	{"stdout of 24000 characters", one(`head -c 24000 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(23980, "x")+streamCut, "", times(2477, "x")+outCut)}},
	{"stdout of 24001 characters", one(`head -c 24001 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(23980, "x")+streamCut, "", times(2477, "x")+outCut)}},
	{"stdout of 10 MB", one(`head -c 10000000 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(23980, "x")+streamCut, "", times(2477, "x")+outCut)}},
	{"stdout of 2499 characters", one(`head -c 2499 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(2499, "x"), "", same)}},
	{"stdout of 2500 characters", one(`head -c 2500 /dev/zero | tr '\0' x`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(2500, "x"), "", times(2477, "x")+outCut)}},
	{"stderr of 8000 characters", one(`head -c 8000 /dev/zero | tr '\0' e >&2`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "", times(8000, "e"), errorHead+times(2453, "e")+errCut)}},
	{"stderr of 24001 characters", one(`head -c 24001 /dev/zero | tr '\0' e >&2`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "", times(23980, "e")+streamCut, errorHead+times(2453, "e")+errCut)}},
	{"stdout 3000 and stderr 3000", one(`head -c 3000 /dev/zero | tr '\0' x`, `head -c 3000 /dev/zero | tr '\0' e >&2`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(3000, "x"), times(3000, "e"), times(1215, "x")+outCut+errorHead+times(1215, "e")+errCut)}},
	{"stdout 3000 and a short stderr", one(`head -c 3000 /dev/zero | tr '\0' x`, "printf err >&2"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, times(3000, "x"), "err", times(2500-24-23-3, "x")+outCut+errorHead+"err")}},
	{"stdout of one x and 12000 two-byte characters", one(`printf x; i=0; while [ $i -lt 12000 ]; do printf '\303\244'; i=$((i+1)); done`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "x"+times(11989, "ä")+"\ufffd"+streamCut, "", "x"+times(1238, "ä")+outCut)}},
	{"bytes that are not UTF-8, and a NUL", one(`printf 'a\377b\000c\033[31md'`), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "a\ufffdb\x00c\x1b[31md", "", same)}},
	{"no output", one("true"), nil, nil, agent.Success, []agent.Result{result("one", agent.Success, 0, "", "", same)}},
	{"empty runCommand", one(), nil, nil, agent.Success, []agent.Result{result("one", agent.Success, 0, "", "", same)}},
	{"timeoutSeconds 5 (number), sleep 60", with(one("echo out", "sleep 60"), map[string]any{"timeoutSeconds": 5}), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{`timeoutSeconds "5", sleep 60, then a second step`, then(with(one("echo out", "sleep 60"), map[string]any{"timeoutSeconds": "5"}), "two", "echo two"), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same), result("two", agent.Success, 0, "two\n", "", same)}},
	{"timeout, script ignores TERM", with(one("trap '' TERM", "echo out", "sleep 60", "echo after"), map[string]any{"timeoutSeconds": 5}), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"timeout after the script closed its output", with(one("echo out", "exec >/dev/null 2>&1", "sleep 60"), map[string]any{"timeoutSeconds": 5}), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"timeout while a child of another session holds stdout", with(one("setsid sleep 8 &", "echo out"), map[string]any{"timeoutSeconds": 5}), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"background child keeps stdout open", with(one("(sleep 1; echo late) &", "echo out"), map[string]any{"timeoutSeconds": 30}), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "out\nlate\n", "", same)}},
	{"background child keeps stdout open to the timeout", with(one("sleep 60 &", "echo out"), map[string]any{"timeoutSeconds": 5}), nil, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"background child, output redirected", with(one("sleep 3 >/dev/null 2>&1 &", "echo out"), map[string]any{"timeoutSeconds": 30}), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "out\n", "", same)}},
	{"{{Path}} substituted", one("echo '{{Path}}'", "echo '{{ Path }}'"), path, map[string][]string{"Path": {"/etc/x y"}}, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "/etc/x y\n/etc/x y\n", "", same)}},
	{"default used when no value", one("echo '{{ Path }}'"), map[string]any{"Path": map[string]any{"type": "String", "default": "/d"}}, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "/d\n", "", same)}},
	{"no value and no default", one("echo '{{ Path }}'"), path, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "null\n", "", same)}},
	{"StringList inside a line", one("echo '{{ L }}'"), map[string]any{"L": map[string]any{"type": "StringList"}}, map[string][]string{"L": {"a", "b c"}}, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, `["a","b c"]`+"\n", "", same)}},
	{"StringList by default", one("echo '{{ L }}'"), map[string]any{"L": map[string]any{"type": "StringList", "default": []string{"d"}}}, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, `["d"]`+"\n", "", same)}},
	{"quotes and newline in a value", one("cat <<'X'", "{{ Path }}", "X"), path, map[string][]string{"Path": {"a \"b\" 'c'\n\\n {{ Path }} é"}}, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "a \"b\" 'c'\n\\n {{ Path }} é\n", "", same)}},
	{"timeoutSeconds from a parameter", with(one("echo out", "sleep 60"), map[string]any{"timeoutSeconds": "{{ T }}"}), map[string]any{"T": map[string]any{"type": "String", "default": "5"}}, nil, agent.TimedOut,
		[]agent.Result{result("one", agent.TimedOut, 137, "out\n", "", same)}},
	{"precondition Linux", when(one("echo linux"), "platformType", "Linux"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "linux\n", "", same)}},
	{"precondition Windows only", []step{{name: "one", windows: true, commands: []string{"echo windows"}, operands: []string{"platformType", "Windows"}}}, nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Skipped, 0, "", "", `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: one`)}},
	{"Windows step first", when(then([]step{{name: "windows", windows: true, operands: []string{"platformType", "Windows"}}}, "linux", "echo linux; exit 3"), "platformType", "Linux"), nil, nil, agent.Failed,
		[]agent.Result{
			result("windows", agent.Skipped, 0, "", "", `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: windows`),
			result("linux", agent.Failed, 3, "linux\n", failed3, "linux\n"+errorHead+failed3),
		}},
	{"precondition with arguments swapped", when(one("echo linux"), "Linux", "platformType"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "linux\n", "", same)}},
	{"precondition on a parameter, met", when(one("echo met"), "{{ Path }}", "on"), path, map[string][]string{"Path": {"on"}}, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "met\n", "", same)}},
	{"precondition on a parameter, not met", when(one("echo met"), "{{ Path }}", "on"), path, map[string][]string{"Path": {"off"}}, agent.Success,
		[]agent.Result{result("one", agent.Skipped, 0, "", "", `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [{{ Path }}, on]'. Step name: one`)}},
	{"shebang", one("#!/usr/bin/env cat", "echo not run"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "#!/usr/bin/env cat\necho not run", "", same)}},
	{"shebang not in the first line", one("", "#!/usr/bin/env cat", "echo run"), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "run\n", "", same)}},
	{"one array element with newlines", one("echo a\nexit 3\necho b"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 3, "a\n", failed3, "a\n"+errorHead+failed3)}},
	{"workingDirectory", with(one("pwd"), map[string]any{"workingDirectory": "/dev"}), nil, nil, agent.Success,
		[]agent.Result{result("one", agent.Success, 0, "/dev\n", "", same)}},
	{"workingDirectory that does not exist", with(one("pwd"), map[string]any{"workingDirectory": "/nosuch"}), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 1, "", "failed to run commands: fork/exec SH: no such file or directory", errorHead+"failed to run commands: fork/exec SH: no such file or directory")}},
	{"exit 194 asks for a reboot", one("echo out", "exit 194"), nil, nil, agent.Failed,
		[]agent.Result{result("one", agent.Failed, 194, "out\n", refusedReboot, "out\n"+errorHead+refusedReboot)}},
}

const refusedReboot = "failed to run commands: exit status 194: exit code 194 asks for a reboot, which keyward local refuses; this host was not rebooted"

// What differs between shells, and where the script lies, is not the agent's.
var shells = []struct {
	found *regexp.Regexp
	put   string
}{
	{regexp.MustCompile(`\S*/_script\.sh`), "SCRIPT"},
	{regexp.MustCompile(`(SCRIPT: )(?:line )?(\d+): nosuchcommand: (?:command )?not found`), "${1}${2}: nosuchcommand: not found"},
	{regexp.MustCompile(`fork/exec \S+:`), "fork/exec SH:"},
	{regexp.MustCompile(`(^|-\n)(Terminated|Killed)\n`), "$1"},
}

func plainShell(s string) string {
	for _, r := range shells {
		s = r.found.ReplaceAllString(s, r.put)
	}
	return strings.TrimSuffix(s, errorHead)
}

func run(t testing.TB, ctx context.Context, host *agent.Host, text string, values map[string][]string) (agent.Status, []agent.Result) {
	t.Helper()
	d, err := agent.Parse(text)
	if err != nil {
		t.Errorf("Parse(%s) = %v", text, err)
		return "", nil
	}
	var results []agent.Result
	machine := agent.Machine{ID: "i-1234567890abcdef0", Region: "us-east-1", Platform: "Linux", PlatformName: "Debian GNU/Linux", PlatformVersion: "12"}
	status := d.Bind(values).Run(ctx, "11111111-2222-4333-8444-555555555555", machine, host.Execute, time.Now, func(r agent.Result) { results = append(results, r) })
	return status, results
}

func TestObservedRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	host := agent.NewHost(dir)
	type outcome struct {
		status  agent.Status
		results []agent.Result
	}
	outcomes := make([]outcome, len(rows))
	var all sync.WaitGroup // at once, since several take the agent's least timeout of 5 s
	for i, r := range rows {
		text := content(t, r.steps, r.parameters)
		all.Go(func() {
			outcomes[i].status, outcomes[i].results = run(t, context.Background(), host, text, r.values)
		})
	}
	all.Wait()
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got := outcomes[i]
			if got.status != r.want {
				t.Errorf("document is %s, want %s", got.status, r.want)
			}
			for n := range got.results {
				g := &got.results[n]
				g.Stdout, g.Stderr, g.Output = plainShell(g.Stdout), plainShell(g.Stderr), plainShell(g.Output)
				if g.End.Before(g.Start) || g.Start.IsZero() {
					t.Errorf("step %s ran from %s to %s", g.Name, g.Start, g.End)
				}
			}
			if diff := cmp.Diff(r.results, got.results, cmpopts.IgnoreFields(agent.Result{}, "Action", "Start", "End")); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}
