package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
)

// wanting is a guest that was asked for more.
func (g guest) wanting(words ...string) guest {
	g.Want += strings.Join(words, ",") + ","
	return g
}

// asking is a guest that was asked for facts by name.
func (g guest) asking(names ...string) guest {
	g.Ask = strings.Join(names, ",")
	return g
}

// parsed is what one record becomes, as text.
type parsed struct {
	name string
	g    guest
	want string
}

func parseAll(t *testing.T, show func(*evidence.Evidence) string, table []parsed) {
	t.Helper()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := show(c.g.parse(t)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What was not asked for is not there, and what was asked for and did not come says so.
func TestSystemOnDemand(t *testing.T) {
	t.Parallel()
	if got := bare().parse(t).System; !cmp.Equal(got, evidence.System{}) {
		t.Errorf("System = %+v, want nothing", got)
	}
	e := bare().wanting("reboot", "updates", "mac", "accounts", "sshd", "time", "kernel", "modules", "packages", "files", "cron", "suid", "tamper").
		asking("file:/etc/passwd", "package:bash").parse(t)
	s := e.System
	if e.Collect.Complete != evidence.Known(false) {
		t.Errorf("Complete = %v, want false: the records are missing", e.Collect.Complete)
	}
	for name, why := range map[string]string{
		"reboot": s.Reboot.Required.Why, "updates": s.Updates.Security.Why, "selinux": s.MAC.SELinux.Why, "apparmor": s.MAC.AppArmor.Why,
		"uid0": s.Accounts.UID0.Why, "empty": s.Accounts.Empty.Why, "sshd": s.SSHD.Installed.Why, "settings": s.SSHD.Why, "daemon": s.Time.Daemon.Why,
		"taint": s.Kernel.Taint.Why, "modules": s.Modules.Loaded.Why, "packages": s.Packages.Find("bash").Why, "cron": s.Cron.Files.Why,
		"suid": s.SUID.Files.Why, "file": s.Files.Find("/etc/passwd").State.Why,
	} {
		if why != evidence.WhyMissing {
			t.Errorf("%s is unknown because %q, want %q", name, why, evidence.WhyMissing)
		}
	}
	if diff := cmp.Diff([]string{"tamper: missing"}, s.Tamper.Why); diff != "" {
		t.Errorf("Tamper.Why (-want +got):\n%s", diff)
	}
}

func TestReboot(t *testing.T) {
	t.Parallel()
	base := bare().wanting("reboot")
	parseAll(t, func(e *evidence.Evidence) string { return fmt.Sprint(e.Reboot.Required, e.Reboot.Reasons) }, []parsed{
		{"nobody would say it", base.with("reboot", "boot"), "unknown (no_source) []"},
		{"marker", base.with("reboot", "marker /run/reboot-required\nnotifier\nboot").with("reboot.why", "libc6\nlibc6\nlinux-base"), "true [marker libc6 linux-base]"},
		{"no marker where there would be one", base.with("reboot", "notifier\nboot"), "false []"},
		{"the newest kernel runs", base.with("reboot", "boot vmlinuz-6.1.0-17-amd64 vmlinuz-6.1.0-18-amd64"), "false []"},
		{"a newer kernel", base.with("reboot", "boot vmlinuz-6.1.0-18-amd64 vmlinuz-6.1.0-28-amd64 vmlinuz-6.1.0-9-amd64"), "true [kernel 6.1.0-28-amd64]"},
		{"a newer kernel, in spite of no marker", base.with("reboot", "notifier\nboot vmlinuz-6.1.0-100-amd64"), "true [kernel 6.1.0-100-amd64]"},
		{"another flavour", base.with("reboot", "boot vmlinuz-6.1.0-18-amd64 vmlinuz-6.1.0-28-cloud-amd64"), "false []"},
		{"Red Hat's names", base.with("sys", "uname 5.14.0-427.13.1.el9_4.x86_64 x86_64").
			with("reboot", "boot vmlinuz-5.14.0-503.11.1.el9_5.x86_64 vmlinuz-0-rescue-0123456789abcdef vmlinuz-5.14.0-427.13.1.el9_4.x86_64"), "true [kernel 5.14.0-503.11.1.el9_5.x86_64]"},
		{"no kernel of the running one's", base.with("reboot", "boot vmlinuz-6.1.0-17-amd64"), "unknown (no_source) []"},
		{"kernel unknown", base.with("sys", "").with("reboot", "boot vmlinuz-6.1.0-28-amd64"), "unknown (no_source) []"},
		{"a number that is too long", base.with("reboot", "boot vmlinuz-6.1.0-18-amd64 vmlinuz-99999999999999999999-amd64"), "true [kernel 99999999999999999999-amd64]"},
		{"cut", base.cut("reboot", "notifier"), "unknown (cut) []"},
	})
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	base := bare().wanting("updates")
	parseAll(t, func(e *evidence.Evidence) string {
		u := e.Updates
		return fmt.Sprint(u.Source, " ", u.Pending, " ", u.Security, " ", u.Names, " ", u.Lists.Known, " ", u.Lists.Why)
	}, []parsed{
		{"some", base.rc("updates", "name libssl3\npending 12\nsecurity 1", 0).with("updates.time", "1795300000 /var/lib/apt/lists\n1795200000 /x"), "apt 12 1 [libssl3] true "},
		{"none", base.rc("updates", "pending 0\nsecurity 0", 0).with("updates.time", ""), "apt 0 0 [] false absent"},
		{"apt refuses", base.rc("updates", "pending 0\nsecurity 0", 100), "unknown (failed) unknown (failed) unknown (failed) [] false failed"},
		{"too slow", base.rc("updates", "pending 0\nsecurity 0", 124), "unknown (timeout) unknown (timeout) unknown (timeout) [] false timeout"},
		{"another system", base.skip("updates", "no_source"), "unknown (no_source) unknown (no_source) unknown (no_source) [] false no_source"},
		{"no numbers", base.with("updates", "pending x\nsecurity -1"), "apt unknown (parse_error) unknown (parse_error) [] false missing"},
	})
	e := base.rc("updates", "pending 0\nsecurity 0", 0).with("updates.time", "1795300000 /var/lib/apt/lists\n99 /x\nx /y").parse(t)
	if want := evidence.Known(time.Unix(1795300000, 0).UTC()); e.Updates.Lists != want {
		t.Errorf("Lists = %v, want the newest, %v", e.Updates.Lists, want)
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	base := bare().wanting("mac")
	parseAll(t, func(e *evidence.Evidence) string {
		m := e.MAC
		return strings.Join([]string{m.SELinux.String(), m.SELinuxConfigured.String(), m.AppArmor.String(), m.AppArmorEnforced.String(), m.Lockdown.String()}, " | ")
	}, []parsed{
		{"nothing in the kernel", base.with("mac", "selinux !absent\napparmor !absent\nlockdown !absent\nlsm capability\nenforced !absent"),
			"disabled | unknown (absent) | false | unknown (absent) | none"},
		{"SELinux", base.with("mac", "selinux 1\napparmor !absent\nlockdown none [integrity] confidentiality\nlsm lockdown,capability,selinux\nenforced !absent\nSELINUX=Permissive"),
			"enforcing | permissive | false | unknown (absent) | integrity"},
		{"SELinux is there and not mounted", base.with("mac", "selinux !absent\nlsm capability,selinux\napparmor N\nlockdown x\nenforced !denied"),
			"unknown (not_visible) | unknown (absent) | false | unknown (denied) | unknown (parse_error)"},
		{"AppArmor", base.with("mac", "selinux 0\napparmor Y\nlockdown [none] integrity\nlsm apparmor\nenforced 23\ncomplaining 2"),
			"permissive | unknown (absent) | true | 23 | none"},
		{"not root", base.with("mac", "selinux 2\napparmor maybe\nlockdown [all]\nlsm apparmor\nenforced !not_root").user(),
			"unknown (parse_error) | unknown (absent) | unknown (parse_error) | unknown (not_root) | unknown (parse_error)"},
		{"cut", base.cut("mac", "selinux 1"), "unknown (cut) | unknown (cut) | unknown (cut) | unknown (cut) | unknown (cut)"},
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	base := bare().wanting("accounts")
	parseAll(t, func(e *evidence.Evidence) string {
		a := e.Accounts
		return fmt.Sprint(a.UID0, " ", a.Empty, " ", a.Login, " ", a.Remote)
	}, []parsed{
		{"plain", base.with("acc", "uid0 root\nlogin 2").with("acc.shadow", "lines 20"), "[root] [] 2 false"},
		{"bad", base.with("acc", "uid0 toor\nuid0 root\nuid0 root\nempty old\nnss\nlogin 3").with("acc.shadow", "empty guest\nlines 20"), "[root toor] [guest old] 3 true"},
		{"as a user", base.with("acc", "uid0 root\nlogin 2").skip("acc.shadow", "not_root").user(), "[root] unknown (not_root) 2 false"},
		{"too many", base.with("acc", strings.Repeat("x\n", 3)+numbered("uid0 a%d", 300)+"login 1").with("acc.shadow", "lines 1"), "unknown (too_many) [] 1 false"},
		{"cut", base.cut("acc", "uid0 root").with("acc.shadow", "lines 1"), "unknown (cut) unknown (cut) unknown (cut) unknown (cut)"},
		{"shadow cut", base.with("acc", "uid0 root\nlogin 1").cut("acc.shadow", ""), "[root] unknown (cut) 1 false"},
	})
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

func TestSSHD(t *testing.T) {
	t.Parallel()
	base := bare().wanting("sshd")
	parseAll(t, func(e *evidence.Evidence) string {
		show := func(key string) string {
			all := e.SSHD.Effective(key)
			if !all.Known {
				return all.String()
			}
			var words []string
			for _, s := range all.Value {
				words = append(words, strings.TrimSpace(s.Value+" "+s.Match))
			}
			return strings.Join(words, ", ")
		}
		return strings.Join([]string{e.SSHD.Installed.String(), show("permitrootlogin"), show("passwordauthentication"), show("kbdinteractiveauthentication")}, " | ")
	}, []parsed{
		{"not there", base.with("sshd", "absent"), "false | prohibit-password | yes | yes"},
		{"defaults", base.with("sshd", "present"), "true | prohibit-password | yes | yes"},
		{"the first counts", base.with("sshd", "present\npermitrootlogin no\npermitrootlogin yes"), "true | no | yes | yes"},
		{"aliases, quotes, comments", base.with("sshd", "present\npermitrootlogin \"without-password\" # old\nchallengeresponseauthentication no"), "true | prohibit-password | yes | no"},
		{"under conditions", base.with("sshd", "present\nmatch user backup # x\npasswordauthentication no\nmatch all\npermitrootlogin no"), "true | no | yes, no user backup | yes"},
		{"options win", base.with("sshd", "present\npermitrootlogin no\nSSHD_OPTS=\"-o PermitRootLogin=yes\""), "true | unknown (options) | unknown (options) | unknown (options)"},
		{"options that change nothing", base.with("sshd", "present\nSSHD_OPTS=\nOPTIONS=-4"), "true | prohibit-password | yes | yes"},
		{"options that nobody knows", base.with("sshd", "present\nOPTIONS=$CRYPTO_POLICY"), "true | unknown (options) | unknown (options) | unknown (options)"},
		{"an include that cannot be read", base.with("sshd", "present\n!unsafe_path\npermitrootlogin no"), "true | unknown (unsafe_path) | unknown (unsafe_path) | unknown (unsafe_path)"},
		{"cut", base.cut("sshd", "present\npermitrootlogin no"), "unknown (cut) | unknown (cut) | unknown (cut) | unknown (cut)"},
		{"too many", base.with("sshd", "present\n"+numbered("maxsessions %d", 300)), "true | unknown (too_many) | unknown (too_many) | unknown (too_many)"},
		{"nonsense", base.with("sshd", "x"), "unknown (parse_error) | prohibit-password | yes | yes"},
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	base := bare().wanting("time")
	parseAll(t, func(e *evidence.Evidence) string {
		return fmt.Sprint(e.Time.Daemon, " ", e.Time.Synced.Known, " ", e.Time.Synced.Why)
	}, []parsed{
		{"chrony", base.with("time", "systemd\nup chronyd\nat 1795300000 /var/lib/chrony/drift"), "chrony true "},
		{"none", base.with("time", "systemd"), "none false no_source"},
		{"without systemd", base.with("time", ""), "unknown (no_systemd) false no_source"},
		{"without stat", base.with("time", "systemd\nup systemd-timesyncd\nat !no_tool"), "systemd-timesyncd false no_tool"},
		{"another", base.with("time", "systemd\nup evil"), "unknown (parse_error) false no_source"},
		{"cut", base.cut("time", "systemd"), "unknown (cut) false cut"},
	})
}

func TestKernel(t *testing.T) {
	t.Parallel()
	base := bare().wanting("kernel").asking("sysctl:kernel.kptr_restrict")
	parseAll(t, func(e *evidence.Evidence) string {
		k := e.Kernel
		return strings.Join([]string{k.Taint.String(), k.ModulesDisabled.String(), k.SignedModules.String(), k.Lockdown.String(), k.SecureBoot.String(), k.Setting("kernel.kptr_restrict").String()}, " | ")
	}, []parsed{
		{"clean", base.with("kernel", "tainted 0\nmodules_disabled 0\nsig_enforce N\nlockdown !absent\nsecureboot bios\nsysctl.kernel.kptr_restrict 1"), "[] | false | false | none | bios | 1"},
		{"tainted", base.with("kernel", "tainted 12289\nmodules_disabled 1\nsig_enforce Y\nlockdown [integrity]\nsecureboot 6 0 0 0 1\nsysctl.kernel.kptr_restrict !absent"),
			"[P O E] | true | true | integrity | on | unknown (absent)"},
		{"a bit without a letter", base.with("kernel", "tainted 1099511627776\nsecureboot 6 0 0 0 0"), "[bit40] | unknown (missing) | unknown (missing) | unknown (missing) | off | unknown (not_collected)"},
		{"nonsense", base.with("kernel", "tainted -1\nmodules_disabled 2\nsecureboot 1"), "unknown (parse_error) | unknown (parse_error) | unknown (missing) | unknown (missing) | unknown (parse_error) | unknown (not_collected)"},
		{"cut", base.cut("kernel", "tainted 0"), "unknown (cut) | unknown (cut) | unknown (cut) | unknown (cut) | unknown (cut) | unknown (not_collected)"},
	})
}

func TestModules(t *testing.T) {
	t.Parallel()
	base := bare().wanting("modules")
	parseAll(t, func(e *evidence.Evidence) string {
		return fmt.Sprint(e.Modules.Loaded, " ", e.Modules.Flags, " ", e.Modules.Hidden)
	}, []parsed{
		{"some", base.with("modules", "m xfs\nm dsa_filter (OE)\nm ext4\nhidden evil"), "[dsa_filter ext4 xfs] [{dsa_filter OE}] [evil]"},
		{"a kernel without", base.skip("modules", "absent"), "[] [] []"},
		{"denied", base.skip("modules", "denied"), "unknown (denied) [] []"},
		{"too many", base.with("modules", numbered("m a%d", 600)), "unknown (too_many) [] []"},
	})
}

func TestPackages(t *testing.T) {
	t.Parallel()
	base := bare().wanting("packages").asking("package:bash", "package:libc6", "file:/x")
	parseAll(t, func(e *evidence.Evidence) string {
		p := e.Packages
		return fmt.Sprint(p.Manager, " ", p.Count, " ", p.Find("bash"), " ", p.Find("libc6"), " ", p.Find("zsh"))
	}, []parsed{
		{"dpkg", base.with("packages", "dpkg\np bash 5.2.15-2+b8 amd64\np libc6 2.36-9 amd64\np libc6 2.36-9 i386\ncount 899"),
			"dpkg 899 [{bash 5.2.15-2+b8 amd64}] [{libc6 2.36-9 amd64} {libc6 2.36-9 i386}] unknown (not_collected)"},
		{"dpkg, with what is not installed", base.with("packages", "dpkg\npackage bash installed 5.2.15-2+b8 amd64\npackage libc6 config-files 2.36-9 amd64\npackage libc6 installed 2.36-9 i386\npackage zsh absent\ncount 899"),
			"dpkg 899 [{bash 5.2.15-2+b8 amd64}] [{libc6 2.36-9 i386}] unknown (not_collected)"},
		{"apk", base.with("packages", "apk\npackage bash installed 5.2.21-r0 x86_64\npackage libc6 absent\ncount 60"), "apk 60 [{bash 5.2.21-r0 x86_64}] [] unknown (not_collected)"},
		{"rpm", base.rc("packages", "p bash 0:5.2.15-1.amzn2023 x86_64\nrpm", 0), "rpm unknown (no_source) [{bash 0:5.2.15-1.amzn2023 x86_64}] [] unknown (not_collected)"},
		{"rpm fails", base.rc("packages", "rpm", 1), "unknown (failed) unknown (failed) unknown (failed) unknown (failed) unknown (failed)"},
		{"no manager", base.skip("packages", "no_source"), "unknown (no_source) unknown (no_source) unknown (no_source) unknown (no_source) unknown (no_source)"},
		{"nonsense", base.with("packages", "x"), "unknown (parse_error) unknown (no_source) unknown (parse_error) unknown (parse_error) unknown (parse_error)"},
		{"a line that is none", base.with("packages", "apk\np bash\ncount 1"), "apk 1 unknown (parse_error) unknown (parse_error) unknown (parse_error)"},
	})
}

func TestFiles(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	base := bare().wanting("files").asking("file:/f")
	parseAll(t, func(e *evidence.Evidence) string {
		f := e.Files.Find("/f")
		return fmt.Sprint(f.State, " ", f.SHA256, " ", f.Mode, " ", f.UID, " ", f.GID, " ", f.Size, " ", f.Type)
	}, []parsed{
		{"plain", base.with("files", "/f ok "+digest+" 644 0 42 1221 1779294449 regular file"), "present " + digest + " 420 0 42 1221 regular file"},
		{"folder", base.with("files", "/f ok - 1777 0 0 4096 1779294449 directory"), "present unknown (not_regular) 1023 0 0 4096 directory"},
		{"too large", base.with("files", "/f ok !too_large 600 0 0 99999999 1 regular file"), "present unknown (too_large) 384 0 0 99999999 regular file"},
		{"link", base.with("files", "/f link"), "link unknown (link) unknown (link) unknown (link) unknown (link) unknown (link) unknown (link)"},
		{"denied", base.with("files", "/f not_root"), "unknown (not_root) unknown (not_root) unknown (not_root) unknown (not_root) unknown (not_root) unknown (not_root) unknown (not_root)"},
		{"without stat", base.with("files", "/f ok - "), "present unknown (parse_error) unknown (parse_error) unknown (parse_error) unknown (parse_error) unknown (parse_error) unknown (parse_error)"},
		{"nonsense", base.with("files", "/f ok x 9 -1 x -5 0 y"), "present unknown (parse_error) unknown (parse_error) unknown (parse_error) unknown (parse_error) unknown (parse_error) y"},
		{"another one", base.with("files", "/g absent"), strings.TrimSpace(strings.Repeat("unknown (not_collected) ", 7))},
		{"cut", base.cut("files", ""), strings.TrimSpace(strings.Repeat("unknown (cut) ", 7))},
		{"too many", base.with("files", numbered("/x%d absent", 300)), strings.TrimSpace(strings.Repeat("unknown (too_many) ", 7))},
	})
}

func TestCronAndSUID(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	base := bare().wanting("cron", "suid")
	parseAll(t, func(e *evidence.Evidence) string {
		var paths []string
		for _, f := range e.Cron.Files.Value {
			paths = append(paths, f.Path)
		}
		return fmt.Sprint(paths, e.Cron.Files.Why, " ", e.SUID.Files)
	}, []parsed{
		{"some", base.with("cron", digest+" /etc/cron.d/b\n"+digest+" /etc/cron.d/a\n"+digest+" /etc/cron.d/a").rc("suid", "/usr/bin/su\n/usr/bin/passwd", 0), "[/etc/cron.d/a /etc/cron.d/b] [/usr/bin/passwd /usr/bin/su]"},
		{"none", base.with("cron", "").rc("suid", "", 0), "[] []"},
		{"an odd name, and no end", base.with("cron", "odd").rc("suid", "/usr/bin/su", 124), "[]odd_name unknown (timeout)"},
		{"denied, and something that find could not read", base.with("cron", "!denied /var/spool/cron").rc("suid", "/usr/bin/su", 1), "[]denied unknown (failed)"},
		{"nonsense", base.with("cron", "x y").with("suid", numbered("/s%d", 600)), "[]parse_error unknown (too_many)"},
		{"as a user", base.cut("cron", "").rc("suid", "", 0).user(), "[]cut unknown (not_root)"},
		{"too many", base.with("cron", numbered(digest+" /c%d", 600)).rc("suid", "", 0), "[]too_many []"},
	})
}

func TestTamper(t *testing.T) {
	t.Parallel()
	base := bare().wanting("tamper")
	late := base
	late.At = fmt.Sprintf("%d +0000", start.Add(-10*time.Minute).Unix())
	parseAll(t, func(e *evidence.Evidence) string { return fmt.Sprint(e.Tamper.Signals, e.Tamper.Why) }, []parsed{
		{"none", base.with("tamper", "init 0\nasset !absent"), "[] []"},
		{"all of the machine's own", base.with("tamper", "preload /lib/evil.so\ninit 1\nover /proc/712\nmasked auditd\nhost ssm.eu-west-1.amazonaws.com\nexe gone /usr/bin/x\nexe gone /usr/bin/x\n"+
			"exe replaced /usr/bin/y\nexe place /tmp/z\nexe what /q\nasset i-1234567890abcdef0"),
			"[{preload /lib/evil.so guest} {init-env 1 variables guest} {overmount /proc/712 guest} {masked-service auditd guest} {hosts-entry ssm.eu-west-1.amazonaws.com guest} " +
				"{deleted-program /usr/bin/x guest} {replaced-program /usr/bin/y guest} {program-place /tmp/z guest}] []"},
		{"another instance", base.with("tamper", "init 0\nasset i-0fedcba9876543210"), "[{identity i-0fedcba9876543210 guest}] []"},
		{"a board without a name", base.with("tamper", "init 0\nasset Not Specified"), "[] []"},
		{"clock", late.with("tamper", "init 0"), "[{clock -9m58s guest}] []"},
		{"hidden module", base.wanting("modules").with("modules", "m xfs\nhidden evil").with("tamper", "init 0"), "[{hidden-module evil guest}] []"},
		{"a socket that nobody has", base.with("net", "tcp 00000000:0801 0 -\ntcp 00000000:0016 0 712").with("tamper", "init 0"), "[{no-owner tcp/2049 on 0.0.0.0 guest}] []"},
		{"as a user", base.with("net", "tcp 00000000:0801 0 -").with("tamper", "preload !denied\ninit !not_root").user(), "[] [init: not_root preload: denied programs: not_root]"},
		{"cut", base.cut("tamper", "preload /x"), "[{preload /x guest}] [tamper: cut]"},
	})
	e := base.with("tamper", numbered("preload /x%d", 200)).parse(t)
	if len(e.Tamper.Signals) != 64 || !cmp.Equal(e.Tamper.Why, []string{"signals: too_many"}) {
		t.Errorf("%d signals, %v, want 64 and that there are more", len(e.Tamper.Signals), e.Tamper.Why)
	}
}

// A real machine's answer, whole.
func TestSystemOfDebian(t *testing.T) {
	t.Parallel()
	e := load(t, "debian-12").wanting("reboot", "updates", "mac", "accounts", "sshd", "time", "kernel", "modules", "packages", "files", "cron", "suid", "tamper").
		asking("file:/etc/passwd", "file:/etc/cron.d", "file:/nope", "file:/bin", "package:bash", "package:libc6", "package:nope", "sysctl:kernel.randomize_va_space").parse(t)
	s := e.System
	got := []string{
		fmt.Sprint(s.Reboot.Required), fmt.Sprint(s.Updates.Source, s.Updates.Pending, s.Updates.Security, s.Updates.Lists.Known),
		fmt.Sprint(s.MAC.SELinux, s.MAC.AppArmor, s.MAC.Lockdown), fmt.Sprint(s.Accounts.UID0, s.Accounts.Empty, s.Accounts.Login),
		fmt.Sprint(s.SSHD.Effective("permitrootlogin")), fmt.Sprint(s.SSHD.Effective("passwordauthentication")), fmt.Sprint(s.SSHD.Effective("x11forwarding")),
		fmt.Sprint(s.Kernel.Taint, s.Kernel.SecureBoot, s.Kernel.Setting("kernel.randomize_va_space")), fmt.Sprint(s.Packages.Find("bash"), s.Packages.Find("nope"), s.Packages.Count),
		fmt.Sprint(s.Files.Find("/etc/passwd").Mode, s.Files.Find("/nope").State, s.Files.Find("/bin").State, s.Files.Find("/etc/cron.d").Type),
		fmt.Sprint(len(s.Cron.Files.Value)), fmt.Sprint(s.Time.Daemon), fmt.Sprint(s.Tamper.Signals, s.Tamper.Why), fmt.Sprint(e.Collect.Complete),
	}
	want := []string{
		"unknown (no_source)", "apt 0 0 true", "disabled false none", "[root] [] 1",
		"[{permitrootlogin no }]", "[{passwordauthentication yes } {passwordauthentication no User backup}]", "[{x11forwarding yes }]",
		"[] bios 2", "[{bash 5.2.15-2+b13 amd64}] [] 126", "420 absent link directory", "4", "unknown (no_systemd)", "[] []", "true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("System (-want +got):\n%s", diff)
	}
}
