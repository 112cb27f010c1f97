package evidence_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := bare().line(t)
	payload := strings.Fields(good)[3]
	wrap := func(p string) string { return fmt.Sprintf("KWE1 %d OK %s\n", len(p), p) }
	old := bare()
	old.Nonce = "ffffffffffffffffffffffffffffffff"
	empty := bare()
	empty.Nonce = ""
	v2 := bare()
	v2.Version = 2
	noTime := bare()
	noTime.At = "soon +0000"
	noEnd := bare()
	noEnd.End = 1 << 60
	twice := bare()
	twice.Records = append(twice.Records, record{Name: "net"})
	nameless := bare()
	nameless.Records = append(nameless.Records, record{})
	many := bare()
	for i := range 200 {
		many = many.with(fmt.Sprintf("x%d", i), "")
	}
	for name, c := range map[string]struct {
		output string
		want   evidence.Reason
	}{
		"nothing":                   {"", evidence.NoLine},
		"only noise":                {"hello\nKWE2 1 OK a\n", evidence.NoLine},
		"line not at its beginning": {"x " + good, evidence.NoLine},
		"tag glued to something":    {"KWE11 " + good[5:], evidence.NoLine},
		"two lines":                 {good + good, evidence.DoubledLine},
		"a good and a bare tag":     {good + "KWE1\n", evidence.DoubledLine},
		"bare tag":                  {"KWE1\n", evidence.CutLine},
		"cut in the length":         {"KWE1 63", evidence.CutLine},
		"cut in the payload":        {good[:len(good)-20], evidence.CutLine},
		"cut by SSM's list":         {good[:200] + "\n---Output truncated---", evidence.CutLine},
		"cut by the agent":          {good[:200] + "--output truncated--", evidence.CutLine},
		"payload too long":          {strings.TrimSuffix(good, "\n") + "AAAA", evidence.BadLength},
		"length is no number":       {"KWE1 -5 OK " + payload, evidence.BadLength},
		"length is huge":            {"KWE1 99999999999999999999 OK " + payload, evidence.BadLength},
		"unknown state":             {fmt.Sprintf("KWE1 %d FINE %s", len(payload), payload), evidence.BadLine},
		"fifth word":                {strings.TrimSuffix(good, "\n") + " x", evidence.BadLine},
		"not base64":                {wrap("!!!!"), evidence.BadEncoding},
		"bad base64 padding":        {wrap("AAAAB==="), evidence.BadEncoding},
		"not gzip":                  {wrap(base64.StdEncoding.EncodeToString([]byte("hello"))), evidence.BadCompression},
		"gzip without its end":      {wrap(base64.StdEncoding.EncodeToString(pack(t, bare().json(t))[:100])), evidence.BadCompression},
		"gzip bomb":                 {line(t, "OK", bytes.Repeat([]byte(" "), 20<<20)), evidence.TooLarge},
		"10 MB of output":           {strings.Repeat("x", 10<<20), evidence.TooLarge},
		"not JSON":                  {line(t, "OK", []byte("hello")), evidence.BadJSON},
		"JSON of another shape":     {line(t, "OK", []byte(`{"v":"1"}`)), evidence.BadJSON},
		"deep JSON":                 {line(t, "OK", bytes.Repeat([]byte("["), 100_000)), evidence.BadJSON},
		"another version":           {v2.line(t), evidence.WrongVersion},
		"an old nonce":              {old.line(t), evidence.WrongNonce},
		"no nonce":                  {empty.line(t), evidence.WrongNonce},
		"no start":                  {noTime.line(t), evidence.BadJSON},
		"end beyond the calendar":   {noEnd.line(t), evidence.BadJSON},
		"a record twice":            {twice.line(t), evidence.BadJSON},
		"a record without name":     {nameless.line(t), evidence.BadJSON},
		"too many records":          {many.line(t), evidence.BadJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := evidence.Parse(c.output, expect())
			got, ok := evidence.Refused(err)
			if e != nil || !ok || got != c.want {
				t.Errorf("Parse = %v, %v, want refusal %s", e, err, c.want)
			}
		})
	}
}

// An answer to no nonce at all must not pass when the caller forgot its own.
func TestParseNeedsANonce(t *testing.T) {
	t.Parallel()
	g, want := bare(), expect()
	g.Nonce, want.Nonce = "", ""
	if _, err := evidence.Parse(g.line(t), want); err == nil {
		t.Error("Parse accepted an empty nonce")
	}
}

