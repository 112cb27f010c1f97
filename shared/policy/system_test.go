package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// system is evidence with facts that were collected on demand.
func system(s evidence.System, change ...func(*evidence.Evidence)) *evidence.Evidence {
	return host(append([]func(*evidence.Evidence){func(ev *evidence.Evidence) { ev.System = s }}, change...)...)
}

func names(all ...string) evidence.Fact[[]string] { return evidence.Known(all) }

func unknown[T any](why string) evidence.Fact[T] { return evidence.Unknown[T](why) }

func TestFirewall(t *testing.T) {
	t.Parallel()
	filter := func(engine, four, six string) *evidence.Evidence {
		return host(func(ev *evidence.Evidence) {
			ev.Firewall = evidence.Firewall{Engine: evidence.Known(engine), DefaultIn: evidence.Known(four), DefaultIn6: evidence.Known(six)}
		})
	}
	judgeAll(t, []judged{
		{"drops both", `firewall: {incoming: drop, engine: [nft, ufw]}`, filter("nft", "drop", "drop"), policy.Pass, "IPv4 default drop; IPv6 default drop; filter nft", "", ""},
		{"open for IPv6", `firewall: {incoming: drop}`, filter("nft", "drop", "allow"), policy.Fail, "IPv6 default allow", "", ""},
		{"IPv6 aside", `firewall: {incoming: drop, ipv6: ignore}`, filter("nft", "drop", "allow"), policy.Pass, "IPv4 default drop", "", ""},
		{"another filter", `firewall: {engine: firewalld}`, filter("none", "allow", "allow"), policy.Fail, "filter none", "", ""},
		{"not known", `firewall: {incoming: drop}`, host(func(ev *evidence.Evidence) {
			ev.Firewall = evidence.Firewall{DefaultIn: unknown[string]("not_root"), DefaultIn6: evidence.Known("drop")}
		}), policy.Unknown, "IPv4 default unknown (not_root)", "", "not_root"},
	})
}

