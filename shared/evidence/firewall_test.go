package evidence_test

import (
	"fmt"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func nftChain(family, hook string, rules ...string) string {
	text := "table " + family + " t\nchain " + family + " t input\n\t\t" + hook + "\n"
	for _, r := range rules {
		text += "\t\t" + r + "\n"
	}
	return text
}

const (
	dropHook   = "type filter hook input priority filter; policy drop;"
	acceptHook = "type filter hook input priority filter; policy accept;"
)

func TestFirewall(t *testing.T) {
	t.Parallel()
	narrow := bare()
	narrow.Want = ",os,"
	user := bare().user().skip("nft", "not_root").skip("ipt", "not_root").without("ip6t")
	jump := "jump filter_INPUT_POLICIES"
	for name, c := range map[string]struct {
		g    guest
		want string // engine active defaultIn defaultIn6 rules
	}{
		"nothing":                 {bare(), "none | false | allow | allow | 0"},
		"server":                  {load(t, "server"), "nft | true | drop | drop | 9"},
		"nf_tables not loaded":    {bare().skip("nft", "unloaded"), "none | false | allow | allow | 0"},
		"no nft tool":             {bare().skip("nft", "no_tool"), "unknown (no_tool) | unknown (no_tool) | unknown (no_tool) | unknown (no_tool) | unknown (no_tool)"},
		"nft was refused":         {bare().rc("nft", "rules 0", 1), "unknown (failed) | unknown (failed) | unknown (failed) | unknown (failed) | unknown (failed)"},
		"nft took too long":       {bare().rc("nft", "rules 0", 124), "unknown (timeout) | unknown (timeout) | unknown (timeout) | unknown (timeout) | unknown (timeout)"},
		"not asked for":           {narrow, "unknown (not_collected) | unknown (not_collected) | unknown (not_collected) | unknown (not_collected) | unknown (not_collected)"},
		"not root":                {user, "unknown (not_root) | unknown (not_root) | unknown (not_root) | unknown (not_root) | unknown (not_root)"},
		"not root, ufw is on":     {user.with("ufw", "ENABLED=yes"), "ufw | unknown (not_root) | unknown (not_root) | unknown (not_root) | unknown (not_root)"},
		"ufw is off":              {bare().with("ufw", "ENABLED=no"), "none | false | allow | allow | 0"},
		"ufw on, no kernel rules": {bare().with("ufw", "ENABLED=yes"), "ufw | false | allow | allow | 0"},
		"firewalld": {
			bare().with("firewalld", "running\nDefaultZone=public").with("nft", nftChain("inet", acceptHook, jump, "reject with icmpx admin-prohibited")+"rules 80"),
			"firewalld | true | drop | drop | 80",
		},
		"firewalld stopped":         {bare().with("firewalld", "stopped"), "none | false | allow | allow | 0"},
		"IPv4 alone":                {bare().with("nft", nftChain("ip", dropHook)), "nft | true | drop | allow | 0"},
		"IPv6 alone":                {bare().with("nft", nftChain("ip6", dropHook)), "nft | false | allow | drop | 0"},
		"bridge is not the host":    {bare().with("nft", nftChain("bridge", dropHook)), "nft | false | allow | allow | 0"},
		"nat hook does not filter":  {bare().with("nft", nftChain("ip", "type nat hook input priority 100; policy drop;")), "nft | false | allow | allow | 0"},
		"accept before reject":      {bare().with("nft", nftChain("inet", acceptHook, "accept", "reject")), "nft | false | allow | allow | 0"},
		"conditional drop":          {bare().with("nft", nftChain("inet", acceptHook, "ct state invalid drop")), "nft | false | allow | allow | 0"},
		"counted drop":              {bare().with("nft", nftChain("inet", acceptHook, "counter packets 12 bytes 900 drop")), "nft | true | drop | drop | 0"},
		"stateless counter":         {bare().with("nft", nftChain("inet", acceptHook, `counter drop comment "accept"`)), "nft | true | drop | drop | 0"},
		"empty rule":                {bare().with("nft", nftChain("inet", acceptHook, "counter packets 1", "  ")), "nft | false | allow | allow | 0"},
		"jump leaves it open":       {bare().with("nft", nftChain("ip", acceptHook, jump)), "nft | unknown (jumps) | unknown (jumps) | allow | 0"},
		"rules left out":            {bare().with("nft", nftChain("ip", acceptHook, "tcp dport 1 accept", "more 60", "tcp dport 2 accept")), "nft | unknown (jumps) | unknown (jumps) | allow | 0"},
		"rules left out, last drop": {bare().with("nft", nftChain("ip", acceptHook, "more 60", "drop")), "nft | true | drop | allow | 0"},
		"two chains, one drops":     {bare().with("nft", nftChain("ip", dropHook)+nftChain("ip", acceptHook)), "nft | true | drop | allow | 0"},
		"two chains, later drops":   {bare().with("nft", nftChain("ip", acceptHook)+nftChain("ip", dropHook)), "nft | true | drop | allow | 0"},
		"two chains, one jumps":     {bare().with("nft", nftChain("ip", acceptHook, jump)+nftChain("ip", acceptHook)), "nft | unknown (jumps) | unknown (jumps) | allow | 0"},
		"rules outside of a chain":  {bare().with("nft", "drop\nrules 3"), "none | false | allow | allow | 3"},
		"legacy iptables": {
			bare().with("ipt", ":INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nrules 4").with("ip6t", ":INPUT ACCEPT [0:0]\nrules 0"),
			"iptables | true | drop | allow | 4",
		},
		"legacy last rule":         {bare().with("ipt", ":INPUT ACCEPT [1:2]\n-A INPUT -j LOG\n-A INPUT -j REJECT --reject-with icmp-host-prohibited"), "iptables | true | drop | allow | 0"},
		"legacy chain":             {bare().with("ipt", ":INPUT ACCEPT [1:2]\n-A INPUT -j f2b-sshd"), "iptables | unknown (jumps) | unknown (jumps) | allow | 0"},
		"legacy accepts all":       {bare().with("ipt", ":INPUT DROP [1:2]\n-A INPUT -j ACCEPT"), "iptables | false | allow | allow | 0"},
		"legacy accepts first":     {bare().with("ipt", ":INPUT ACCEPT [1:2]\n-A INPUT -j ACCEPT\n-A INPUT -j DROP"), "iptables | false | allow | allow | 0"},
		"legacy rules left out":    {bare().with("ipt", ":INPUT ACCEPT [1:2]\nmore 3\n-A INPUT -p tcp -j DROP"), "iptables | unknown (jumps) | unknown (jumps) | allow | 0"},
		"legacy tables, no tool":   {bare().skip("ipt", "no_tool"), "unknown (no_tool) | unknown (no_tool) | unknown (no_tool) | allow | unknown (no_tool)"},
		"nft drops, legacy unread": {bare().with("nft", nftChain("inet", dropHook)).skip("ipt", "no_tool"), "nft | true | drop | drop | unknown (no_tool)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fw := c.g.parse(t).Firewall
			got := fmt.Sprintf("%v | %v | %v | %v | %v", fw.Engine, fw.Active, fw.DefaultIn, fw.DefaultIn6, fw.Rules)
			if got != c.want {
				t.Errorf("Firewall = %s, want %s", got, c.want)
			}
		})
	}
	if e := bare().with("ufw", "ENABLED=yes").parse(t).Firewall.Engine; e != evidence.Known("ufw") {
		t.Errorf("Engine = %v, want ufw", e)
	}
}
