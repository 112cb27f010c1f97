package documents_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

// withPath replaces the PATH that the script sets.
func withPath(t *testing.T, script, dir string) string {
	t.Helper()
	const line = "PATH=/usr/sbin:/usr/bin:/sbin:/bin;"
	if !strings.Contains(script, line) {
		t.Fatal("the script does not set its PATH any more")
	}
	return strings.Replace(script, line, "PATH="+dir+";", 1)
}

// link makes a folder of links to programs.
func link(t *testing.T, targets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range targets {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Where there is nothing but BusyBox, as on Alpine, the facts are the same.
func TestScriptOnBusyBoxAlone(t *testing.T) {
	t.Parallel()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Log("this host has no busybox: its applets are not tried")
		return
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]string{}
	for _, name := range strings.Fields(string(applets)) {
		targets[name] = busybox
	}
	m := newMachine(t)
	m.agent()
	m.startAgent("")
	port := listen(t)
	out, home := run(t, []string{busybox, "sh"}, withPath(t, m.script(), link(t, targets)), nil)
	nothingIn(t, home)
	e := parse(t, out)
	findsBoth(t, e, port)
}

// needed is every program that the script calls on a plain server.
var needed = []string{"awk", "base64", "date", "grep", "gzip", "id", "ls", "sleep", "stat", "tail", "tr", "uname"}

func TestScriptWithoutTimeout(t *testing.T) {
	t.Parallel()
	targets := map[string]string{}
	for _, name := range needed {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		targets[name] = path
	}
	m := newMachine(t)
	m.agent()
	m.startAgent("")
	began := time.Now()
	out, _ := run(t, sh(t), withPath(t, m.script(), link(t, targets)), nil)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %s: something waits for the watchdog", took)
	}
	if got := show(parse(t, out).Find(evidence.OSSEC)); got != "present true; running; protecting; " {
		t.Errorf("OSSEC is %q, want running and protecting", got)
	}
}

// Without stat(1) only the facts that need it are unknown.
func TestScriptWithoutStat(t *testing.T) {
	t.Parallel()
	targets := map[string]string{}
	for _, name := range needed {
		if path, err := exec.LookPath(name); err == nil && name != "stat" {
			targets[name] = path
		}
	}
	m := newMachine(t)
	m.serverProtect()
	out, _ := run(t, sh(t), withPath(t, m.script(), link(t, targets)), nil)
	p := parse(t, out).Find(evidence.ServerProtect)
	if got := show(p); got != "present true; running; protecting; " || p.Definition.Date.Known {
		t.Errorf("ServerProtect is %q, pattern of %v, want protecting and no date", got, p.Definition.Date)
	}
}

// Text with every byte in it stays inside its record, whatever awk this host has.
func TestScriptWithHostileText(t *testing.T) {
	t.Parallel()
	var every strings.Builder
	for b := 1; b < 256; b++ {
		if b != '\n' {
			every.WriteByte(byte(b))
		}
	}
	m := newMachine(t)
	m.agent()
	m.startAgent("")
	m.write("ossec-init.conf", "DIRECTORY=\""+m.path("ossec")+"\"\nVERSION=\""+every.String()+"\"\nTYPE=\"agent\"\n\"},{\"n\":\"hids\",\"t\":\"\n"+
		"TYPE=\"agent\\\"\nTYPE=\"agent\"\n"+strings.Repeat("DATE=x", 1<<16)+"\n")
	m.write("ossec/logs/ossec.log", every.String()+"(4102)"+every.String()+"\n"+
		"2026/11/23 03:03:52 ossec-agentd(4102): INFO: Connected\x1b[31m\nr net 10\ng /etc/passwd .*\nd tcp 00000000:0050 0 1\n")
	out, _ := run(t, sh(t), m.script(), nil)
	e := parse(t, out)
	p := e.Find(evidence.OSSEC)
	if !strings.Contains(p.Version.Value, `? !"#$%&'()*+,-./0123456789:;<=>?@A`) || !strings.Contains(p.Version.Value, `[\]^_`) {
		t.Errorf("Version = %q, want every printable character and ? for the rest", p.Version.Value)
	}
	if p.Present != evidence.Known(true) || p.Kind.Or("") != "agent" {
		t.Errorf("OSSEC = %+v, want an agent", p)
	}
	for _, l := range e.Listeners.Value {
		if l.Port == 80 && l.PID.Or(0) == 1 {
			t.Errorf("a line of a log became a listener: %+v", l)
		}
	}
	if strings.Contains(inflate(t, out), "root:x:0:0") {
		t.Error("a line of a log made the script read /etc/passwd")
	}
}

// What does not fit is left out from the end, and both the line and the evidence say so.
func TestScriptDropsRecordsAndSaysSo(t *testing.T) {
	t.Parallel()
	text, err := documents.Render(testNonce, usual())
	if err != nil {
		t.Fatal(err)
	}
	small := strings.Replace(text, "for BUDGET in 90000 45000 16000; do", "for BUDGET in 400; do", 1)
	if small == text {
		t.Fatal("the script has no budget any more")
	}
	out, _ := run(t, sh(t), small, nil)
	if f := strings.Fields(out); f[2] != "CUT" {
		t.Errorf("line says %s, want CUT", f[2])
	}
	e := parse(t, out)
	if e.Collect.Complete != evidence.Known(false) || !e.OS.Kernel.Known || e.Find(evidence.ServerProtect).Present.Why != "budget" {
		t.Errorf("Complete = %v, kernel %v, serverprotect %v: want the first records whole and the last gone",
			e.Collect.Complete, e.OS.Kernel, e.Find(evidence.ServerProtect).Present)
	}
}

// Only what was asked for is collected.
func TestScriptCollectsWhatWasAsked(t *testing.T) {
	t.Parallel()
	out, _ := probe(t, sh(t), []string{"os"}, nil)
	e := parse(t, out)
	if len(e.Collect.Records) != 3 || !e.OS.Kernel.Known || e.Listeners.Why != evidence.WhyNotCollected ||
		e.Mounts.Why != evidence.WhyNotCollected || e.Find(evidence.OSSEC).Present.Why != evidence.WhyNotCollected {
		t.Errorf("evidence = %+v, want the operating system alone", e)
	}
	if e.Collect.Complete != evidence.Known(true) {
		t.Errorf("Complete = %v: what was not asked for is not missing", e.Collect.Complete)
	}
}