func TestEncryptionAndMounts(t *testing.T) {
	t.Parallel()
	disk := func(target, source string, encrypted evidence.Fact[bool], options ...string) evidence.Mount {
		m := evidence.Mount{Target: target, Source: source, FSType: "ext4", Encrypted: encrypted, Options: append([]string{"rw"}, options...)}
		if encrypted.Or(false) {
			m.Crypt = evidence.Known("LUKS2")
		}
		return m
	}
	have := func(all ...evidence.Mount) *evidence.Evidence {
		return host(func(ev *evidence.Evidence) {
			ev.Mounts, ev.Collect.MountPoints = evidence.Known(all), []string{"/", "/data", "/srv", "/tmp"}
		})
	}
	memory := evidence.Mount{Target: "/tmp", Source: "tmpfs", FSType: "tmpfs", Options: []string{"rw", "nosuid"}, Encrypted: unknown[bool]("memory")}
	layers := evidence.Mount{Target: "/var/lib/docker/x", Source: "overlay", FSType: "overlay", Encrypted: unknown[bool]("overlay")}
	sshfs := evidence.Mount{Target: "/far", Source: "far:/", FSType: "fuse.sshfs", Encrypted: unknown[bool]("network")}
	root, data := disk("/", "/dev/sda1", evidence.Known(false)), disk("/data", "/dev/mapper/data", evidence.Known(true), "noexec", "nodev")
	judgeAll(t, []judged{
		{"a path on an encrypted disk", `encryption: {mounts: /data/app}`, have(root, data), policy.Pass, "/data encrypted", "", ""},
		{"a path on a plain one", `encryption: {mounts: [/data, /database]}`, have(root, data), policy.Fail, "/ is not encrypted", "/ (/dev/sda1)", ""},
		{"all but some", `encryption: {mounts: all, except: [/], type: LUKS2}`, have(root, data), policy.Pass, "/data encrypted with LUKS2", "", ""},
		{"all", `encryption: {mounts: all}`, have(root, data), policy.Fail, "/ is not encrypted", "/ (/dev/sda1)", ""},
		{"another type", `encryption: {mounts: /data, type: [LUKS1, PLAIN]}`, have(root, data), policy.Fail, "/data is encrypted with LUKS2", "/data (/dev/mapper/data)", ""},
		{"hidden by a plain disk over it", `encryption: {mounts: /data}`, have(root, data, disk("/data", "/dev/sdb1", evidence.Known(false))), policy.Fail, "/data is not encrypted", "/data (/dev/sdb1)", ""},
		{"not known", `encryption: {mounts: /data}`, have(root, disk("/data", "x", unknown[bool]("network"))), policy.Unknown, "encryption of /data unknown (network)", "", "network"},
		{"what keeps nothing is no disk", `encryption: {mounts: all, except: [/]}`, have(root, data, memory, layers), policy.Pass, "/data encrypted", "", ""},
		{"another machine's disk", `encryption: {mounts: all, except: [/]}`, have(root, data, sshfs), policy.Unknown, "encryption of /far unknown (network)", "", "network"},
		{"a path in memory", `encryption: {mounts: /tmp/x}`, have(root, memory), policy.Unknown, "encryption of /tmp unknown (memory)", "", "memory"},
		{"no disk", `encryption: {mounts: all, except: [/]}`, have(root), policy.Unknown, "no mount of a disk unknown (nothing_found)", "", "nothing_found"},
		{"mounts not known", `encryption: {mounts: all}`, host(func(ev *evidence.Evidence) { ev.Mounts = unknown[[]evidence.Mount]("cut") }), policy.Unknown, "mounts unknown (cut)", "", "cut"},

		{"as asked", `mounts: {at: /data, access: read-write, options: [noexec, nodev], type: ext4}`, have(root, data), policy.Pass, "/data mounted as asked", "", ""},
		{"not there", `mounts: {at: /srv}`, have(root, data), policy.Fail, "nothing is mounted at /srv", "/srv", ""},
		{"read-only asked", `mounts: {at: [/, /data], access: read-only, options: nosuid, type: [xfs]}`, have(root, data), policy.Fail,
			"/ is not read-only, without nosuid, a ext4; /data is not read-only, without nosuid, a ext4", "/ (/dev/sda1)", ""},
		{"must not be there", `mounts: {at: /data, state: absent}`, have(root, data), policy.Fail, "/data is mounted", "/dev/mapper/data", ""},
		{"not asked for, and there", `mounts: {at: /other, options: nodev}`, have(root, disk("/other", "/dev/sdc", evidence.Known(false), "nodev")), policy.Pass, "/other mounted as asked", "", ""},
		{"not asked for, and not seen", `mounts: {at: /run/x}`, have(root, data), policy.Unknown, "what is mounted at /run/x unknown (not_collected)", "", "not_collected"},
		{"not asked for, and nothing seen", `mounts: {at: /run/x, state: absent}`, have(root, data), policy.Unknown, "what is mounted at /run/x unknown (not_collected)", "", "not_collected"},
		{"in memory", `mounts: {at: /tmp, options: [nosuid, nodev]}`, have(root, memory), policy.Fail, "/tmp is without nodev", "/tmp (tmpfs)", ""},
		{"is not there", `mounts: {at: /srv, state: absent}`, have(root, data), policy.Pass, "nothing mounted at /srv", "", ""},
	})
}

