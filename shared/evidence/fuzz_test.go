package evidence_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// FuzzParse throws text at the wire line. Whatever is accepted has to be harmless.
func FuzzParse(f *testing.F) {
	f.Add(bare().line(f))
	f.Add(load(f, "server").line(f))
	f.Add("KWE1 4 OK AAAA\n")
	f.Add("KWE1 4 CUT AAAA\r\nKWE1")
	f.Add("\n----------ERROR-------\n")
	f.Fuzz(func(t *testing.T, output string) {
		e, err := evidence.Parse(output, expect())
		if _, ok := evidence.Refused(err); (err == nil) == (e == nil) || (err != nil && !ok) {
			t.Fatalf("Parse = %v, %v, want evidence or a refusal", e, err)
		}
		if e != nil {
			harmless(t, e)
		}
	})
}

// FuzzDocument throws text at the JSON inside.
func FuzzDocument(f *testing.F) {
	for _, name := range []string{"server", "ossec-agent", "deep-security"} {
		f.Add(load(f, name).json(f))
	}
	f.Add([]byte(`{"v":1,"nonce":"` + nonce + `","at":"1 +2400","want":",os,","r":[{"n":"sys","rc":1e3}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, err := evidence.Parse(line(t, "OK", text), expect()); err == nil {
			harmless(t, e)
		}
	})
}

// records fuzzes the text of some records in a guest that has the rest.
func records(f *testing.F, fixture string, names ...string) {
	fuzzRecords(f, load(f, fixture), names...)
}

func fuzzRecords(f *testing.F, base guest, names ...string) {
	var seeds []any
	for _, name := range names {
		for _, r := range base.Records {
			if r.Name == name {
				seeds = append(seeds, r.Text)
			}
		}
	}
	for len(seeds) < 3 {
		seeds = append(seeds, "")
	}
	f.Add(seeds[0], seeds[1], seeds[2], 0)
	f.Add("\x00\n<script>\n= \n: \n\"", "\x1b[2J", "9999999999999999999", 1000)
	f.Fuzz(func(t *testing.T, a, b, c string, uid int) {
		g := base
		g.UID = uid
		for i, text := range []string{a, b, c}[:min(3, len(names))] {
			g = g.with(names[i], text)
		}
		takesNoHarm(t, g)
	})
}

// takesNoHarm holds that whatever a machine says is evidence without harm, or too much.
func takesNoHarm(t *testing.T, g guest) {
	t.Helper()
	e, err := evidence.Parse(g.line(t), expect())
	if err == nil {
		harmless(t, e)
	} else if why, _ := evidence.Refused(err); why != evidence.TooLarge {
		t.Errorf("Parse = %v", err)
	}
}

func FuzzOS(f *testing.F)        { records(f, "server", "sys", "os") }
func FuzzListeners(f *testing.F) { records(f, "server", "net", "exe") }
func FuzzMounts(f *testing.F)    { records(f, "server", "mnt", "blk") }
func FuzzFirewall(f *testing.F)  { records(f, "server", "nft", "ufw", "firewalld") }
func FuzzIPTables(f *testing.F)  { records(f, "server", "ipt", "ip6t") }
func FuzzHIDS(f *testing.F)      { records(f, "ossec-agent", "hids", "hids.init", "exe") }
func FuzzHIDSFiles(f *testing.F) { records(f, "ossec-agent", "hids.conf", "hids.log", "hids.scan") }
func FuzzWazuhFiles(f *testing.F) {
	records(f, "wazuh-agent", "hids.state", "hids.version", "hids.control")
}
func FuzzDeepSecurity(f *testing.F) {
	records(f, "deep-security", "dsa", "dsa.status", "dsa.component")
}
func FuzzServerProtect(f *testing.F) { records(f, "serverprotect", "splx", "splx.conf", "splx.scan") }
func FuzzServerTimes(f *testing.F)   { records(f, "serverprotect", "splx.time", "mod") }

func FuzzClamAV(f *testing.F)      { records(f, "clamav", "clamav", "exe") }
func FuzzAuditd(f *testing.F)      { records(f, "auditd", "auditd", "exe") }
func FuzzAIDE(f *testing.F)        { records(f, "aide", "aide") }
func FuzzDefender(f *testing.F)    { records(f, "defender", "mdatp", "exe") }
func FuzzCrowdStrike(f *testing.F) { records(f, "crowdstrike", "crowdstrike", "exe") }
func FuzzSentinelOne(f *testing.F) { records(f, "sentinelone", "sentinelone", "exe") }
func FuzzGuardDuty(f *testing.F)   { records(f, "guardduty", "guardduty") }

// FuzzOthers throws text at what was asked for by name, and asks for it.
func FuzzOthers(f *testing.F) {
	for _, r := range others().Records {
		if r.Name == "other" {
			f.Add(r.Text, "falco", "falco.service", "/usr/bin/falco")
		}
	}
	f.Add("program\nasked\npackage\nunit x masked\nprocs", "", "", "")
	f.Fuzz(func(t *testing.T, text, pkg, unit, file string) {
		e, err := evidence.Parse(others().with("other", text).line(t), expect())
		if err != nil {
			return
		}
		harmless(t, e)
		p := e.Other("other:x", evidence.Signs{Package: pkg, Unit: unit, Binary: file, Process: file})
		if p.Running.State.Or("") == "running" && len(p.Running.Missing) > 0 {
			t.Errorf("running without %v", p.Running.Missing)
		}
	})
}

// system fuzzes records of facts that are collected on demand.
func system(f *testing.F, words string, names ...string) {
	base := load(f, "debian-12")
	base.Want += words + ","
	base.Ask = "file:/etc/passwd,package:bash,sysctl:kernel.randomize_va_space"
	fuzzRecords(f, base, names...)
}

func FuzzReboot(f *testing.F)   { system(f, "reboot,updates", "reboot", "updates", "updates.time") }
func FuzzMAC(f *testing.F)      { system(f, "mac,time", "mac", "time") }
func FuzzAccounts(f *testing.F) { system(f, "accounts", "acc", "acc.shadow") }
func FuzzSSHD(f *testing.F)     { system(f, "sshd", "sshd") }
func FuzzKernel(f *testing.F)   { system(f, "kernel,modules", "kernel", "modules") }
func FuzzFiles(f *testing.F)    { system(f, "files,packages,cron", "files", "packages", "cron") }
func FuzzTamper(f *testing.F)   { system(f, "tamper,modules,suid", "tamper", "suid", "modules") }
