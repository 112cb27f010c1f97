package policy_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestErrorsOfSystemRules(t *testing.T) {
	t.Parallel()
	const age = `expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`
	const limit = `expected a whole number, or an operator (<, <=, =, !=, >=, >) and one, such as "<= 4"`
	const path = `expected an absolute path of letters, digits and . _ + @ - /, at most 200 characters, without . or .. in it`
	var table []refusal
	for _, c := range []struct{ rule, want string }{
		{`firewall: {}`, `4:13: rules[0].firewall: asks nothing, expected incoming or engine`},
		{`firewall: on`, `4:13: rules[0].firewall: got "on", expected a mapping with incoming, ipv6, engine`},
		{`firewall: {incoming: dropp}`, `4:24: rules[0].firewall.incoming: got "dropp", expected one of drop, allow; did you mean "drop"?`},
		{`firewall: {engine: [nft, pf]}`, `4:28: rules[0].firewall.engine[1]: got "pf", expected one of nft, iptables, firewalld, ufw`},
		{`firewall: {ipv6: ignore}`, `4:13: rules[0].firewall: asks nothing, expected incoming or engine`},
		{`encryption: {type: LUKS2}`, `4:15: rules[0].encryption.mounts: is missing, expected all or a list of paths`},
		{`encryption: {mounts: /data, except: /boot}`, `4:39: rules[0].encryption.except: goes with mounts: all only`},
		{`encryption: {mounts: [/data, "data two"]}`, `4:32: rules[0].encryption.mounts[1]: got "data two", ` + path},
		{`encryption: {mounts: /data/../etc}`, `4:24: rules[0].encryption.mounts: got "/data/../etc", ` + path},
		{`encryption: {mounts: []}`, `4:24: rules[0].encryption.mounts: got 0, expected a list of 1 to 32 paths`},
		{`mounts: {access: read-only}`, `4:11: rules[0].mounts.at: is missing, expected a path or a list of paths`},
		{`mounts: {at: /data, state: absent, access: read-only}`, `4:11: rules[0].mounts: state absent does not go with access, options or type`},
		{`mounts: {at: /data, access: ro}`, `4:31: rules[0].mounts.access: got "ro", expected one of read-only, read-write`},
		{`mounts: {at: /data/}`, `4:16: rules[0].mounts.at: got "/data/", ` + path},
		{`reboot: {}`, `4:11: rules[0].reboot: asks nothing, expected required or uptime`},
		{`reboot: {required: "no"}`, `4:22: rules[0].reboot.required: got "no", expected true or false`},
		{`reboot: {uptime: 90d}`, `4:20: rules[0].reboot.uptime: got "90d", ` + age},
		{`accounts: {uid0: "a:b"}`, `4:20: rules[0].accounts.uid0: got "a:b", expected the name of an account, or none`},
		{`accounts: {}`, `4:13: rules[0].accounts: asks nothing, expected uid0, emptyPasswords or remote`},
		{`sshd: {}`, `4:9: rules[0].sshd: asks nothing, expected a setting such as permitRootLogin`},
		{`sshd: {permitRootLogin: maybe}`, `4:27: rules[0].sshd.permitRootLogin: got "maybe", expected one of no, prohibit-password, forced-commands-only, yes`},
		{`sshd: {maxAuthTries: few}`, `4:24: rules[0].sshd.maxAuthTries: got "few", ` + limit},
		{`sshd: {x11Forwarding: false}`, `4:25: rules[0].sshd.x11Forwarding: got false, expected one of no, yes`},
		{`files: {mode: "0644"}`, `4:10: rules[0].files.is: is missing, expected a path or a list of paths`},
		{`files: {is: /etc/passwd}`, `4:10: rules[0].files: asks nothing of /etc/passwd, expected state, sha256, owner, group or mode`},
		{`files: {is: /etc/x, mode: 644}`, `4:29: rules[0].files.mode: got 644, expected the most permissions that may be set, in octal and in quotes, such as "0644"`},
		{`files: {is: /etc/x, sha256: abc}`, `4:31: rules[0].files.sha256: got "abc", expected a SHA-256 of 64 hex digits in lower case, in quotes`},
		{`files: {is: /etc/x, owner: root}`, `4:30: rules[0].files.owner: got "root", expected a whole number from 0 to 2147483647`},
		{`files: {is: /etc/x, state: absent, owner: 0}`, `4:10: rules[0].files: state absent does not go with sha256, owner, group or mode`},
		{`files: {is: [C:/Windows/x, /etc/x], mode: "0644"}`, `4:10: rules[0].files: owner, group and mode do not go with paths of Windows, which has other rights`},
		{`files: {is: C:/Windows/../x, state: present}`, `4:15: rules[0].files.is: got "C:/Windows/../x", ` + path},
		{`files: {is: "C:/Windows/x ", state: present}`, `4:15: rules[0].files.is: got "C:/Windows/x ", ` + path},
		{`files: {is: c:/x, state: present}`, `4:15: rules[0].files.is: got "c:/x", ` + path},
		{`files: {is: "/etc/$(id)", owner: 0}`, `4:15: rules[0].files.is: got "/etc/$(id)", ` + path},
		{`packages: {state: absent}`, `4:13: rules[0].packages.is: is missing, expected a package or a list of packages`},
		{`packages: {is: bash}`, `4:13: rules[0].packages: asks nothing of bash, expected state or version`},
		{`packages: {is: "bash:amd64", state: absent}`, `4:18: rules[0].packages.is: got "bash:amd64", expected the name of a package, without version and architecture`},
		{`packages: {is: bash, state: absent, version: ">= 5"}`, `4:13: rules[0].packages: state absent does not go with version`},
		{`kernel: {tainted: oe}`, `4:21: rules[0].kernel.tainted: got "oe", expected none, or the letters that may be set, such as "OE" for modules from outside the kernel's tree and unsigned ones`},
		{`kernel: {settings: {}}`, `4:22: rules[0].kernel.settings: got a mapping, expected a mapping of settings and values, such as kernel.randomize_va_space: ">= 2"`},
		{`kernel: {settings: {swappiness: 1}}`, `4:23: rules[0].kernel.settings: got "swappiness", expected the name of a sysctl with dots, such as net.ipv4.ip_forward`},
		{`kernel: {settings: {net.ipv6.conf.all.stable_secret: 1}}`, `4:23: rules[0].kernel.settings: net.ipv6.conf.all.stable_secret may be a secret, which no inspection reads`},
		{`kernel: {settings: {vm.swappiness: much}}`, `4:38: rules[0].kernel.settings.vm.swappiness: got "much", ` + limit},
		{`kernel: {settings: {vm.swappiness: 1, vm.swappiness: 2}}`, `4:41: rules[0].kernel.settings.vm.swappiness: stands twice; the first is in line 4`},
		{`modules: {absent: "a b"}`, `4:21: rules[0].modules.absent: got "a b", expected the name of a kernel module`},
		{`modules: {}`, `4:12: rules[0].modules: asks nothing, expected absent, loaded or foreign`},
		{`time: {daemon: ntpd}`, `4:18: rules[0].time.daemon: got "ntpd", expected one of running, chrony, systemd-timesyncd, ntp, openntpd; did you mean "ntp"?`},
		{`time: {skew: 1s}`, `4:16: rules[0].time.skew: got "1s", which is too short, expected a duration from 10s to 24h, written like 30m, 4h or 7d`},
		{`time: {synced: 1}`, `4:18: rules[0].time.synced: got 1, ` + age},
		{`selinux: {}`, `4:12: rules[0].selinux: asks nothing, expected mode or configured`},
		{`selinux: {mode: enforced}`, `4:19: rules[0].selinux.mode: got "enforced", expected one of enforcing, permissive, disabled`},
		{`apparmor: {enforced: -1}`, `4:24: rules[0].apparmor.enforced: got -1, ` + limit},
		{`cron: {}`, `4:9: rules[0].cron: asks nothing, expected only`},
		{`suid: {only: usr/bin/su}`, `4:16: rules[0].suid.only: got "usr/bin/su", ` + path},
		{`tamper: {}`, `4:11: rules[0].tamper.none: is missing, expected all or one of SIGNS`},
		{`tamper: {none: [all]}`, `4:19: rules[0].tamper.none[0]: got "all", expected one of SIGNS`},
		{`tamper: {none: [clock, preload], except: [preload, clock]}`, `4:44: rules[0].tamper.except: leaves nothing of none`},
		{`tamper: {none: preloads}`, `4:18: rules[0].tamper.none: got "preloads", expected one of all, SIGNS; did you mean "preload"?`},
	} {
		const signs = "preload, init-env, overmount, masked-service, hosts-entry, deleted-program, replaced-program, program-place, hidden-module, clock, no-owner, identity, patches, platform, user-data"
		table = append(table, refusal{c.rule, "policy: x\nrules:\n- rule: r\n  " + c.rule, []string{strings.ReplaceAll(c.want, "SIGNS", signs)}})
	}
	refuse(t, table)
}

// One command carries so many names and no more.
func TestErrorsOfTooManyNames(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("policy: x\nrules:\n")
	for i := range 5 {
		var paths []string
		for j := range 15 {
			paths = append(paths, fmt.Sprintf("/etc/%d/%d", i, j))
		}
		fmt.Fprintf(&many, "- {rule: r%d, files: {is: [%s], state: absent}}\n", i, strings.Join(paths, ", "))
	}
	long := "policy: x\nrules:\n- {rule: r, files: {state: absent, is: ["
	for i := range 20 {
		long += fmt.Sprintf("/%d%s, ", i, strings.Repeat("a", 190))
	}
	refuse(t, []refusal{
		{"too many", many.String(), []string{`3:1: rules: name 75 files, mounts, packages and settings in 1074 characters, expected at most 64 in 3000`}},
		{"too long", long + "/a]}}", []string{`3:1: rules: name 21 files, mounts, packages and settings in 3977 characters, expected at most 64 in 3000`}},
	})
}