func TestRebootAndTime(t *testing.T) {
	t.Parallel()
	due := evidence.System{Reboot: &evidence.Reboot{Required: evidence.Known(true), Reasons: []string{"marker", "libc6"}}}
	clock := func(skew int64) *evidence.Evidence {
		return host(func(ev *evidence.Evidence) { ev.Collect.Sent, ev.Collect.SkewSeconds = noon.Add(-time.Minute), skew })
	}
	booted := func(ago time.Duration) func(*evidence.Evidence) {
		return func(ev *evidence.Evidence) { ev.OS.Boot = evidence.Known(guestEnd.Add(-ago)) }
	}
	kept := evidence.System{Time: &evidence.TimeSync{Daemon: evidence.Known("chrony"), Synced: evidence.Known(guestEnd.Add(-2 * time.Hour))}}
	none := evidence.System{Time: &evidence.TimeSync{Daemon: evidence.Known("none"), Synced: unknown[time.Time]("no_source")}}
	judgeAll(t, []judged{
		{"due", `reboot: {required: false}`, system(due), policy.Fail, "reboot due: marker, libc6", "", ""},
		{"not due", `reboot: {required: false}`, system(evidence.System{Reboot: &evidence.Reboot{Required: evidence.Known(false)}}), policy.Pass, "no reboot due", "", ""},
		{"not known", `reboot: {required: false}`, system(evidence.System{Reboot: &evidence.Reboot{Required: unknown[bool]("no_source")}}), policy.Unknown, "reboot unknown (no_source)", "", "no_source"},
		{"not collected", `reboot: {required: false}`, host(), policy.Unknown, "reboot unknown (not_collected)", "", "not_collected"},
		{"up too long", `reboot: {uptime: "<= 30d"}`, host(booted(31 * 24 * time.Hour)), policy.Fail, "last boot 31d ago", "", ""},
		{"up briefly", `reboot: {uptime: "<= 30d"}`, host(booted(time.Hour)), policy.Pass, "last boot 1h ago", "", ""},
		{"boot in the future", `reboot: {uptime: "<= 30d"}`, host(booted(-time.Hour)), policy.Unknown, "last boot unknown (future_date)", "", "future_date"},

		{"kept", `time: {daemon: running, synced: "< 3h", skew: 1m}`, system(kept, func(ev *evidence.Evidence) { ev.Collect.Sent = noon }), policy.Pass, "time daemon chrony; clock last in step 2h ago; clock right", "", ""},
		{"another daemon", `time: {daemon: [ntp, openntpd]}`, system(kept), policy.Fail, "time daemon chrony", "", ""},
		{"no daemon", `time: {daemon: running, synced: "<= 1d"}`, system(none), policy.Fail, "time daemon none", "", ""},
		{"out of step", `time: {synced: "<= 1h"}`, system(kept), policy.Fail, "clock last in step 2h ago", "", ""},
		{"behind", `time: {skew: 5m}`, clock(-600), policy.Fail, "clock 10m behind", "", ""},
		{"a little ahead", `time: {skew: "<= 5m"}`, clock(30), policy.Pass, "clock 30s ahead", "", ""},
		{"no time", `time: {skew: 5m}`, host(), policy.Unknown, "clock unknown (no_guest_time)", "", "no_guest_time"},
	})
}

func TestAccountsAndSSHD(t *testing.T) {
	t.Parallel()
	accounts := func(a evidence.Accounts) *evidence.Evidence { return system(evidence.System{Accounts: &a}) }
	plain := evidence.Accounts{UID0: names("root"), Empty: names(), Remote: evidence.Known(false)}
	bad := evidence.Accounts{UID0: names("root", "toor"), Empty: names("guest"), Remote: evidence.Known(true)}
	server := func(settings ...evidence.SSHDSetting) *evidence.Evidence {
		return system(evidence.System{SSHD: &evidence.SSHD{Installed: evidence.Known(true), Settings: settings}})
	}
	set := func(key, value string, match ...string) evidence.SSHDSetting {
		return evidence.SSHDSetting{Key: key, Value: value, Match: strings.Join(match, " ")}
	}
	judgeAll(t, []judged{
		{"as they should be", `accounts: {uid0: root, emptyPasswords: none, remote: false}`, accounts(plain), policy.Pass, "no other account with uid 0; no other account without a password; no accounts from elsewhere", "", ""},
		{"two roots", `accounts: {uid0: [root]}`, accounts(bad), policy.Fail, "toor", "toor", ""},
		{"no password", `accounts: {emptyPasswords: none}`, accounts(bad), policy.Fail, "guest", "guest", ""},
		{"no password, allowed", `accounts: {emptyPasswords: guest}`, accounts(bad), policy.Pass, "no other account without a password", "", ""},
		{"from elsewhere", `accounts: {remote: false}`, accounts(bad), policy.Fail, "/etc/passwd takes in accounts from elsewhere", "", ""},
		{"shadow not read", `accounts: {uid0: root, emptyPasswords: none}`, accounts(evidence.Accounts{UID0: names("root"), Empty: unknown[[]string]("not_root")}), policy.Unknown, "account without a password unknown (not_root)", "", "not_root"},

		{"no server", `sshd: {permitRootLogin: no}`, system(evidence.System{SSHD: &evidence.SSHD{Installed: evidence.Known(false)}}), policy.Pass, "no SSH server", "", ""},
		{"default", `sshd: {permitRootLogin: [no, prohibit-password], maxAuthTries: "<= 6"}`, server(), policy.Pass, "permitRootLogin prohibit-password; maxAuthTries 6", "", ""},
		{"root may come", `sshd: {permitRootLogin: [no, prohibit-password]}`, server(set("permitrootlogin", "YES")), policy.Fail, "permitRootLogin YES", "", ""},
		{"root may come from somewhere", `sshd: {permitRootLogin: no}`, server(set("permitrootlogin", "no"), set("permitrootlogin", "yes", "address", "10.0.0.0/8")), policy.Fail, "permitRootLogin yes for address 10.0.0.0/8", "", ""},
		{"a time", `sshd: {loginGraceTime: "<= 60", clientAliveInterval: "> 0"}`, server(set("logingracetime", "1m"), set("clientaliveinterval", "0")), policy.Fail, "clientAliveInterval 0", "", ""},
		{"not understood", `sshd: {permitRootLogin: no}`, server(set("permitrootlogin", "perhaps")), policy.Unknown, "permitRootLogin perhaps unknown (not_understood)", "", "not_understood"},
		{"not whole", `sshd: {permitRootLogin: no}`, system(evidence.System{SSHD: &evidence.SSHD{Installed: evidence.Known(true), Why: "options"}}), policy.Unknown, "permitRootLogin unknown (options)", "", "options"},
	})
}

