package documents_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/documents"
)

// box is a machine made of files, on which the lock script runs with programs that only change them:
// no unit, mount or mapping of this host is ever touched.
type box struct {
	machine
	shell []string
}

// tools are the programs of the host that the script may use: none of them changes anything.
var tools = []string{"awk", "base64", "date", "gzip", "head", "ls", "sleep", "timeout", "tr", "true"}

// No host has a mount of this name: a shell that prefers programs of its own finds nothing to unmount.
//
// newBox has a running unit app.service, a mounted /keyward-test-data on an open mapping data.
func newBox(t *testing.T, shell []string) box {
	t.Helper()
	b := box{newMachine(t), shell}
	for _, name := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(b.path("bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, b.path("bin/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	b.fake("id", `echo 0`)
	b.fake("sync", ``)
	b.fake("systemctl", `case $1 in
show) for n; do :; done
  if [ -e "$R/units/$n" ]; then echo LoadState=loaded; echo "ActiveState=$(cat "$R/units/$n")"
  else echo LoadState=not-found; echo ActiveState=inactive; fi;;
stop) [ -e "$R/stubborn" ] || [ ! -e "$R/units/$2" ] || echo inactive >"$R/units/$2";;
start) [ -e "$R/units/$2" ] || exit 5
  [ -e "$R/dull" ] || echo active >"$R/units/$2"; [ ! -e "$R/broken" ] || { echo failed >"$R/units/$2"; exit 1; };;
esac`)
	// Its timer is another unit of the box.
	b.fake("systemd-run", `[ ! -e "$R/notimer" ] || exit 1
echo active >"$R/units/keyward-rest.timer"`)
	b.fake("umount", `[ ! -e "$R/busy" ] || exit 32
grep -v " $1 " "$R/mountinfo" >"$R/mountinfo.new"; cp "$R/mountinfo.new" "$R/mountinfo"`)
	b.fake("mount", `[ -e "$R/block/dm-0" ] || exit 32
echo "77 1 254:0 / $1 rw - ext4 /dev/mapper/keyward-test-data rw" >>"$R/mountinfo"`)
	b.fake("cryptsetup", `[ "$1 $2" = "close data" ] || exit 4
rm -r "$R/block/dm-0" "$R/mapper/data"`)
	b.write("units/app.service", "active\n")
	b.write("mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n77 1 254:0 / /keyward-test-data rw - ext4 /dev/mapper/keyward-test-data rw\n")
	b.write("block/dm-0/dm/name", "data\n")
	b.write("block/dm-0/dm/uuid", "CRYPT-LUKS2-0123456789abcdef-data\n")
	b.write("mapper/data", "")
	return b
}

// fake is a program of the box; it writes down that it was called.
func (b box) fake(name, body string) {
	b.t.Helper()
	b.program("bin/"+name, fmt.Sprintf("#!/bin/sh\nR=%s PATH=/usr/bin:/bin\ncase $1 in show) ;; *) echo \"%s $*\" >>\"$R/calls\";; esac\n%s\n", b.root, name, body))
}

// text is the script with the places of the box in it.
func (b box) text(parameters map[string]string) string {
	b.t.Helper()
	all := map[string]string{"Nonce": testNonce, "Units": "app.service", "Mounts": "/keyward-test-data", "Mappings": "data", "Within": "20"}
	for name, v := range parameters {
		all[name] = v
	}
	text, err := documents.RenderLock(all)
	if err != nil {
		b.t.Fatal(err)
	}
	text = withPath(b.t, text, b.path("bin"))
	const places = "MOUNTINFO=/proc/self/mountinfo; BLOCK=/sys/class/block; MAPPER=/dev/mapper"
	if !strings.Contains(text, places) {
		b.t.Fatal("the script does not name its places any more")
	}
	return strings.Replace(text, places, fmt.Sprintf("MOUNTINFO=%[1]s/mountinfo; BLOCK=%[1]s/block; MAPPER=%[1]s/mapper", b.root), 1)
}

// do runs an action and returns its steps, as "kind name before>after result why".
func (b box) do(action string, more ...string) []string {
	b.t.Helper()
	parameters := map[string]string{"Action": action}
	for i := 0; i < len(more); i += 2 {
		parameters[more[i]] = more[i+1]
	}
	out, home := run(b.t, b.shell, b.text(parameters), nil)
	nothingIn(b.t, home)
	return steps(b.t, out, action)
}

func steps(t *testing.T, out, action string) []string {
	t.Helper()
	words := strings.Fields(out)
	if len(words) != 4 || words[0] != "KWL1" || words[1] != fmt.Sprint(len(words[3])) || words[2] != "OK" || strings.Count(out, "\n") != 1 {
		t.Fatalf("printed %q, want one line KWL1 LENGTH OK BASE64", out)
	}
	text := inflate(t, out)
	var d struct {
		V             int
		Nonce, Action string
		UID           int
		Steps         []struct{ K, N, Before, After, R, Why string }
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if d.V != 1 || d.Nonce != testNonce || d.Action != action {
		t.Errorf("answer = %+v, want version 1, the nonce and %s", d, action)
	}
	var all []string
	for _, s := range d.Steps {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s>%s %s %s", s.K, s.N, s.Before, s.After, s.R, s.Why)))
	}
	return all
}

// calls are the programs that were called to change something, since the last time.
func (b box) calls() []string {
	b.t.Helper()
	text, err := os.ReadFile(b.path("calls"))
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	_ = os.Remove(b.path("calls"))
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

func (b box) want(action string, got, want []string, calls ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s: steps (-want +got):\n%s", action, diff)
	}
	made := []string{}
	for _, c := range b.calls() {
		if c = strings.TrimSpace(c); c != "id -u" {
			made = append(made, c)
		}
	}
	if diff := cmp.Diff(append([]string{}, calls...), made); diff != "" {
		b.t.Errorf("%s: programs called (-want +got):\n%s", action, diff)
	}
}

func inEveryShell(t *testing.T, test func(t *testing.T, shell []string)) {
	t.Parallel()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shell)
		})
	}
}

