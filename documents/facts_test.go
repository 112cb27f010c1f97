package documents_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

// facts is the inspection that was asked for more, with the system's own places moved into this machine. It
// believes to be root.
func (m machine) facts(ask []string, words ...string) string {
	m.t.Helper()
	text, err := documents.Render(testNonce, words, ask...)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, r := range [][2]string{
		{"ME=$(id -u)", "ME=0"},
		{"/run/reboot-", m.path("run/reboot-")},
		{"/usr/share/update-notifier/", m.path("notifier") + "/"},
		{"/usr/bin/unattended-upgrade", m.path("unattended-upgrade")},
		{"names boot /boot", "names boot " + m.path("boot")},
		{"/etc/passwd", m.path("etc/passwd")},
		{"/etc/shadow", m.path("etc/shadow")},
		{"/etc/ssh/", m.path("etc/ssh") + "/"},
		{"/etc/default/ssh", m.path("etc/default/ssh")},
		{"/usr/sbin/sshd", m.path("sbin/sshd")},
		{"/run/systemd/", m.path("run/systemd") + "/"},
		{"/var/lib/chrony/", m.path("chrony") + "/"},
		{"/var/lib/dpkg/", m.path("dpkg") + "/"},
		{"/proc/sys/", m.path("sysctl") + "/"},
		{"/proc/modules", m.path("modules")},
		{"/proc/1/environ", m.path("environ")},
		{"/proc/self/mountinfo", m.path("mountinfo")},
		{"/etc/ld.so.preload", m.path("ld.so.preload")},
		{"/etc/hosts", m.path("etc/hosts")},
		{"/etc/systemd/system", m.path("units")},
		{"/etc/cron", m.path("etc/cron")},
		{"/etc/anacrontab", m.path("etc/anacrontab")},
		{"/var/spool/cron", m.path("spool")},
		{"/etc/selinux/", m.path("etc/selinux") + "/"},
		{"/sys/", m.path("sys") + "/"},
	} {
		if !strings.Contains(text, r[0]) {
			m.t.Fatalf("the script does not say %q any more", r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	// What was asked for stands in the parameters, which the moves above changed too.
	return text
}

// made is a machine with something of everything.
func made(t *testing.T) machine {
	m := newMachine(t)
	m.write("run/reboot-required", "*** System restart required ***\n")
	m.write("run/reboot-required.pkgs", "linux-image-cloud-amd64\nlibc6\n")
	m.write("boot/vmlinuz-1.0.0-1-amd64", "")
	m.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\ntoor:x:00:0::/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\nopen::1000:1000::/home/open:/bin/bash\n+::::::\n")
	m.write("etc/shadow", "root:$6$salt$secrethash:19000:0:99999:7:::\nguest::19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n")
	m.write("sbin/sshd", "")
	m.write("etc/ssh/sshd_config", "# comment\nInclude conf.d/*.conf\n\tPermitRootLogin = yes\nMaxAuthTries 3\nBanner /etc/secret\nMatch User backup\n  passwordauthentication yes\n")
	m.write("etc/ssh/conf.d/10-first.conf", "PermitRootLogin \"no\" # ours\n")
	m.write("etc/ssh/conf.d/20-second.conf", "Include "+m.path("etc/ssh/conf.d/nested")+"\r\nPasswordAuthentication no\r\n")
	m.write("etc/ssh/conf.d/nested", "X11Forwarding yes")
	m.write("etc/default/ssh", "SSHD_OPTS=\n")
	m.write("run/systemd/system/x", "")
	m.write("chrony/drift", "")
	m.write("sys/fs/cgroup/system.slice/chronyd.service/cgroup.procs", "712\n")
	m.write("sys/fs/selinux/enforce", "1")
	m.write("etc/selinux/config", "# x\nSELINUX=permissive\nSELINUXTYPE=targeted\n")
	m.write("sys/module/apparmor/parameters/enabled", "Y\n")
	m.write("sys/kernel/security/apparmor/profiles", "a (enforce)\nb (complain)\nc d (enforce)\n")
	m.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
	m.write("sys/kernel/security/lsm", "lockdown,apparmor")
	m.write("sysctl/kernel/tainted", "12288\n")
	m.write("sysctl/net/ipv4/ip_forward", "0\n")
	m.write("sysctl/net/ipv6/conf/all/stable_secret", "hidden\n")
	m.write("modules", "xfs 1 0 - Live 0x0\ndsa_filter 1 0 - Live 0x0 (OE)\n")
	m.write("sys/module/xfs/initstate", "live\n")
	m.write("sys/module/dsa_filter/initstate", "live\n")
	m.write("sys/module/evil/initstate", "live\n")
	m.write("sys/class/dmi/id/board_asset_tag", "i-0fedcba9876543210\n")
	m.write("dpkg/status", "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b8\n\nPackage: telnetd\nStatus: deinstall ok config-files\nVersion: 1\n\n")
	m.write("environ", "PATH=/bin\x00LD_PRELOAD=/lib/secret.so\x00")
	m.write("ld.so.preload", "# none\n/lib/evil.so\n")
	m.write("etc/hosts", "127.0.0.1 localhost\n10.0.0.1 ssm.eu-west-1.amazonaws.com x\n# 10.0.0.1 y.amazonaws.com\n")
	m.write("units/x.timer", "[Timer]\n")
	if err := os.Symlink("/dev/null", m.path("units/auditd.service")); err != nil {
		t.Fatal(err)
	}
	m.write("etc/crontab", "17 * * * * root secret\n")
	m.write("etc/cron.d/job", "x\n")
	m.write("spool/crontabs/root", "y\n")
	m.write("suid/plain", "")
	m.write("suid/set", "")
	m.mode("suid/set", 0o755|os.ModeSetuid)
	m.write("mountinfo", "22 27 0:21 / /proc rw - proc proc rw\n27 1 259:1 / "+m.path("suid")+" rw - ext4 /dev/x rw\n28 27 0:5 / /proc/712 rw - tmpfs tmpfs rw\n")
	m.write("file", "content\n")
	m.mode("file", 0o640)
	return m
}

var onDemand = []string{"os", "reboot", "mac", "accounts", "sshd", "time", "kernel", "modules", "packages", "files", "cron", "suid", "tamper"}

// The same facts, and no secret, under every shell that there is.
func TestSystemFacts(t *testing.T) {
	t.Parallel()
	m := made(t)
	sum := sha256.Sum256([]byte("content\n"))
	digest := hex.EncodeToString(sum[:])
	ask := []string{"file:" + m.path("file"), "file:" + m.path("none"), "file:" + m.path("suid"), "package:bash", "package:telnetd", "sysctl:net.ipv4.ip_forward", "sysctl:net.ipv6.conf.all.stable_secret"}
	script := m.facts(ask, onDemand...)
	for name, shell := range moreShells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, home := run(t, shell, script, nil)
			nothingIn(t, home)
			e := parse(t, out)
			s := e.System
			f, folder := s.Files.Find(m.path("file")), s.Files.Find(m.path("suid"))
			var signs []string
			for _, sign := range s.Tamper.Signals {
				if sign.Code != evidence.SignalDeleted && sign.Code != evidence.SignalReplaced && sign.Code != evidence.SignalPlace { // this host's own
					signs = append(signs, strings.ReplaceAll(sign.Code+" "+sign.Detail, m.root, ""))
				}
			}
			var cron []string
			for _, c := range s.Cron.Files.Value {
				cron = append(cron, strings.TrimPrefix(c.Path, m.root))
			}
			got := []string{
				fmt.Sprint(s.Reboot.Required, s.Reboot.Reasons),
				fmt.Sprint(s.MAC.SELinux, s.MAC.SELinuxConfigured, s.MAC.AppArmor, s.MAC.AppArmorEnforced, s.MAC.AppArmorComplained, s.MAC.Lockdown),
				fmt.Sprint(s.Accounts.UID0, s.Accounts.Empty, s.Accounts.Login, s.Accounts.Remote),
				fmt.Sprint(s.SSHD.Effective("permitrootlogin"), s.SSHD.Effective("passwordauthentication"), s.SSHD.Effective("x11forwarding"), s.SSHD.Effective("maxauthtries")),
				fmt.Sprint(s.Time.Daemon, s.Time.Synced.Known),
				fmt.Sprint(s.Kernel.Taint, s.Kernel.Lockdown, s.Kernel.Settings),
				fmt.Sprint(s.Modules.Loaded, s.Modules.Flags, s.Modules.Hidden),
				fmt.Sprint(s.Packages.Manager, s.Packages.Find("bash"), s.Packages.Find("telnetd"), s.Packages.Count),
				fmt.Sprint(f.State, f.SHA256.Value == digest, f.Mode, f.Size, folder.Type, s.Files.Find(m.path("none")).State),
				fmt.Sprint(cron), strings.ReplaceAll(fmt.Sprint(s.SUID.Files), m.root, ""), strings.Join(signs, ", "), fmt.Sprint(s.Tamper.Why),
			}
			want := []string{
				"true [marker linux-image-cloud-amd64 libc6]",
				"enforcing permissive true 2 1 integrity",
				"[root toor] [guest open] 3 true",
				"[{permitrootlogin no }] [{passwordauthentication no } {passwordauthentication yes User backup}] [{x11forwarding yes }] [{maxauthtries 3 }]",
				"chrony true",
				"[O E] integrity [{net.ipv4.ip_forward 0} {net.ipv6.conf.all.stable_secret unknown (refused)}]",
				"[dsa_filter xfs] [{dsa_filter OE}] [evil]",
				"dpkg [{bash 5.2.15-2+b8 amd64}] [] 1",
				"present true 416 8 directory absent",
				"[/etc/cron.d/job /etc/crontab /spool/crontabs/root /units/x.timer]", "[/suid/set]",
				"preload /lib/evil.so, init-env 1 variables, overmount /proc/712, masked-service auditd, hosts-entry ssm.eu-west-1.amazonaws.com, hidden-module evil, identity i-0fedcba9876543210", "[]",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("System (-want +got):\n%s\n%s", diff, inflate(t, out))
			}
			if e.Collect.Complete != evidence.Known(true) {
				t.Errorf("Complete = %v, records %+v", e.Collect.Complete, e.Collect.Records)
			}
			for _, secret := range []string{"secrethash", "salt", "secret.so", "/etc/secret", "hidden\n", "root secret"} {
				if strings.Contains(inflate(t, out), secret) {
					t.Errorf("%q left the machine", secret)
				}
			}
		})
	}
}