func TestFilesAndPackages(t *testing.T) {
	t.Parallel()
	digest, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	file := func(change ...func(*evidence.File)) *evidence.Evidence {
		f := evidence.File{Path: "/etc/x", State: evidence.Known("present"), SHA256: evidence.Known(digest), Mode: evidence.Known(0o640), UID: evidence.Known(0), GID: evidence.Known(42)}
		for _, c := range change {
			c(&f)
		}
		return system(evidence.System{Files: &evidence.Files{Files: []evidence.File{f}}})
	}
	onWindows := func() *evidence.Evidence {
		return system(evidence.System{Files: &evidence.Files{Files: []evidence.File{
			{Path: "C:/Program Files (x86)/App/a.exe", State: evidence.Known("present"), SHA256: evidence.Known(digest)}, {Path: "C:/gone.exe", State: evidence.Known("absent")},
		}}})
	}
	state := func(s string) *evidence.Evidence { return file(func(f *evidence.File) { f.State = evidence.Known(s) }) }
	cron := system(evidence.System{Cron: &evidence.Cron{Files: evidence.Known([]evidence.CronFile{{Path: "/etc/cron.d/a"}, {Path: "/etc/cron.d/b"}})}})
	suid := system(evidence.System{SUID: &evidence.SUID{Files: names("/usr/bin/su", "/usr/bin/evil")}})
	packages := system(evidence.System{Packages: &evidence.Packages{Manager: evidence.Known("dpkg"), Asked: []string{"bash", "libc6", "telnetd"}, Installed: []evidence.Package{
		{Name: "bash", Version: "5.2.15-2+b8", Arch: "amd64"}, {Name: "libc6", Version: "2.36-9", Arch: "amd64"}, {Name: "libc6", Version: "2.30-1", Arch: "i386"},
	}}})
	judgeAll(t, []judged{
		{"as asked", `files: {is: /etc/x, sha256: "` + digest + `", owner: 0, group: 42, mode: "0644"}`, file(), policy.Pass, "/etc/x there; /etc/x as asked; owner 0; group 42; permissions 0640", "", ""},
		{"on Windows", `files: {is: "C:/Program Files (x86)/App/a.exe", sha256: "` + digest + `"}`, onWindows(), policy.Pass, "C:/Program Files (x86)/App/a.exe there; C:/Program Files (x86)/App/a.exe as asked", "", ""},
		{"gone from Windows", `files: {is: C:/gone.exe, state: present}`, onWindows(), policy.Fail, "C:/gone.exe is absent", "C:/gone.exe", ""},
		{"changed", `files: {is: /etc/x, sha256: ["` + other + `"]}`, file(), policy.Fail, "/etc/x has the digest " + digest, "/etc/x", ""},
		{"too open, another's", `files: {is: /etc/x, mode: "0600", owner: 33}`, file(), policy.Fail, "/etc/x has owner 0; /etc/x has permissions 0640", "/etc/x", ""},
		{"absent", `files: {is: /etc/x, state: present}`, state("absent"), policy.Fail, "/etc/x is absent", "/etc/x", ""},
		{"a link", `files: {is: /etc/x, owner: 0}`, state("link"), policy.Fail, "/etc/x is a symbolic link", "/etc/x", ""},
		{"there and must not", `files: {is: /etc/x, state: absent}`, file(), policy.Fail, "/etc/x is there", "/etc/x", ""},
		{"must not and is not", `files: {is: /etc/x, state: absent}`, state("absent"), policy.Pass, "/etc/x absent", "", ""},
		{"not asked for yet", `files: {is: [/etc/x, /etc/y], state: present}`, file(), policy.Unknown, "/etc/y unknown (not_collected)", "", "not_collected"},
		{"no digest", `files: {is: /etc/x, sha256: "` + digest + `"}`, file(func(f *evidence.File) { f.SHA256 = unknown[string]("too_large") }), policy.Unknown, "digest of /etc/x unknown (too_large)", "", "too_large"},

		{"installed", `packages: {is: bash, state: installed}`, packages, policy.Pass, "bash 5.2.15-2+b8", "", ""},
		{"every version counts", `packages: {is: libc6, version: ">= 2.36"}`, packages, policy.Fail, "libc6 2.30-1", "", ""},
		{"not installed", `packages: {is: [bash, telnetd], state: installed}`, packages, policy.Fail, "telnetd is not installed", "telnetd", ""},
		{"absent as asked", `packages: {is: telnetd, state: absent}`, packages, policy.Pass, "telnetd not installed", "", ""},
		{"installed and must not", `packages: {is: bash, state: absent}`, packages, policy.Fail, "bash 5.2.15-2+b8 is installed", "bash", ""},
		{"package not asked for yet", `packages: {is: zsh, state: absent}`, packages, policy.Unknown, "package zsh unknown (not_collected)", "", "not_collected"},

		{"cron", `cron: {only: [/etc/cron.d/a]}`, cron, policy.Fail, "/etc/cron.d/b", "/etc/cron.d/b", ""},
		{"no other cron", `cron: {only: [/etc/cron.d/a, /etc/cron.d/b]}`, cron, policy.Pass, "no other cron file", "", ""},
		{"cron not collected", `cron: {only: none}`, host(), policy.Unknown, "cron files unknown (not_collected)", "", "not_collected"},
		{"cron denied", `cron: {only: none}`, system(evidence.System{Cron: &evidence.Cron{Files: unknown[[]evidence.CronFile]("denied")}}), policy.Unknown, "cron files unknown (denied)", "", "denied"},
		{"SUID", `suid: {only: /usr/bin/su}`, suid, policy.Fail, "/usr/bin/evil", "/usr/bin/evil", ""},
		{"SUID not collected", `suid: {only: none}`, host(), policy.Unknown, "SUID files unknown (not_collected)", "", "not_collected"},
	})
}

