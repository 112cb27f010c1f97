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

func TestLockDocumentIsMadeOfTheScript(t *testing.T) {
	t.Parallel()
	want, err := documents.GenerateLock(documents.LockLinux())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, documents.LockDocument()); diff != "" {
		t.Errorf("lock.json is not what go generate ./documents/... writes (-want +got):\n%s", diff)
	}
	onDisk, err := os.ReadFile("lock.linux.sh")
	if err != nil || string(onDisk) != documents.LockLinux() {
		t.Errorf("the embedded script is not the one on disk: %v", err)
	}
	script, err := documents.Script(documents.LockDocument())
	if err != nil || documents.Digest(script) != documents.LockDigest() || documents.LockDigest() == documents.InspectDigest() {
		t.Errorf("the digest of the document's script is not LockDigest: %v", err)
	}
}

// The promises that make plain pasting of parameters harmless.
func TestLockParameters(t *testing.T) {
	t.Parallel()
	var d struct {
		Parameters map[string]struct{ Type, AllowedPattern, Default string }
		MainSteps  []struct {
			Inputs struct{ TimeoutSeconds string }
		}
	}
	if err := json.Unmarshal([]byte(documents.LockDocument()), &d); err != nil {
		t.Fatal(err)
	}
	if len(documents.LockDocument()) > 60<<10 || d.MainSteps[0].Inputs.TimeoutSeconds != "1020" {
		t.Errorf("%d bytes, %s s; want room for parameters, and time to answer after the longest Within", len(documents.LockDocument()), d.MainSteps[0].Inputs.TimeoutSeconds)
	}
	harmless := regexp.MustCompile(`^[A-Za-z0-9@_.:/,-]*$`)
	cases := map[string]struct{ good, bad []string }{
		"Nonce":    {[]string{testNonce}, []string{"", testNonce + "0", "$(id)", testNonce + "\n"}},
		"Action":   {[]string{"flush", "status", "quiesce", "resume", "lock", "unlock"}, []string{"", "LOCK", "lock unlock", "lock\n"}},
		"Within":   {[]string{"1", "300", "900"}, []string{"", "0", "1000", "-1", "1;"}},
		"Units":    {[]string{"-", "app.service", "app@1:x.timer,b.socket"}, []string{"", "app", "-.mount", "a b.service", "a.service,", "--force.service", "a.service\nb", "{{ssm:x}}.service", "'.service"}},
		"Mounts":   {[]string{"-", "/data", "/srv/a-b_c.d,/x"}, []string{"", "/", "data", "/data/", "/data/..", "/../etc", "/a b", "/a,", "/-x", "/$(id)", "/a'"}},
		"Mappings": {[]string{"-", "data", "a_b-c.d,x"}, []string{"", "/dev/mapper/data", "--x", "a,", "a b", "..", "a'", "a\n"}},
	}
	if len(cases) != len(d.Parameters) {
		t.Errorf("the document has %d parameters, %d are tried", len(d.Parameters), len(cases))
	}
	for name, c := range cases {
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
			if _, err := documents.RenderLock(map[string]string{"Nonce": testNonce, "Action": "status", name: v}); err == nil {
				t.Errorf("RenderLock took %s %q", name, v)
			}
		}
		if p.Type != "String" || p.Default != "" && !allowed.MatchString(p.Default) {
			t.Errorf("%s = %+v", name, p)
		}
	}
	if _, err := documents.RenderLock(map[string]string{"Nonce": testNonce, "Action": "status", "Force": "yes"}); err == nil {
		t.Error("RenderLock took a parameter that is not there")
	}
}

func TestLockScriptText(t *testing.T) {
	t.Parallel()
	text := documents.LockLinux()
	rest := regexp.MustCompile(`'\{\{ \w+ \}\}'`).ReplaceAllString(text, "")
	for _, bad := range []string{"{{", "}}", "<<", "SSM_", "\r", "eval ", "\n. ", "source ", "--force", "umount -", "-f ", "kill -9 $", "remove"} {
		if strings.Contains(rest, bad) {
			t.Errorf("the script contains %q", bad)
		}
	}
	if !strings.HasPrefix(text, "#!/bin/sh\n") || !strings.HasSuffix(text, "\nexit 0\n") {
		t.Error("the script does not begin with #!/bin/sh and end with exit 0")
	}
	for _, m := range regexp.MustCompile(`>{1,2}\s*("?/[^\s;)]+)`).FindAllStringSubmatch(rest, -1) {
		if m[1] != "/dev/null" {
			t.Errorf("the script writes to %s", m[1])
		}
	}
	// Nothing happens when nobody filled the parameters in.
	if out, _ := run(t, sh(t), text, nil); out != "" {
		t.Errorf("printed %q, want nothing", out)
	}
}
