package scenario_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// server is a Windows machine. What it says is the documented fixture of shared/evidence, not a capture of a
// real one, with the times of the story in it.
type server struct {
	withoutDefender bool
	many            bool // its answer is too long for SSM's list
}

const windowsFixture = "windows-server.records"

// records are the fixture's, with the ports that listen and as the server is.
func (s server) records(ports []int, now time.Time) []rawRecord {
	text, err := os.ReadFile(filepath.Join("..", "shared", "evidence", "testdata", windowsFixture))
	if err != nil {
		return nil
	}
	var all []rawRecord
	for part := range strings.SplitSeq("\n"+string(text), "\n== ") {
		head, body, _ := strings.Cut(part, "\n")
		name, more, _ := strings.Cut(head, " ")
		r := rawRecord{Name: name, Text: strings.TrimSuffix(body, "\n")}
		r.Skip, _ = strings.CutPrefix(more, "s=")
		switch name {
		case "":
			continue
		case "sys":
			r.Text = stamped(r.Text, "btime ", now.Add(-48*time.Hour))
		case "net":
			for _, p := range ports {
				r.Text += fmt.Sprintf("\ntcp 0.0.0.0 %d 4000", p)
			}
		case "exe":
			r.Text += "\n4000 = C:\\inetpub\\httpd.exe"
			if s.many {
				for pid := range 200 {
					var b [16]byte
					rand.Read(b[:]) // never fails
					r.Text += fmt.Sprintf("\n%d = C:\\Apps\\%s.exe", 5000+pid, hex.EncodeToString(b[:]))
				}
			}
		case "svc":
			if s.withoutDefender {
				r.Text = strings.Replace(r.Text, "Running", "Stopped", 1)
			}
		case "mp":
			r.Text = stamped(r.Text, "AntivirusSignatureLastUpdated ", now.Add(-12*time.Hour))
			if s.withoutDefender {
				r.Text = "error failed Failed HRESULT 0x800106ba"
			}
		}
		all = append(all, r)
	}
	return all
}

// stamped puts a time behind a word at the beginning of a line.
func stamped(text, word string, at time.Time) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, word) {
			line = word + fmt.Sprint(at.Unix())
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

const windowsRules = `
  - {rule: is a server of today, os: {is: windows, version: ">= 10.0.17763"}}
  - rule: defender protects
    product: {is: defender, state: protecting, definitions: {age: "<= 72h"}}
    fix: Start the service WinDefend`

// A Windows machine goes the whole way: inspected by its own step, judged by the rules of every machine, warned,
// revoked, restored.
func TestWindowsMachine(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{windows: true, rules: windowsRules})
	e := w.view().Evidence.Evidence
	if e.Platform != evidence.Windows || !e.Collect.Complete.Or(false) || !strings.HasPrefix(e.OS.Pretty.Value, "Microsoft Windows Server") {
		t.Errorf("evidence of %s, complete %v, %v", e.Platform, e.Collect.Complete, e.OS.Pretty)
	}
	w.guest.be(server{withoutDefender: true})
	v := w.check()
	w.wantStanding("Bad")
	w.wantText("warning", "defender protects")
	w.wantText("warning", "Start the service WinDefend")
	due := v.Machine.State.DueAt
	w.until(due.Add(5 * time.Minute))
	w.wantRevoked(due)
	w.guest.be(server{})
	w.check()
	w.forward(10 * time.Minute)
	w.wantStanding("Good")
	w.wantMails("warning", "revoked", "restored")
	// The rule about ports does not know what system it judges.
	w.guest.listen(port)
	if v = w.check(); v.Machine.State.Standing != "Bad" {
		t.Errorf("standing is %q with a forbidden port, want Bad", v.Machine.State.Standing)
	}
}

// An answer too long for the list is read alone, from the step that ran there.
func TestWindowsMachineWithALongAnswer(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{windows: true, rules: windowsRules})
	w.guest.be(server{many: true})
	w.guest.listen(port)
	w.check()
	w.wantStanding("Bad")
	if n := len(w.guest.said()[1]); n <= 2500 {
		t.Errorf("the answer has %d characters, want one that the list cuts", n)
	}
}

// What is not supported on Windows holds, says so, and takes nothing.
func TestWindowsMachineIsNotLocked(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct{ key, integrity, held string }{
		"lock":     {"lock: true", "safeguard: {units: [app.service]}", "lock-failed"},
		"snapshot": {"snapshot: true", "", "snapshot-failed"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{windows: true, key: c.key, integrity: c.integrity})
			due := w.violate()
			w.until(due.Add(5 * time.Minute))
			w.wantHeld(c.held)
			w.wantKept()
			w.wantText("held", "the lock document is for Linux")
			if got := w.guest.rest.actions(); got != "" {
				t.Errorf("the machine did %q, want nothing", got)
			}
		})
	}
}