func TestKernelRules(t *testing.T) {
	t.Parallel()
	kernel := func(k evidence.Kernel) *evidence.Evidence { return system(evidence.System{Kernel: &k}) }
	good := evidence.Kernel{
		Taint: names(), SignedModules: evidence.Known(true), Lockdown: evidence.Known("integrity"), SecureBoot: evidence.Known("on"),
		Settings: []evidence.KernelSetting{{Name: "kernel.kptr_restrict", Value: evidence.Known("1")}, {Name: "kernel.hostname", Value: evidence.Known("web")}},
	}
	modules := system(evidence.System{Modules: &evidence.Modules{Loaded: names("dsa_filter", "usb_storage", "xfs"), Flags: []evidence.NamedFlags{{Name: "dsa_filter", Flags: "OE"}}}})
	mac := func(m evidence.MAC) *evidence.Evidence { return system(evidence.System{MAC: &m}) }
	judgeAll(t, []judged{
		{"kernel as asked", `kernel: {tainted: none, lockdown: [integrity, confidentiality], secureBoot: on, signedModules: true, settings: {kernel.kptr_restrict: ">= 1"}}`, kernel(good), policy.Pass,
			"no other taint; lockdown integrity; secure boot on; unsigned modules refused; kernel.kptr_restrict is 1", "", ""},
		{"tainted", `kernel: {tainted: O}`, kernel(evidence.Kernel{Taint: names("O", "E")}), policy.Fail, "E", "E", ""},
		{"tainted as allowed", `kernel: {tainted: OE}`, kernel(evidence.Kernel{Taint: names("O", "E")}), policy.Pass, "no other taint", "", ""},
		{"setting", `kernel: {settings: {kernel.kptr_restrict: 2}}`, kernel(good), policy.Fail, "kernel.kptr_restrict is 1", "kernel.kptr_restrict", ""},
		{"setting that is no number", `kernel: {settings: {kernel.hostname: 2}}`, kernel(good), policy.Unknown, `kernel.hostname "web" unknown (not_a_number)`, "", "not_a_number"},
		{"setting that was not asked for", `kernel: {settings: {vm.swappiness: 2}}`, kernel(good), policy.Unknown, "vm.swappiness unknown (not_collected)", "", "not_collected"},
		{"kernel not collected", `kernel: {tainted: none}`, host(), policy.Unknown, "kernel unknown (not_collected)", "", "not_collected"},

		{"must not be loaded", `modules: {absent: [usb-storage, dccp]}`, modules, policy.Fail, "usb_storage", "usb_storage", ""},
		{"must be loaded", `modules: {loaded: [xfs, dm_crypt]}`, modules, policy.Fail, "dm_crypt is not loaded", "dm_crypt", ""},
		{"loaded", `modules: {loaded: xfs}`, modules, policy.Pass, "xfs loaded", "", ""},
		{"from outside", `modules: {foreign: none}`, modules, policy.Fail, "dsa_filter (OE)", "dsa_filter (OE)", ""},
		{"from outside as allowed", `modules: {foreign: [dsa_filter]}`, modules, policy.Pass, "no other module from outside", "", ""},

		{"SELinux", `selinux: {mode: enforcing, configured: [enforcing]}`, mac(evidence.MAC{SELinux: evidence.Known("enforcing"), SELinuxConfigured: evidence.Known("permissive")}), policy.Fail, "SELinux configured permissive", "", ""},
		{"SELinux as asked", `selinux: {mode: [enforcing, permissive]}`, mac(evidence.MAC{SELinux: evidence.Known("enforcing")}), policy.Pass, "SELinux enforcing", "", ""},
		{"AppArmor", `apparmor: {enabled: true, enforced: ">= 10", complaining: 0}`, mac(evidence.MAC{AppArmor: evidence.Known(true), AppArmorEnforced: evidence.Known(3), AppArmorComplained: evidence.Known(0)}), policy.Fail, "profiles enforced 3", "", ""},
		{"AppArmor as asked", `apparmor: {enabled: true, enforced: "> 2"}`, mac(evidence.MAC{AppArmor: evidence.Known(true), AppArmorEnforced: evidence.Known(3)}), policy.Pass, "AppArmor on; profiles enforced 3", "", ""},
		{"AppArmor off", `apparmor: {enabled: true}`, mac(evidence.MAC{AppArmor: evidence.Known(false)}), policy.Fail, "AppArmor off", "", ""},
	})
}