var locked = []string{"flush buffers > done", "unit app.service active>inactive done", "mount /keyward-test-data mounted>unmounted done", "mapping data open>closed done"}

func TestLock(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		b := newBox(t, shell)
		b.want("status", b.do("status"), []string{
			"unit app.service active>active read", "mount /keyward-test-data mounted>mounted read", "mapping data open>open read",
		})
		b.want("flush", b.do("flush"), []string{
			"flush buffers > done", "unit app.service active>active read", "mount /keyward-test-data mounted>mounted read", "mapping data open>open read",
		}, "sync")
		b.want("lock", b.do("lock"), locked, "sync", "systemctl stop app.service", "umount /keyward-test-data", "cryptsetup close data")
		b.want("locked again", b.do("lock"), []string{
			"flush buffers > done", "unit app.service inactive>inactive already", "mount /keyward-test-data unmounted>unmounted already", "mapping data closed>closed already",
		}, "sync")
		// Without the mapping nothing can be mounted, and what lives on it is not started.
		b.want("unlock without the key", b.do("unlock"), []string{
			"mount /keyward-test-data unmounted>unmounted failed exit_32", "unit app.service inactive>inactive skipped", "mapping data closed>closed read",
		}, "mount /keyward-test-data")
		b.write("block/dm-0/dm/name", "data\n")
		b.write("mapper/data", "")
		b.want("unlock", b.do("unlock"), []string{
			"mount /keyward-test-data unmounted>mounted done", "unit app.service inactive>active done", "mapping data open>open read",
		}, "mount /keyward-test-data", "systemctl start app.service")
		b.want("unlock again", b.do("unlock"), []string{
			"mount /keyward-test-data mounted>mounted already", "unit app.service active>active already", "mapping data open>open read",
		})
	})
}

// What fails ends the work: nothing is forced, and nothing after it is touched.
func TestLockThatFails(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		b := newBox(t, shell)
		b.write("stubborn", "")
		b.want("a unit that does not stop", b.do("lock"), []string{
			"flush buffers > done", "unit app.service active>active failed still_active", "mount /keyward-test-data mounted>mounted skipped", "mapping data open>open skipped",
		}, "sync", "systemctl stop app.service")
		_ = os.Remove(b.path("stubborn"))
		b.write("busy", "")
		b.want("a mount in use", b.do("lock"), []string{
			"flush buffers > done", "unit app.service active>inactive done", "mount /keyward-test-data mounted>mounted failed exit_32", "mapping data open>open skipped",
		}, "sync", "systemctl stop app.service", "umount /keyward-test-data")
		_ = os.Remove(b.path("busy"))
		b.write("block/dm-0/dm/uuid", "LVM-0123456789abcdef\n")
		b.want("a mapping that is none of dm-crypt", b.do("lock"), []string{
			"flush buffers > done", "unit app.service inactive>inactive already", "mount /keyward-test-data mounted>unmounted done", "mapping data open>open failed not_crypt",
		}, "sync", "umount /keyward-test-data")
		b.write("block/dm-0/dm/uuid", "CRYPT-PLAIN-data\n")
		b.fake("cryptsetup", "exit 5")
		b.want("a mapping in use", b.do("lock"), []string{
			"flush buffers > done", "unit app.service inactive>inactive already", "mount /keyward-test-data unmounted>unmounted already", "mapping data open>open failed exit_5",
		}, "sync", "cryptsetup close data")
		b.fake("id", "echo 1000")
		b.want("not as root", b.do("lock"), []string{
			"flush buffers > done", "unit app.service inactive>inactive already", "mount /keyward-test-data unmounted>unmounted already", "mapping data open>open failed not_root",
		}, "sync")
	})
}