// moreShells are those of shells and others that are anybody's own.
func moreShells(t *testing.T) map[string][]string {
	found := shells(t)
	for _, name := range []string{"mksh", "ksh", "yash"} {
		if path, err := exec.LookPath(name); err == nil {
			found[name] = []string{path}
		} else {
			t.Logf("this host has no %s: the script is not tried with it", name)
		}
	}
	return found
}

// Everything on this host, costly facts too. What it must say is compared with what other programs say.
func TestAllFactsOnThisHost(t *testing.T) {
	t.Parallel()
	// Looking for SUID files takes long on a host that builds.
	words := slices.DeleteFunc(documents.Words(), func(w string) bool { return w == "suid" })
	out, home := probe(t, sh(t), words, nil)
	nothingIn(t, home)
	e := parse(t, out)
	if e.Accounts == nil || e.Tamper == nil || e.Updates == nil {
		t.Fatalf("System = %+v, want every group", e.System)
	}
	if os.Getuid() == 0 && !e.Accounts.Empty.Known {
		t.Errorf("Accounts = %+v, want those of /etc/shadow", e.Accounts)
	}
	if uid0 := e.Accounts.UID0; !strings.Contains(fmt.Sprint(uid0), "root") {
		t.Errorf("UID0 = %v, want root", uid0)
	}
	query, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\n").Output()
	if err != nil {
		t.Log("this host has no dpkg: its packages are not counted")
		return
	}
	n := 0
	for line := range strings.Lines(string(query)) {
		if line[1] == 'i' { // installed, whether on hold or not
			n++
		}
	}
	if e.Packages.Count != evidence.Known(n) {
		t.Errorf("%v packages, want the %d that dpkg-query counts", e.Packages.Count, n)
	}
}

