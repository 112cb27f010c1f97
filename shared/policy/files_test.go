package policy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/policy"
)

const (
	packs     = "../../policies"
	reference = "../../docs/policy.md"
	rules     = "../../docs/rules.md" // its second half
	onSystem  = "../../docs/rules-system.md"
	onAWS     = "../../docs/rules-aws.md"
)

// packFiles are the policies that come with the project.
func packFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(packs, "*.yaml"))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ".test.yaml") })
	if err != nil || len(names) < 4 {
		tb.Fatalf("Glob(%s) = %v, %v, want at least 4 files", packs, names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		files[filepath.Base(name)] = text
	}
	return files
}

func TestPacksParse(t *testing.T) {
	t.Parallel()
	for name, text := range packFiles(t) {
		p, err := policy.Parse(text)
		if err != nil {
			t.Errorf("Parse(%s) = %v", name, err)
			continue
		}
		if want := name[:len(name)-len(".yaml")]; p.Name != want {
			t.Errorf("Parse(%s).Name = %q, want %q", name, p.Name, want)
		}
		for _, r := range p.Rules {
			if r.Expected == "" {
				t.Errorf("Parse(%s): rule %q expects nothing", name, r.Name)
			}
		}
	}
}

func TestDemoIsWhatTheDemoShows(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse(packFiles(t)["demo.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Integrity{
		OnFail: policy.ActRevoke, Grace: 4 * time.Hour, Confirm: 1, ConfirmOf: 1, RestoreAfter: 1, Changes: 4, SilenceAfter: 24 * time.Hour, SilenceThen: policy.ActHold,
		RetryEvery: 30 * time.Minute, RetryUpTo: 50, Mode: policy.RevokeGrant, Remind: 24 * time.Hour, Safeguard: unguarded,
	}
	if diff := cmp.Diff(want, p.Integrity); diff != "" {
		t.Errorf("demo.yaml integrity (-want +got):\n%s", diff)
	}
}

// TestReferenceIsTrue: the example of the reference parses, and it names every key there is.
func TestReferenceIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, rest, ok := strings.Cut(example, "```\n")
	if !ok {
		t.Fatalf("%s has no example", reference)
	}
	parse(t, example)

	for _, page := range []string{rules, onSystem, onAWS} {
		more, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		rest += string(more)
	}

	// The errors for unknown keys list the known ones.
	_, err = policy.Parse([]byte("policy: x\n" +
		"machines: {z: 1}\nschedule: {z: 1}\nrequests: {z: 1}\nnotify: {z: 1, escalate: [{z: 1}]}\n" +
		"integrity: {z: 1, confirm: {z: 1}, silence: {z: 1}, retry: {z: 1}, restore: {z: 1}, key: {z: 1}, safeguard: {z: 1}}\n" +
		"rules: [{z: 1}, {product: {z: 1}}, {ports: {z: 1}}, {os: {z: 1}}, " +
		"{firewall: {z: 1}}, {encryption: {z: 1}}, {mounts: {z: 1}}, {reboot: {z: 1}}, {accounts: {z: 1}}, {sshd: {z: 1}}, {files: {z: 1}}, " +
		"{packages: {z: 1}}, {kernel: {z: 1}}, {modules: {z: 1}}, {time: {z: 1}}, {selinux: {z: 1}}, {apparmor: {z: 1}}, {cron: {z: 1}}, " +
		"{suid: {z: 1}}, {tamper: {z: 1}}, {patches: {z: 1}}, {instance: {z: 1}}, {exposed: {z: 1}}, {volumes: {z: 1}}, {agent: {z: 1}}]\nz: 1"))
	lists := 0
	for line := range strings.Lines(err.Error()) {
		_, keys, ok := strings.Cut(strings.TrimSpace(line), `unknown key "z", expected `)
		if !ok {
			continue
		}
		lists++
		for _, key := range strings.Split(keys, ", ") {
			if !strings.Contains(rest, "`"+key+"`") && !strings.Contains(rest, "."+key+"`") && !strings.Contains(rest, "`"+key+".") {
				t.Errorf("%s does not explain %s", reference, key)
			}
		}
	}
	if lists != 38 {
		t.Errorf("Parse lists the keys of %d mappings, want 38: %v", lists, err)
	}
}

// unguarded is the safeguard of a policy that says nothing of it.
var unguarded = policy.Safeguard{OnFailure: policy.ActHold, LockWithin: 5 * time.Minute, SnapshotWithin: time.Hour}

// What a name in the inspection's parameter cannot have is written otherwise in a path of Windows.
func TestAskFile(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/etc/a@20b": "/etc/a@20b", "C:/Windows/x.dll": "C:/Windows/x.dll", "C:/Program Files (x86)/a b/c.exe": "C:/Program@20Files@20@28x86@29/a@20b/c.exe",
	} {
		if got := policy.AskFile(path); got != want {
			t.Errorf("AskFile(%s) = %s, want %s", path, got, want)
		}
	}
	p := parse(t, "policy: x\nrules: [{rule: r, files: {is: C:/Program Files/a.exe, state: absent}}]")
	if diff := cmp.Diff([]string{"file:C:/Program@20Files/a.exe"}, p.Needs().Ask); diff != "" {
		t.Errorf("Ask (-want +got):\n%s", diff)
	}
	if _, err := documents.Parameters(strings.Repeat("0", 32), p.Needs().Collect, p.Needs().Ask); err != nil {
		t.Errorf("Parameters = %v, want what the document takes", err)
	}
}