// A program that says it did it and did not is not believed, and one that hangs is stopped.
func TestLockIsReadBack(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		b := newBox(t, shell)
		b.fake("cryptsetup", "exit 0")
		got := b.do("lock")
		if want := "mapping data open>open failed still_open"; got[len(got)-1] != want {
			t.Errorf("steps %v, want %q", got, want)
		}
		if filepath.Base(shell[0]) != "busybox" { // whose shell runs its own timeout
			// timeout(1) that finds umount still at work when its time is over, however slow this host is.
			b = newBox(t, shell)
			_ = os.Remove(b.path("bin/timeout"))
			b.program("bin/timeout", "#!/bin/sh\nfor w; do [ \"$w\" != umount ] || exit 124; done\n[ \"$1\" != -k ] || shift 2\nshift\nexec \"$@\"\n")
			b.want("a program that hangs", b.do("lock"), []string{
				"flush buffers > done", "unit app.service active>inactive done", "mount /keyward-test-data mounted>mounted failed timeout", "mapping data open>open skipped",
			}, "sync", "systemctl stop app.service")
		}
		b = newBox(t, shell)
		_ = os.RemoveAll(b.path("block"))
		_ = os.Remove(b.path("mountinfo"))
		_ = os.Remove(b.path("bin/systemctl"))
		b.want("nothing can be read", b.do("status"), []string{
			"unit app.service unreadable>unreadable read", "mount /keyward-test-data unreadable>unreadable read", "mapping data unreadable>unreadable read",
		})
		b = newBox(t, shell)
		b.want("a unit that is not there", b.do("lock", "Units", "none.service", "Mounts", "-", "Mappings", "-"), []string{
			"flush buffers > done", "unit none.service absent>absent already",
		}, "sync")
	})
}

const (
	disarmed  = "systemctl stop keyward-rest.timer keyward-rest.service"
	forgotten = "systemctl reset-failed keyward-rest.timer keyward-rest.service"
	armed     = "systemd-run --unit=keyward-rest --on-active=20 --timer-property=AccuracySec=1s systemctl stop backup.service"
	started   = "systemctl start backup.service"
	ended     = "systemctl stop backup.service"
)

func TestQuiesceAndResume(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		b := newBox(t, shell)
		b.write("units/backup.service", "inactive\n")
		do := func(action string) []string { return b.do(action, "Units", "backup.service") }
		// The timer is set before the unit starts, and nothing that a lock acts on is touched.
		b.want("quiesce", do("quiesce"), []string{"unit backup.service inactive>active done", "flush buffers > done"},
			disarmed, forgotten, armed, started, "sync")
		b.want("quiesce again", do("quiesce"), []string{"unit backup.service active>active already", "flush buffers > done"}, "sync")
		b.want("resume", do("resume"), []string{"unit backup.service active>inactive done"}, ended, disarmed, forgotten)
		b.want("resume again", do("resume"), []string{"unit backup.service inactive>inactive already"}, disarmed, forgotten)
		b.want("nothing", b.do("quiesce", "Units", "-"), []string{"flush buffers > done"}, "sync")
	})
}

