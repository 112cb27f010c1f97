package evidence_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

const nonce = "0123456789abcdef0123456789abcdef"

// The guest starts at start by its clock, two seconds after the command was sent by ours.
var start = time.Date(2026, 11, 23, 4, 30, 2, 0, time.UTC)

func expect() evidence.Expect {
	return evidence.Expect{
		Machine: "i-1234567890abcdef0", CommandID: "11111111-2222-3333-4444-555555555555", Nonce: nonce,
		Sent: start.Add(-2 * time.Second), Received: start.Add(10 * time.Second),
	}
}

// record is one raw record of a guest.
type record struct {
	Name string `json:"n"`
	Text string `json:"t"`
	Skip string `json:"s,omitempty"`
	Code *int   `json:"rc,omitempty"`
	Cut  bool   `json:"cut,omitempty"`
}

// guest is a machine's answer as the script would put it together.
type guest struct {
	Version int      `json:"v"`
	Nonce   string   `json:"nonce"`
	Probe   string   `json:"probe"`
	Want    string   `json:"want"`
	Ask     string   `json:"ask,omitempty"`
	At      string   `json:"at"`
	UID     int      `json:"uid"`
	End     int64    `json:"end"`
	Records []record `json:"r"`
}

const everything = ",os,listeners,firewall,mounts,ossec,wazuh,deepsecurity,serverprotect," +
	"clamav,mdatp,crowdstrike,sentinelone,guardduty,aide,auditd,"

// bare is a machine as root sees it on which nothing is installed.
func bare() guest {
	return guest{
		Version: 1, Nonce: nonce, Probe: "linux-sh/1.0.0", Want: everything,
		At: fmt.Sprintf("%d +0100", start.Unix()), End: start.Unix() + 1,
	}.with("sys", "uname 6.1.0-18-amd64 x86_64").with("os", "ID=debian").with("net", "").with("exe", "").
		with("mod", "").with("mnt", "").with("blk", "").with("hids", "init absent\ndir absent /var/ossec").
		with("dsa", "dir absent").with("splx", "dir absent").with("clamav", "").with("mdatp", "dir /opt/microsoft/mdatp").
		with("crowdstrike", "dir /opt/CrowdStrike").with("sentinelone", "dir /opt/sentinelone").
		with("guardduty", "procs amazon-guardduty-agent.service\npackage amazon-guardduty-agent absent").with("aide", "").with("auditd", "").skip("ufw", "absent").skip("firewalld", "absent").
		with("nft", "rules 0").skip("ipt", "unloaded").skip("ip6t", "unloaded")
}

func (g guest) put(r record) guest {
	out := g
	out.Records = nil
	replaced := false
	for _, old := range g.Records {
		if old.Name == r.Name {
			old, replaced = r, true
		}
		out.Records = append(out.Records, old)
	}
	if !replaced {
		out.Records = append(out.Records, r)
	}
	return out
}

func (g guest) with(name, text string) guest   { return g.put(record{Name: name, Text: text}) }
func (g guest) skip(name, why string) guest    { return g.put(record{Name: name, Skip: why}) }
func (g guest) cut(name, text string) guest    { return g.put(record{Name: name, Text: text, Cut: true}) }
func (g guest) user() guest                    { g.UID = 1000; return g }
func (g guest) rc(name, t string, c int) guest { return g.put(record{Name: name, Text: t, Code: &c}) }

func (g guest) without(name string) guest {
	out := g
	out.Records = nil
	for _, r := range g.Records {
		if r.Name != name {
			out.Records = append(out.Records, r)
		}
	}
	return out
}

// load reads a fixture: lines that say where it is from, and then a line "== NAME [s=WHY] [rc=N] [cut]" before the text of each record. Records
// that a fixture does not have are those of bare.
func load(tb testing.TB, name string) guest { return loadOnto(tb, bare(), name) }

func loadOnto(tb testing.TB, g guest, name string) guest {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name + ".records")
	if err != nil {
		tb.Fatal(err)
	}
	for part := range strings.SplitSeq("\n"+string(text), "\n== ") {
		head, body, _ := strings.Cut(part, "\n")
		words := strings.Fields(head)
		if len(words) == 0 || words[0] == "#" { // what a fixture says of itself
			continue
		}
		g = g.put(parseHead(tb, words, strings.TrimSuffix(body, "\n")))
	}
	return g
}

func parseHead(tb testing.TB, words []string, text string) record {
	tb.Helper()
	r := record{Name: words[0], Text: text}
	for _, w := range words[1:] {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "s":
			r.Skip = v
		case "cut":
			r.Cut = true
		case "rc":
			n, err := strconv.Atoi(v)
			if err != nil {
				tb.Fatal(err)
			}
			r.Code = &n
		}
	}
	return r
}

func (g guest) json(tb testing.TB) []byte {
	tb.Helper()
	b, err := json.Marshal(g)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (g guest) line(tb testing.TB) string { return line(tb, "OK", g.json(tb)) }

func line(tb testing.TB, state string, text []byte) string {
	tb.Helper()
	payload := base64.StdEncoding.EncodeToString(pack(tb, text))
	return fmt.Sprintf("KWE1 %d %s %s\n", len(payload), state, payload)
}

func pack(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func (g guest) parse(tb testing.TB) *evidence.Evidence {
	tb.Helper()
	e, err := evidence.Parse(g.line(tb), expect())
	if err != nil {
		tb.Fatalf("Parse = %v", err)
	}
	harmless(tb, e)
	return e
}

// harmless checks that no text in the evidence could hurt whoever shows or stores it.
func harmless(tb testing.TB, e *evidence.Evidence) {
	tb.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		tb.Fatalf("evidence cannot be written as JSON: %v", err)
	}
	var again evidence.Evidence
	if err := json.Unmarshal(b, &again); err != nil {
		tb.Fatalf("evidence cannot be read back: %v", err)
	}
	if e.Digest() != again.Digest() {
		tb.Errorf("digest changes when the evidence is stored and read")
	}
	var any any
	if err := json.Unmarshal(b, &any); err != nil {
		tb.Fatal(err)
	}
	walk(tb, any)
}

func walk(tb testing.TB, v any) {
	tb.Helper()
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			walk(tb, x)
		}
	case []any:
		if len(v) > evidence.MaxListeners {
			tb.Errorf("list of %d, want at most %d", len(v), evidence.MaxListeners)
		}
		for _, x := range v {
			walk(tb, x)
		}
	case string:
		if len(v) > evidence.MaxText {
			tb.Errorf("text of %d characters, want at most %d", len(v), evidence.MaxText)
		}
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			tb.Errorf("text %q is not printable ASCII", v)
		}
	}
}