func TestTamperRule(t *testing.T) {
	t.Parallel()
	signs := func(why []string, all ...evidence.Signal) *evidence.Evidence {
		return system(evidence.System{Tamper: &evidence.Tamper{Signals: all, Why: why}})
	}
	preload, replaced := evidence.Signal{Code: "preload", Detail: "/lib/x.so"}, evidence.Signal{Code: "replaced-program", Detail: "/usr/sbin/sshd"}
	judgeAll(t, []judged{
		{"none", `tamper: {none: all}`, signs(nil), policy.Pass, "no sign of tampering", "", ""},
		{"two", `tamper: {none: all}`, signs(nil, preload, replaced), policy.Fail, "preload: /lib/x.so, replaced-program: /usr/sbin/sshd", "preload: /lib/x.so", ""},
		{"all but one", `tamper: {none: all, except: replaced-program}`, signs(nil, replaced), policy.Pass, "no sign of tampering", "", ""},
		{"another one", `tamper: {none: [preload, clock]}`, signs(nil, replaced), policy.Pass, "no sign of tampering", "", ""},
		{"not all looked at", `tamper: {none: preload}`, signs([]string{"preload: denied"}), policy.Unknown, "sign of tampering unknown (preload: denied)", "", "preload: denied"},
		{"not all looked at, and one found", `tamper: {none: preload}`, signs([]string{"init: denied"}, preload), policy.Fail, "preload: /lib/x.so", "preload: /lib/x.so", ""},
		{"not collected", `tamper: {none: all}`, host(), policy.Unknown, "signs of tampering unknown (not_collected)", "", "not_collected"},
	})
}