func TestQuiesceThatFails(t *testing.T) {
	inEveryShell(t, func(t *testing.T, shell []string) {
		b := newBox(t, shell)
		do := func(action string) []string { return b.do(action, "Units", "backup.service") }
		b.want("a unit that is not there", do("quiesce"), []string{"unit backup.service absent>absent failed absent"})
		b.write("units/backup.service", "active\n")
		b.want("another's rest", do("quiesce"), []string{"unit backup.service active>active skipped not_ours"})
		b.write("units/backup.service", "deactivating\n")
		b.want("the end of another's rest", do("quiesce"), []string{"unit backup.service deactivating>deactivating skipped not_ours"})
		b.write("units/keyward-rest.timer", "active\n")
		b.want("the end of our own", do("quiesce"), []string{"unit backup.service deactivating>deactivating failed is_deactivating"})
		_ = os.Remove(b.path("units/keyward-rest.timer"))
		b.write("units/backup.service", "inactive\n")
		b.write("notimer", "")
		b.want("nothing that would end it", do("quiesce"), []string{"unit backup.service inactive>inactive failed no_timer"}, disarmed, forgotten, armed)
		_ = os.Remove(b.path("notimer"))
		b.write("dull", "")
		b.want("a oneshot that does not remain", do("quiesce"), []string{"unit backup.service inactive>inactive failed still_inactive"},
			disarmed, forgotten, armed, started, ended, disarmed, forgotten)
		_ = os.Remove(b.path("dull"))
		b.write("broken", "")
		b.want("a start that fails", do("quiesce"), []string{"unit backup.service inactive>inactive failed exit_1"},
			disarmed, forgotten, armed, started, ended, disarmed, forgotten)
		_ = os.Remove(b.path("broken"))
		b.fake("sync", "exit 1")
		b.want("no sync", do("quiesce"), []string{"unit backup.service inactive>active done", "flush buffers > failed exit_1"},
			disarmed, forgotten, armed, started, "sync")
		b.write("stubborn", "")
		b.want("a unit that does not stop keeps its timer", do("resume"), []string{"unit backup.service active>active failed still_active"}, ended)
		b.fake("id", "echo 1000")
		b.want("not as root", do("resume"), []string{"unit backup.service active>active failed not_root"})
		b.write("units/backup.service", "inactive\n")
		b.want("not as root", do("quiesce"), []string{"unit backup.service inactive>inactive failed not_root"})
		_ = os.Remove(b.path("bin/systemctl"))
		b.want("nothing can be read", do("quiesce"), []string{"unit backup.service unreadable>unreadable failed not_root"})
		b.want("nothing can be read", do("resume"), []string{"unit backup.service unreadable>unreadable failed not_root"})
	})
}

// TestLockInANamespace mounts and unmounts really, where only this test can see it.
func TestLockInANamespace(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Logf("this host gives no namespace (%v: %s): the real umount is not tried, TestLock has the one made of files", err, out)
		return
	}
	b := newBox(t, sh(t))
	mount, umount, cat := look(t, "mount"), look(t, "umount"), look(t, "cat")
	for name, target := range map[string]string{"umount": umount} {
		_ = os.Remove(b.path("bin/" + name))
		if err := os.Symlink(target, b.path("bin/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(b.path("disk"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "lock.sh")
	text := strings.Replace(b.text(map[string]string{"Action": "lock", "Mounts": b.path("disk"), "Mappings": "-"}), b.path("mountinfo"), "/proc/self/mountinfo", 1)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	// Once with a process in it, once without; mounted twice over each other.
	cmd := exec.Command("unshare", "-rm", "sh", "-c", `set -e
"$1" -t tmpfs none "$3"; "$1" -t tmpfs none "$3"
( cd "$3" && exec sleep 60 ) & p=$!
while [ "$(readlink /proc/$p/cwd)" != "$3" ]; do :; done
sh "$4"; kill $p; wait $p || :
sh "$4"; "$2" /proc/self/mountinfo`, "sh", mount, cat, b.path("disk"), script)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("in the namespace: %v", err)
	}
	lines := strings.SplitN(string(out), "\n", 3)
	if len(lines) != 3 {
		t.Fatalf("printed %q", out)
	}
	busy := steps(t, lines[0]+"\n", "lock")
	if got := busy[2]; !strings.Contains(got, "mounted>mounted failed exit_32; held by ") || !strings.Contains(got, "(sleep)") {
		t.Errorf("a mount in use: %q, want it told who holds it", got)
	}
	free := steps(t, lines[1]+"\n", "lock")
	if want := "mount " + b.path("disk") + " mounted>unmounted done"; free[2] != want {
		t.Errorf("a free mount: %q, want %q", free[2], want)
	}
	if strings.Contains(lines[2], b.path("disk")) {
		t.Error("it is mounted still")
	}
}

func look(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
