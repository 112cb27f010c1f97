package policy_test

import "testing"

func TestErrorsOfPorts(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "nothing asked",
			text: "policy: x\nrules:\n- rule: r\n  ports: {loopback: ignore}",
			want: []string{
				`4:10: rules[0].ports: asks nothing, expected closed, open or only`,
			},
		},
		{
			name: "ports is a list",
			text: "policy: x\nrules:\n- rule: r\n  ports: [tcp/80]",
			want: []string{
				`4:10: rules[0].ports: got a list, expected a mapping with closed, open, only, loopback`,
			},
		},
		{
			name: "bare numbers",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [80, \"80\", http]}",
			want: []string{
				`4:20: rules[0].ports.closed[0]: got 80, expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:24: rules[0].ports.closed[1]: got "80", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:30: rules[0].ports.closed[2]: got "http", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
			},
		},
		{
			name: "port out of range",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [tcp/0, tcp/65536, tcp/+1, tcp/080, tcp/-1]}",
			want: []string{
				`4:20: rules[0].ports.closed[0]: got "tcp/0", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:27: rules[0].ports.closed[1]: got "tcp/65536", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:38: rules[0].ports.closed[2]: got "tcp/+1", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:46: rules[0].ports.closed[3]: got "tcp/080", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:55: rules[0].ports.closed[4]: got "tcp/-1", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
			},
		},
		{
			name: "range turned round",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [tcp/90-80]}",
			want: []string{
				`4:20: rules[0].ports.closed[0]: got "tcp/90-80", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
			},
		},
		{
			name: "unknown protocol",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [sctp/80, TCP/80]}",
			want: []string{
				`4:20: rules[0].ports.closed[0]: got "sctp/80", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
				`4:29: rules[0].ports.closed[1]: got "TCP/80", expected a port from 1 to 65535 such as tcp/80 or udp/53, or a range such as tcp/8000-8100`,
			},
		},
		{
			name: "range in open",
			text: "policy: x\nrules:\n- rule: r\n  ports: {open: [tcp/80-81]}",
			want: []string{
				`4:18: rules[0].ports.open[0]: got "tcp/80-81", expected a port from 1 to 65535 such as tcp/80 or udp/53`,
			},
		},
		{
			name: "no ports",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: []}",
			want: []string{
				`4:19: rules[0].ports.closed: got 0, expected a list of 1 to 64 ports`,
			},
		},
		{
			name: "too many ports",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [tcp/1, tcp/2, tcp/3, tcp/4, tcp/5, tcp/6, tcp/7, tcp/8, tcp/9, tcp/10, tcp/11, tcp/12, tcp/13, tcp/14, tcp/15, tcp/16, tcp/17, tcp/18, tcp/19, tcp/20, tcp/21, tcp/22, tcp/23, tcp/24, tcp/25, tcp/26, tcp/27, tcp/28, tcp/29, tcp/30, tcp/31, tcp/32, tcp/33, tcp/34, tcp/35, tcp/36, tcp/37, tcp/38, tcp/39, tcp/40, tcp/41, tcp/42, tcp/43, tcp/44, tcp/45, tcp/46, tcp/47, tcp/48, tcp/49, tcp/50, tcp/51, tcp/52, tcp/53, tcp/54, tcp/55, tcp/56, tcp/57, tcp/58, tcp/59, tcp/60, tcp/61, tcp/62, tcp/63, tcp/64, tcp/65]}",
			want: []string{
				`4:19: rules[0].ports.closed: got 65, expected a list of 1 to 64 ports`,
			},
		},
		{
			name: "open and closed",
			text: "policy: x\nrules:\n- rule: r\n  ports: {open: [tcp/80], closed: [tcp/1-100]}",
			want: []string{
				`4:17: rules[0].ports.open: tcp/80 must be open and closed at once`,
			},
		},
		{
			name: "open but not among only",
			text: "policy: x\nrules:\n- rule: r\n  ports: {open: [tcp/80], only: [tcp/22, udp/80]}",
			want: []string{
				`4:17: rules[0].ports.open: tcp/80 must be open but is not among only`,
			},
		},
		{
			name: "loopback",
			text: "policy: x\nrules:\n- rule: r\n  ports: {closed: [tcp/80], loopback: true}",
			want: []string{
				`4:39: rules[0].ports.loopback: got true, expected one of ignore, count`,
			},
		},
		{
			name: "unknown key",
			text: "policy: x\nrules:\n- rule: r\n  ports: {close: [tcp/80]}",
			want: []string{
				`4:11: rules[0].ports: unknown key "close", expected closed, open, only, loopback; did you mean "closed"?`,
			},
		},
	})
}
