package policy_test

import "testing"

func TestErrorsOfOs(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "unknown system",
			text: "policy: x\nrules:\n- rule: r\n  os: {is: [debain]}",
			want: []string{
				`4:13: rules[0].os.is[0]: got "debain", expected one of almalinux, alpine, amzn, arch, azurelinux, bottlerocket, centos, cloudlinux, cos, debian, devuan, fedora, flatcar, gentoo, kali, linuxmint, manjaro, mariner, nixos, ol, openeuler, opensuse-leap, opensuse-tumbleweed, photon, raspbian, rhel, rocky, scientific, sled, sles, ubuntu, void, windows, wolfi; did you mean "debian"?`,
			},
		},
		{
			name: "no system",
			text: "policy: x\nrules:\n- rule: r\n  os: {is: []}",
			want: []string{
				`4:12: rules[0].os.is: got 0, expected a list of 1 to 34 systems`,
			},
		},
		{
			name: "nothing asked",
			text: "policy: x\nrules:\n- rule: r\n  os: {}",
			want: []string{
				`4:7: rules[0].os: asks nothing, expected is, arch, version or kernel`,
			},
		},
		{
			name: "os is text",
			text: "policy: x\nrules:\n- rule: r\n  os: debian",
			want: []string{
				`4:7: rules[0].os: got "debian", expected a mapping with is, arch, version, kernel`,
			},
		},
		{
			name: "architecture",
			text: "policy: x\nrules:\n- rule: r\n  os: {arch: 64bit}",
			want: []string{
				`4:14: rules[0].os.arch: got "64bit", expected one of x86_64, aarch64, i386, i586, i686, armv6l, armv7l`,
			},
		},
		{
			name: "kernel",
			text: "policy: x\nrules:\n- rule: r\n  os: {kernel: new, version: [12]}",
			want: []string{
				`4:16: rules[0].os.kernel: got "new", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
				`4:30: rules[0].os.version: got a list, expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
	})
}