// Hostile text in files that others write stays in its own record.
func TestSystemFactsHostile(t *testing.T) {
	t.Parallel()
	m := made(t)
	m.write("etc/passwd", "root:x:0:0::/:/bin/sh\nevil\x1b[2J\"},{\\:x:0:0::/:/bin/sh\n"+strings.Repeat("a", 1<<16)+":x:0:0::/:/bin/sh\n")
	m.write("etc/ssh/sshd_config", "Include /etc/../$(touch x) `id`\nr net 10\nd tcp 0\ng /etc/shadow .*\n= x\nPermitRootLogin no\x00yes\n"+strings.Repeat("Include sshd_config\n", 3))
	m.write("run/reboot-required.pkgs", "r net 1\ng /etc/shadow .*\n")
	m.write("etc/cron.d/a b", "x")
	m.write("etc/cron.d/-n\nd evil", "x")
	m.write("etc/hosts", "10.0.0.1 \x07.amazonaws.com "+strings.Repeat("b.amazonaws.com ", 5000)+"\n")
	m.write("ld.so.preload", strings.Repeat("/x\n", 1000))
	m.write("sysctl/kernel/tainted", "")
	out, home := run(t, sh(t), m.facts([]string{"file:" + m.path("file")}, onDemand...), nil)
	nothingIn(t, home)
	e := parse(t, out)
	if strings.Contains(inflate(t, out), "secrethash") {
		t.Error("a line of a file made the script read /etc/shadow")
	}
	if e.SSHD.Why == "" || e.Cron.Files.Why != "odd_name" || e.Kernel.Taint.Known {
		t.Errorf("sshd %q, cron %v, taint %v: want what is odd to be unknown", e.SSHD.Why, e.Cron.Files, e.Kernel.Taint)
	}
	if e.Accounts.UID0.Known && len(e.Accounts.UID0.Value) < 3 {
		t.Errorf("UID0 = %v, want the three, or that the list was cut", e.Accounts.UID0)
	}
}

