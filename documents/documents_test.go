package documents_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyward/keyward/documents"
)

func TestDocumentIsMadeOfTheScript(t *testing.T) {
	t.Parallel()
	want, err := documents.Generate(documents.InspectLinux(), documents.InspectWindows())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, documents.InspectDocument()); diff != "" {
		t.Errorf("inspect.json is not what go generate ./documents/... writes (-want +got):\n%s", diff)
	}
}

func TestScriptComesBackOutOfTheDocument(t *testing.T) {
	t.Parallel()
	content := documents.InspectDocument()
	got, err := documents.Script(content)
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"Linux": documents.InspectLinux(), "Windows": documents.InspectWindows()} {
		for line := range strings.Lines(script) {
			if line = strings.TrimLeft(line, " \t"); !strings.HasPrefix(line, "#") && !strings.Contains(got, line) {
				t.Fatalf("Script(InspectDocument()) lacks the %s script's line %q", name, line)
			}
		}
	}
	if documents.Digest(got) != documents.InspectDigest() {
		t.Errorf("Digest = %s, want %s", documents.Digest(got), documents.InspectDigest())
	}
	for name, content := range map[string]string{"no JSON": "x", "no step": "{}", "no steps": `{"mainSteps":[]}`} {
		if _, err := documents.Script(content); err == nil {
			t.Errorf("%s: Script gave no error", name)
		}
	}
}