// What a finding is pinned to stays the same from look to look, and tells different things apart.
func TestSystemPins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule string
		ev   *evidence.Evidence
		want []string
	}{
		"uid 0":  {`accounts: {uid0: root}`, system(evidence.System{Accounts: &evidence.Accounts{UID0: names("root", "toor", "evil")}}), []string{"account with uid 0 evil", "account with uid 0 toor"}},
		"sign":   {`tamper: {none: all}`, system(evidence.System{Tamper: &evidence.Tamper{Signals: []evidence.Signal{{Code: "preload", Detail: "/x"}}}}), []string{"preload: /x"}},
		"module": {`modules: {foreign: none}`, system(evidence.System{Modules: &evidence.Modules{Loaded: names("a"), Flags: []evidence.NamedFlags{{Name: "a", Flags: "O"}}}}), []string{"module a O"}},
	} {
		p := parse(t, "policy: x\nrules:\n- rule: r\n  "+c.rule)
		if diff := cmp.Diff(c.want, policy.Evaluate(p, c.ev, noon).Findings[0].Values); diff != "" {
			t.Errorf("%s: values (-want +got):\n%s", name, diff)
		}
	}
}

// What rules need is collected, each thing once.
func TestPolicyNeeds(t *testing.T) {
	t.Parallel()
	p := parse(t, `policy: x
rules:
- {rule: a, files: {is: [/etc/b, /etc/a], mode: "0644"}}
- {rule: b, any: [{packages: {is: telnetd, state: absent}}, {files: {is: /etc/a, state: absent}}]}
- {rule: c, kernel: {settings: {net.ipv4.ip_forward: 0}}}
- {rule: d, tamper: {none: [hidden-module]}}
- {rule: e, product: {is: officescan, state: absent}, info: true}
`)
	want := policy.Needs{
		Collect: []string{"files", "kernel", "listeners", "modules", "officescan", "packages", "tamper"},
		Ask:     []string{"file:/etc/a", "file:/etc/b", "package:telnetd", "sysctl:net.ipv4.ip_forward"},
	}
	if diff := cmp.Diff(want, p.Needs()); diff != "" {
		t.Errorf("Needs (-want +got):\n%s", diff)
	}
}

// What a lock stops or unmounts cures no rule that looks at it.
func TestStoppableSystemRules(t *testing.T) {
	t.Parallel()
	p := parse(t, `policy: x
rules:
- {rule: a, encryption: {mounts: all}}
- {rule: b, mounts: {at: /data, state: absent}}
- {rule: c, tamper: {none: all}}
- {rule: d, modules: {absent: dccp}}
- {rule: e, exposed: {listening: [tcp/22]}}
- {rule: f, exposed: {closed: [tcp/22]}}
- {rule: g, sshd: {permitRootLogin: no}}
- {rule: h, files: {is: /etc/x, state: absent}}
- {rule: i, files: {is: /etc/x, owner: 0}}
- {rule: j, suid: {only: none}}
- {rule: k, cron: {only: none}}
`)
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e", "h", "j"}, p.Stoppable()); diff != "" {
		t.Errorf("Stoppable (-want +got):\n%s", diff)
	}
}