func TestParseCapsAreTheCallers(t *testing.T) {
	t.Parallel()
	want := expect()
	want.MaxOutput = 100
	if _, err := evidence.Parse(bare().line(t), want); err == nil {
		t.Error("Parse accepted more than MaxOutput")
	}
	want.MaxOutput, want.MaxDocument = 0, 100
	if got, _ := evidence.Refused(second(evidence.Parse(bare().line(t), want))); got != evidence.TooLarge {
		t.Errorf("Parse refused with %q, want too_large", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestRefusal(t *testing.T) {
	t.Parallel()
	_, err := evidence.Parse("KWE1 4 OK \x1b[1m", expect())
	if got := err.Error(); got != "refusing the machine's answer: bad_encoding" {
		t.Errorf("Error() = %q, want the reason and nothing from the machine", got)
	}
	if errors.Unwrap(err) == nil {
		t.Error("Unwrap() = nil, want the decoder's error for the log")
	}
	if _, ok := evidence.Refused(errors.New("other")); ok {
		t.Error("Refused(other error) = true")
	}
}

func TestParseFindsTheLineInNoise(t *testing.T) {
	t.Parallel()
	good := strings.TrimSuffix(bare().line(t), "\n")
	for name, output := range map[string]string{
		"profile noise":     "Welcome\n\n" + good + "\nbye\n",
		"carriage return":   good + "\r\n",
		"no newline at end": good,
		"stderr after it":   good + "\n----------ERROR-------\nsome warning",
	} {
		if _, err := evidence.Parse(output, expect()); err != nil {
			t.Errorf("%s: Parse = %v", name, err)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	all, narrow := bare(), bare().without("hids").without("dsa").without("splx").without("nft")
	narrow.Want = ",os,listeners,mounts,"
	for name, c := range map[string]struct {
		output string
		want   bool
	}{
		"whole":                        {all.line(t), true},
		"the guest dropped records":    {line(t, "CUT", all.json(t)), false},
		"a record is cut":              {all.cut("mnt", "").line(t), false},
		"a record fell to the budget":  {all.skip("splx", "budget").line(t), false},
		"a record is missing":          {all.without("net").line(t), false},
		"not asked for is not missing": {narrow.line(t), true},
		"not root is not incomplete":   {all.user().skip("nft", "not_root").line(t), true},
		"a failed command is not cut":  {all.rc("nft", "", 1).line(t), true},
	} {
		e, err := evidence.Parse(c.output, expect())
		if err != nil {
			t.Errorf("%s: Parse = %v", name, err)
			continue
		}
		if got := e.Collect.Complete; got != evidence.Known(c.want) {
			t.Errorf("%s: Complete = %v, want %v", name, got, c.want)
		}
	}
}

func TestRecordStates(t *testing.T) {
	t.Parallel()
	g := bare().with("a", "four").skip("b", "absent").skip("c", "not_root").skip("d", "unsafe_path").
		skip("e", "Something else!").cut("f", "x").rc("g", "", 124).rc("h", "", 143).rc("i", "", 3).
		rc("j", "ok", 0).skip("k", "no_tool").skip("l", "budget")
	got := map[string]string{}
	for _, r := range g.parse(t).Collect.Records {
		got[r.Name] = fmt.Sprint(r.State, " ", r.Code, " ", r.Bytes)
	}
	for name, want := range map[string]string{
		"a": "ok -1 4", "b": "absent -1 0", "c": "denied -1 0", "d": "unsafe -1 0", "e": "error -1 0", "f": "cut -1 1",
		"g": "timeout 124 0", "h": "timeout 143 0", "i": "error 3 0", "j": "ok 0 2", "k": "absent -1 0", "l": "cut -1 0",
	} {
		if got[name] != want {
			t.Errorf("record %s = %q, want %q", name, got[name], want)
		}
	}
}

// One page of SSM's list holds about 50 answers only while each stays below 2,400 characters. This
// is a server with everything that a plain one has: listeners, owners, a firewall, an agent.
func TestPlainServerFitsTheList(t *testing.T) {
	t.Parallel()
	g, agent := load(t, "server"), load(t, "ossec-agent")
	var sockets, exes []string
	for i := range 12 {
		pid := 700 + i*37
		sockets = append(sockets, fmt.Sprintf("tcp6 00000000000000000000000000000000:%04X %d %d", 8000+i*113, i*7, pid))
		exes = append(exes, fmt.Sprintf("%d = /usr/lib/service-%d/bin/daemon%d", pid, i*31, i*17))
	}
	g = g.edit("net", "udp6 ", strings.Join(sockets, "\n")+"\nudp6 ").edit("exe", "801 =", strings.Join(exes, "\n")+"\n801 =")
	for _, r := range agent.Records {
		if strings.HasPrefix(r.Name, "hids") {
			g = g.put(r)
		}
		if r.Name == "exe" {
			g = g.edit("exe", "801 =", r.Text+"\n801 =")
		}
	}
	output := g.line(t)
	if _, err := evidence.Parse(output, expect()); err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d characters", len(output)); len(output) > 2400 {
		t.Errorf("a plain server's line has %d characters, want at most 2,400", len(output))
	}
}
