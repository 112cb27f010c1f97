package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// database makes a database as ClamAV's own tool does, of the version 27500 and of now.
const database = `
rm -rf /db; mkdir /db; cd /db
printf 'Keyward-Test:0:*:58354f2150254041505b345c505a58353428505e2937434329377d\n' >daily.ndb; echo x >COPYING
echo builder | SIGNDUSER=builder sigtool --build=daily.cud --unsigned --cvd-version=27500 >/dev/null 2>&1
rm -f /var/lib/clamav/*; cp daily.cud /var/lib/clamav/; cd /
echo "FACT built $(sigtool --info=/db/daily.cud | sed -n 's/^Build time: //p')"
`

const startClamd = "rm -f /run/clamav/clamd.ctl; clamd; until_there /run/clamav/clamd.ctl\n"

// enable makes freshclam's unit start by itself, whatever the release's package does, and disable undoes it.
const (
	enable  = "ln -sf /usr/lib/systemd/system/clamav-freshclam.service /etc/systemd/system/multi-user.target.wants/\n"
	disable = "rm -f /etc/systemd/system/*.wants/clamav-freshclam.service\n"
)

var scenarios = []scenario{
	{
		name: "nothing runs, nothing is set up",
		setup: "version clamav-daemon; version auditd; version aide; version base-files\n" +
			"echo \"FACT boot $(ls /etc/systemd/system/*.wants 2>/dev/null | grep -c clamav-daemon)\"\nrm -f /var/lib/clamav/* /var/lib/aide/*\nsh /probe.sh",
		ask: []string{"package:base-files", "package:nonexistent", "program:/usr/bin/clamscan", "unit:clamav-daemon.service"},
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			c.product(e, evidence.ClamAV, "present true; stopped; off; ")
			c.equal("definitions", e.Find(evidence.ClamAV).Definition.Date.Why, "no_database")
			issues := "no_database"
			if facts["boot"] == "0" {
				issues += " not_at_boot"
			}
			c.equal("issues of clamav", strings.Join(e.Find(evidence.ClamAV).Config.Issues, " "), issues)
			c.product(e, evidence.AIDE, "present true; unknown (not_applicable); off; ")
			c.equal("auditd", fmt.Sprint(e.Find(evidence.Auditd).Present, e.Find(evidence.Auditd).Running.State), "true stopped")
			for id, pkg := range map[evidence.ProductID]string{evidence.ClamAV: "clamav-daemon", evidence.Auditd: "auditd", evidence.AIDE: "aide"} {
				c.equal("version of "+string(id), e.Find(id).Version.String(), upstream(facts["dpkg:"+pkg]))
			}
			for _, id := range []evidence.ProductID{evidence.OSSEC, evidence.Wazuh, evidence.Defender, evidence.CrowdStrike, evidence.SentinelOne, evidence.GuardDuty} {
				c.product(e, id, "present false; unknown (not_installed); unknown (not_installed); not_installed")
			}
			c.equal("package", e.Other("other:x", evidence.Signs{Package: "base-files"}).Version.String(), facts["dpkg:base-files"])
			c.equal("other", fmt.Sprint(e.Other("other:x", evidence.Signs{Unit: "clamav-daemon.service", Process: "/usr/bin/clamscan"}).Running.State), "unknown (no_systemd)")
			c.equal("process", fmt.Sprint(e.Other("other:x", evidence.Signs{Process: "/usr/bin/clamscan"}).Running.State), "stopped")
			c.equal("no package", fmt.Sprint(e.Other("other:x", evidence.Signs{Package: "nonexistent"}).Present), "false")
			return c
		},
	},
	{
		name:  "clamd runs with a database of today",
		setup: disable + database + startClamd + "exes /usr/sbin/clamd\nsh /probe.sh",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			p := e.Find(evidence.ClamAV)
			c.product(e, evidence.ClamAV, "present true; running; reduced; ")
			c.equal("processes of clamd", strconv.Itoa(len(p.Running.PIDs)), facts["exes:/usr/sbin/clamd"])
			c.equal("definitions", p.Definition.Version.String(), "27500")
			built, err := time.Parse("02 Jan 2006 15:04 -0700", facts["built"])
			c.equal("date of definitions", p.Definition.Date.String(), fmt.Sprint(built.UTC()))
			if err != nil {
				c = append(c, err.Error())
			}
			c.verdict(e, "product: {is: clamav, state: running, definitions: {age: \"<= 1h\"}}", policy.Pass)
			return c
		},
	},
	{
		name:  "clamd runs, and freshclam should",
		setup: enable + database + startClamd + "exes /usr/bin/freshclam\nsh /probe.sh",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			c.equal("processes of freshclam", "0", facts["exes:/usr/bin/freshclam"])
			c.product(e, evidence.ClamAV, "present true; partial; reduced; ")
			c.equal("what is missing", strings.Join(e.Find(evidence.ClamAV).Running.Missing, " "), "freshclam")
			return c
		},
	},
	{
		name:  "clamd and freshclam run",
		setup: enable + database + startClamd + "freshclam -d >/dev/null 2>&1; until_runs /usr/bin/freshclam\nsh /probe.sh",
		want: func(e *evidence.Evidence, _ map[string]string) []string {
			var c checks
			c.product(e, evidence.ClamAV, "present true; running; reduced; ")
			c.equal("what runs", strings.Join(e.Find(evidence.ClamAV).Running.Up, " "), "clamd freshclam")
			return c
		},
	},
	{
		name:  "clamd runs with a database of last month",
		setup: database + "sed -i \"1s/^ClamAV-VDB:[^:]*:/ClamAV-VDB:$(date -u -d '31 days ago' '+%d %b %Y %H-%M') +0000:/\" /var/lib/clamav/daily.cud\n" + "sh /probe.sh",
		want: func(e *evidence.Evidence, _ map[string]string) []string {
			var c checks
			c.verdict(e, "product: {is: clamav, definitions: {age: \"<= 30d\"}}", policy.Fail)
			c.verdict(e, "product: {is: clamav, definitions: {age: \"<= 32d\"}}", policy.Pass)
			return c
		},
	},
	{
		name: "decoys",
		setup: "cp /usr/bin/sleep /tmp/ossec-syscheckd; cp /usr/bin/sleep /tmp/clamd; cp /usr/bin/sleep /tmp/auditd\n" +
			"/tmp/ossec-syscheckd 60 & /tmp/clamd 60 & /tmp/auditd 60 &\n" +
			"printf 'DIRECTORY=\"/var/ossec\"\\nVERSION=\"v3.8.0\"\\nTYPE=\"agent\"\\n' >/etc/ossec-init.conf\n" +
			"mkdir -p /var/ossec/var/run; echo 1 >/var/ossec/var/run/ossec-syscheckd-1.pid; echo 1 >/run/clamav/clamd.pid; echo 1 >/run/auditd.pid\n" +
			"until_runs /tmp/ossec-syscheckd; until_runs /tmp/clamd; until_runs /tmp/auditd; exes /tmp/clamd; sh /probe.sh; rm -rf /var/ossec /etc/ossec-init.conf",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			c.equal("decoys", facts["exes:/tmp/clamd"], "1")
			c.product(e, evidence.ClamAV, "present true; stopped; off; name_only")
			c.equal("auditd", fmt.Sprint(e.Find(evidence.Auditd).Running.State, e.Find(evidence.Auditd).Why), "stopped [name_only]")
			c.product(e, evidence.OSSEC, "present false; unknown (not_installed); unknown (not_installed); not_installed residue")
			c.verdict(e, "product: {is: clamav, state: running}", policy.Fail)
			c.verdict(e, "product: {is: ossec, state: installed}", policy.Fail)
			return c
		},
	},
	{
		name:  "clamd was replaced while it ran",
		setup: database + startClamd + "cp /usr/sbin/clamd /clamd.new; mv /clamd.new /usr/sbin/clamd\nexes '/usr/sbin/clamd (deleted)'\nsh /probe.sh",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			c.equal("deleted programs", facts["exes:/usr/sbin/clamd"], "(deleted) 1")
			c.product(e, evidence.ClamAV, "present true; unknown (replaced_program); unknown (replaced_program); replaced_program")
			c.verdict(e, "product: {is: clamav, state: running}", policy.Unknown)
			return c
		},
	},
	{
		name: "AIDE has a database",
		setup: "printf '/etc/debian_version R\\n' >/mini.conf\naide --init --config=/mini.conf -A database_out=file:/var/lib/aide/aide.db >/dev/null 2>&1 || " +
			"aide --init --config=/mini.conf -B database_out=file:/var/lib/aide/aide.db >/dev/null 2>&1\n" +
			"echo \"FACT written $(stat -c %Y /var/lib/aide/aide.db)\"\nsh /probe.sh",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			p := e.Find(evidence.AIDE)
			c.product(e, evidence.AIDE, "present true; unknown (not_applicable); protecting; ")
			c.equal("date of the database", strconv.FormatInt(p.Definition.Date.Value.Unix(), 10), facts["written"])
			return c
		},
	},
	{
		name: "auditd runs with rules, or the kernel refuses",
		host: true,
		setup: "before=$(auditctl -s | sed -n 's/^enabled //p'); auditd -n >/dev/null 2>&1 & a=$!\n" +
			"i=0; while [ \"$(auditctl -s | sed -n 's/^pid //p')\" != $a ] && [ $i -lt 50 ] && kill -0 $a; do sleep 0.1; i=$((i+1)); done\n" +
			"auditctl -w /etc/keyward-test -p wa -k keyward >/dev/null\n" +
			"kill -0 $a && echo \"FACT attached $(auditctl -s | sed -n 's/^pid //p') $a\"\nsh /probe.sh\n" +
			"auditctl -W /etc/keyward-test -p wa -k keyward >/dev/null; kill $a; wait $a; [ -z \"$before\" ] || auditctl -e \"$before\" >/dev/null",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			p := e.Find(evidence.Auditd)
			kernel, own, _ := strings.Cut(facts["attached"], " ")
			switch {
			case own == "":
				c.equal("auditd", fmt.Sprint(p.Running.State), "stopped")
			case kernel == own:
				c.product(e, evidence.Auditd, "present true; running; protecting; ")
				c.equal("process of auditd", fmt.Sprint(p.Running.PIDs), "["+own+"]")
			default:
				c.equal("auditd runs, protects", fmt.Sprint(p.Running.State, p.Protection.State.Known), "running false")
			}
			return c
		},
	},
	{
		name: "ClamAV removed, then purged",
		setup: "dpkg --remove --force-depends clamav clamav-freshclam clamav-daemon >/dev/null 2>&1\n" +
			"echo \"FACT left $(ls -d /etc/clamav /usr/sbin/clamd 2>/dev/null | tr '\\n' ' ')\"\nsh /probe.sh",
		want: func(e *evidence.Evidence, facts map[string]string) []string {
			var c checks
			c.equal("left by dpkg", facts["left"], "/etc/clamav")
			c.product(e, evidence.ClamAV, "present false; unknown (not_installed); unknown (not_installed); not_installed residue")
			c.verdict(e, "product: {is: clamav, state: absent}", policy.Pass)
			return c
		},
	},
}

