package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// software is what a Linux machine has of products. It is told only to who asks for it.
type software struct {
	clamd, falco string        // the file that runs under the name; empty when nothing does
	age          time.Duration // of ClamAV's database
}

// install changes what the machine has.
func (g *guest) install(s software) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.has = s
}

// on adds the records of what was asked for, as the script writes them.
func (s software) on(all []rawRecord, collect, ask string, now time.Time) []rawRecord {
	var exes string
	run := func(pid int, place, file string) {
		switch file {
		case "":
		case place:
			exes += fmt.Sprintf("%d = %s\n", pid, file)
		default:
			exes += fmt.Sprintf("%d n %s\n", pid, file)
		}
	}
	if strings.Contains(collect, "clamav") {
		run(700, "/usr/sbin/clamd", s.clamd)
		all = append(all, rawRecord{Name: "clamav", Text: "places /usr/sbin/clamd /usr/bin/freshclam /usr/sbin/clamonacc\nbin /usr/sbin/clamd\nbin /usr/bin/clamscan\n" +
			"unit clamav-daemon.service /usr/lib/systemd/system/clamav-daemon.service\nboot clamav-daemon.service\nconf ok /etc/clamav/clamd.conf\n" +
			"dir ok /var/lib/clamav\ndb ok /var/lib/clamav/daily.cld\nClamAV-VDB:" + now.Add(-s.age).UTC().Format("02 Jan 2006 15-04 -0700") + ":27500:1:90\n" +
			"cli ok\nversion ClamAV 1.4.3/27500\nversion.rc 0\nlog.rc 0"})
	}
	if strings.Contains(ask, "program:/usr/bin/falco") && strings.Contains(collect, "other") {
		run(701, "/usr/bin/falco", s.falco)
		all = append(all, rawRecord{Name: "other", Text: "program /usr/bin/falco bin /usr/bin/falco"})
	}
	for i := range all {
		if all[i].Name == "exe" {
			all[i].Text += exes
		}
	}
	return all
}

const productRules = `
  - rule: a scanner of today
    product: {is: clamav, state: running, version: ">= 1.0", definitions: {age: "<= 72h"}}
    fix: systemctl start clamav-daemon clamav-freshclam
  - rule: falco watches
    product: {is: "other:falco", state: running, process: /usr/bin/falco}`

// Products that only this policy asks for: what is collected for them, a decoy in the place of one, definitions that
// grow old, and the key's way out and back.
func TestProductsOfAPolicy(t *testing.T) {
	t.Parallel()
	sound := software{clamd: "/usr/sbin/clamd", falco: "/usr/bin/falco", age: 20 * time.Hour}
	w := empty(t, setup{rules: productRules})
	w.guest.install(sound)
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.check()
	w.wantStanding("Good")
	w.release()

	decoy := sound
	decoy.clamd = "/tmp/clamd"
	w.guest.install(decoy)
	w.check()
	w.wantStanding("Bad")
	w.wantText("warning", "a scanner of today")
	w.wantText("warning", "stopped, without clamd")
	w.wantText("warning", "systemctl start clamav-daemon")
	w.guest.install(sound)
	w.check()
	w.wantStanding("Good")
	w.wantKept()

	old := sound
	old.age = 80 * time.Hour
	w.guest.install(old)
	v := w.check()
	w.wantStanding("Bad")
	w.wantText("warning", "Found: definitions 80h")
	due := v.Machine.State.DueAt
	w.until(due.Add(5 * time.Minute))
	w.wantRevoked(due)
	w.guest.install(sound)
	w.check()
	w.forward(10 * time.Minute)
	w.wantStanding("Good")
	w.wantKeyBack()
}