// Whatever a document would run otherwise than ours does is seen by the digest.
func TestChangedDocumentHasAnotherDigest(t *testing.T) {
	t.Parallel()
	content := documents.InspectDocument()
	for name, changed := range map[string]string{
		"a line more":     strings.Replace(content, `"runCommand": [`, `"runCommand": ["curl evil.example",`, 1),
		"a space":         strings.Replace(content, `"#!/bin/sh"`, `"#!/bin/sh "`, 1),
		"a step more":     strings.Replace(content, `"mainSteps": [`, `"mainSteps": [{"action":"aws:runShellScript","name":"x"},`, 1),
		"other action":    strings.Replace(content, "aws:runShellScript", "aws:runPowerShellScript", 1),
		"other name":      strings.Replace(content, `"name": "inspect"`, `"name": "other"`, 1),
		"other platform":  strings.Replace(content, `"Linux"`, `"MacOS"`, 1),
		"Windows' script": strings.Replace(content, `"exit 0"`, `"exit 3010"`, 2),
	} {
		script, err := documents.Script(changed)
		if err != nil {
			t.Fatal(err)
		}
		if changed == content || documents.Digest(script) == documents.InspectDigest() {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

// What SSM asks of a document, and the promises that make plain pasting of parameters harmless.
func TestDocument(t *testing.T) {
	t.Parallel()
	var d struct {
		SchemaVersion string
		Parameters    map[string]struct{ Type, AllowedPattern, Default string }
		MainSteps     []struct {
			Action       string
			Precondition map[string][]string
			Inputs       struct {
				TimeoutSeconds string
				RunCommand     []string
			}
		}
	}
	if err := json.Unmarshal([]byte(documents.InspectDocument()), &d); err != nil {
		t.Fatal(err)
	}
	if d.SchemaVersion != "2.2" || len(d.MainSteps) != 2 {
		t.Fatalf("document of schema %s with %d steps, want 2.2 with one a platform", d.SchemaVersion, len(d.MainSteps))
	}
	for i, want := range []struct{ action, platform string }{{"aws:runShellScript", "Linux"}, {"aws:runPowerShellScript", "Windows"}} {
		step := d.MainSteps[i]
		if step.Action != want.action || step.Inputs.TimeoutSeconds != "45" {
			t.Errorf("step %d is %s with %s seconds, want %s with 45", i, step.Action, step.Inputs.TimeoutSeconds, want.action)
		}
		if diff := cmp.Diff(map[string][]string{"StringEquals": {"platformType", want.platform}}, step.Precondition); diff != "" {
			t.Errorf("precondition of step %d (-want +got):\n%s", i, diff)
		}
	}
	if len(documents.InspectDocument()) > 60<<10 {
		t.Errorf("document of %d bytes, want room for parameters below SSM's 64 KiB", len(documents.InspectDocument()))
	}
	harmless := regexp.MustCompile(`^[A-Za-z0-9,:/._+@-]*$`)
	for name, c := range map[string]struct{ good, bad []string }{
		"Nonce":   {[]string{testNonce}, []string{"", testNonce + "0", strings.ToUpper("a" + testNonce[1:]), "$(id)", testNonce + "\n"}},
		"Collect": {[]string{"os", "os,listeners", d.Parameters["Collect"].Default}, []string{"", "os,", "os, x", "a;b", "a\nb", "'", "{{ssm:x}}"}},
		"Ask": {[]string{"-", "file:/etc/passwd", "file:/usr/bin/a+b,package:lib@1.x,sysctl:kernel.kptr_restrict", "file:C:/Program@20Files/x,file:/a"},
			[]string{"", "file:", "/etc/passwd", "file:C:", "file:c:/a", "file:CC:/a", "file:C:/a b", `file:C:\\a`, "file:/a b", "file:/a'", "file:/a\n", "file:/$(id)", "file:/a,", "file:/*", `file:/a\b`, "{{ssm:x}}"}},
	} {
		p := d.Parameters[name]
		allowed := regexp.MustCompile(p.AllowedPattern)
		for _, v := range c.good {
			if !allowed.MatchString(v) || !harmless.MatchString(v) {
				t.Errorf("%s %q is refused", name, v)
			}
		}
		for _, v := range c.bad {
			if allowed.MatchString(v) {
				t.Errorf("%s %q is allowed", name, v)
			}
		}
		if p.Type != "String" {
			t.Errorf("%s is a %s, want a String", name, p.Type)
		}
	}
	if got := d.Parameters["Collect"].Default; got != strings.Join(documents.Always(), ",") {
		t.Errorf("Collect defaults to %q, want what is always collected", got)
	}
}

func TestScriptText(t *testing.T) {
	t.Parallel()
	text := documents.InspectLinux()
	rest := strings.NewReplacer("'{{ Nonce }}'", "", "',{{ Collect }},'", "", "'{{ Ask }}'", "").Replace(text)
	for _, bad := range []string{"{{", "}}", "<<", "ENV_VAR", "SSM_", "\r", "eval ", "\n. ", "source "} {
		if strings.Contains(rest, bad) {
			t.Errorf("the script contains %q", bad)
		}
	}
	if strings.Contains(documents.InspectDocument(), "SSM_") {
		t.Error("the document leans on variables that older agents do not set")
	}
	if !strings.HasPrefix(text, "#!/bin/sh\n") || !strings.HasSuffix(text, "\nexit 0\n") {
		t.Error("the script does not begin with #!/bin/sh and end with exit 0")
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r > '~' || (r < ' ' && r != '\t') }) {
			t.Errorf("line %d is not plain ASCII", i+1)
		}
	}
	// The only files that the script may open for writing are the null device and its own descriptors.
	for _, m := range regexp.MustCompile(`>{1,2}\s*("?/[^\s;)]+)`).FindAllStringSubmatch(rest, -1) {
		if m[1] != "/dev/null" {
			t.Errorf("the script writes to %s", m[1])
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	got, err := documents.Render(testNonce, []string{"os", "mounts"})
	if err != nil || !strings.Contains(got, "NONCE='"+testNonce+"'\nWANT=',os,mounts,'\nASK='-'\n") {
		t.Errorf("Render = %v, want both parameters in place", err)
	}
	for name, c := range map[string]struct {
		nonce      string
		words, ask []string
	}{
		"short nonce":   {"abc", []string{"os"}, nil},
		"quote":         {"'" + testNonce[1:], []string{"os"}, nil},
		"nothing":       {testNonce, nil, nil},
		"unknown word":  {testNonce, []string{"os", "shadow"}, nil},
		"word with end": {testNonce, []string{"os'\n"}, nil},
		"asked, quote":  {testNonce, []string{"os"}, []string{"file:/etc/'"}},
		"asked too far": {testNonce, []string{"os"}, []string{"file:/" + strings.Repeat("a", documents.MaxAsk)}},
	} {
		if s, err := documents.Render(c.nonce, c.words, c.ask...); err == nil || s != "" {
			t.Errorf("%s: Render gave no error", name)
		}
	}
}

// A script whose parameters nobody filled in, or with other text in them, prints nothing.
func TestScriptRefusesOddParameters(t *testing.T) {
	t.Parallel()
	shell := sh(t)
	for name, text := range map[string]string{
		"not filled in": documents.InspectLinux(),
		"null":          strings.NewReplacer("{{ Nonce }}", "null;", "{{ Collect }}", "os", "{{ Ask }}", "-").Replace(documents.InspectLinux()),
		"asked":         strings.NewReplacer("{{ Nonce }}", testNonce, "{{ Collect }}", "os", "{{ Ask }}", "a;b").Replace(documents.InspectLinux()),
	} {
		if out, _ := run(t, shell, text, nil); out != "" {
			t.Errorf("%s: printed %q, want nothing", name, out)
		}
	}
}

func TestGeneratorSource(t *testing.T) {
	t.Parallel()
	for name, embedded := range map[string]string{"inspect.linux.sh": documents.InspectLinux(), "inspect.windows.ps1": documents.InspectWindows()} {
		onDisk, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(onDisk) != embedded {
			t.Errorf("the embedded %s is not the one on disk", name)
		}
	}
}

// What is always collected stands first, whatever a policy asks for.
func TestParameters(t *testing.T) {
	t.Parallel()
	got, err := documents.Parameters(testNonce, []string{"mounts", "os"}, []string{"file:/etc/passwd"})
	want := map[string]string{"Nonce": testNonce, "Collect": strings.Join(documents.Always(), ","), "Ask": "file:/etc/passwd"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Parameters, %v (-want +got):\n%s", err, diff)
	}
	for name, c := range map[string][2][]string{
		"unknown word": {{"shadow"}, nil},
		"quote":        {nil, {"file:'"}},
	} {
		if got, err := documents.Parameters(testNonce, c[0], c[1]); err == nil {
			t.Errorf("%s: Parameters = %v, want an error", name, got)
		}
	}
}