// checks are the differences that were found.
type checks []string

func (c *checks) equal(what, got, want string) {
	if got != want {
		*c = append(*c, fmt.Sprintf("%s: the evidence says %q, the install %q", what, got, want))
	}
}

func (c *checks) product(e *evidence.Evidence, id evidence.ProductID, want string) {
	p := e.Find(id)
	c.equal(string(id), fmt.Sprintf("present %v; %v; %v; %s", p.Present, p.Running.State, p.Protection.State, strings.Join(p.Why, " ")), want)
}

func (c *checks) verdict(e *evidence.Evidence, rule string, want policy.Verdict) {
	p, err := policy.Parse([]byte("policy: x\nrules: [{rule: r, " + rule + "}]"))
	if err != nil {
		*c = append(*c, err.Error())
		return
	}
	c.equal("verdict on "+rule, policy.Evaluate(p, e, e.Collect.Received).Verdict.String(), want.String())
}

var debianVersion = regexp.MustCompile(`^(?:[0-9]+:)?([0-9.]+)`)

// upstream is the maker's version in one of Debian's, as in 1:3.0.9-1 and 1.4.3+dfsg-1~deb12u2.
func upstream(s string) string {
	if f := debianVersion.FindStringSubmatch(s); f != nil {
		return f[1]
	}
	return s
}