// A place that was asked for is told of whatever kind holds it, and what it lies in; the others stay out.
func TestMountPoints(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("mountinfo", "21 1 0:2 / / rw - rootfs rootfs rw\n22 21 0:21 / /proc rw - proc proc rw\n23 21 0:30 / /tmp rw,nosuid - tmpfs tmpfs rw\n"+
		"24 21 0:31 / /run rw - tmpfs tmpfs rw\n25 21 0:32 / /dev/shm rw - tmpfs tmpfs rw\n26 21 0:33 / /tmpx rw - tmpfs tmpfs rw\n"+
		"27 21 8:1 / /data rw - ext4 /dev/sda1 rw\n28 27 0:34 / /data rw,noexec - tmpfs over rw\n29 21 0:35 / /var/lib/x/merged rw - overlay overlay rw\n")
	for name, c := range map[string]struct {
		ask  []string
		want string
	}{
		"nothing":       {nil, "/data ext4 /dev/sda1"},
		"something":     {[]string{"mount:/tmp/a", "mount:/data", "mount:/srv", "file:/run/x"}, "/ rootfs rootfs, /data ext4 /dev/sda1, /data tmpfs over, /tmp tmpfs tmpfs"},
		"another place": {[]string{"mount:/dev/shm"}, "/ rootfs rootfs, /data ext4 /dev/sda1, /dev/shm tmpfs tmpfs"},
	} {
		text, err := documents.Render(testNonce, []string{"mounts"}, c.ask...)
		if err != nil {
			t.Fatal(err)
		}
		script := strings.ReplaceAll(text, "/proc/self/mountinfo", m.path("mountinfo"))
		for shell, command := range moreShells(t) {
			t.Run(name+" under "+shell, func(t *testing.T) {
				t.Parallel()
				out, _ := run(t, command, script, nil)
				e := parse(t, out)
				var got []string
				for _, one := range e.Mounts.Value {
					got = append(got, one.Target+" "+one.FSType+" "+one.Source)
				}
				if strings.Join(got, ", ") != c.want || !e.Mounts.Known {
					t.Errorf("mounts = %v %v, want %s", got, e.Mounts, c.want)
				}
			})
		}
	}
}
