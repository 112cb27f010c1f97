package audit_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/audit"
	"github.com/keyward/keyward/shared/record"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func entry(machine, text string) record.Entry {
	return record.Entry{Machine: machine, At: noon, Kind: record.EntryVerdict, Text: text, Generation: 3, By: "keyward"}
}

// ledgers are two machines: one with two chains, one with one that grew after its head was read.
func ledgers() (map[string][]record.Entry, map[string]map[string]record.Head) {
	own, head := record.Link(record.Head{}, "", []record.Entry{entry("i-1", "Fail: <telnet>"), entry("i-1", "warned"), entry("i-1", "taken"), entry("i-1", "given back")})
	waivers, waived := record.Link(record.Head{}, record.ChainWaivers, []record.Entry{entry("i-1", "set"), entry("i-1", "lifted")})
	first, at := record.Link(record.Head{}, "", []record.Entry{entry("i-2", "enrolled")})
	more, _ := record.Link(at, "", []record.Entry{entry("i-2", "Pass")})
	return map[string][]record.Entry{"i-1": append(waivers, own...), "i-2": append(first, more...)},
		map[string]map[string]record.Head{"i-1": {"": head, record.ChainWaivers: waived}, "i-2": {"": at, record.ChainWaivers: {}}}
}

func exported(t testing.TB, edit func(entries map[string][]record.Entry, heads map[string]map[string]record.Head)) string {
	t.Helper()
	entries, heads := ledgers()
	if edit != nil {
		edit(entries, heads)
	}
	var out bytes.Buffer
	x := audit.NewExporter(&out)
	for _, id := range []string{"i-1", "i-2"} {
		if err := x.Machine(id, entries[id], heads[id]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func verified(t testing.TB, text string, past map[string]map[string]record.Head) audit.Report {
	t.Helper()
	r, err := audit.Verify(strings.NewReader(text), past)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAsItWasWritten(t *testing.T) {
	t.Parallel()
	text := exported(t, nil)
	r := verified(t, text, nil)
	if len(r.Problems) > 0 || r.End.Entries != 8 || r.End.Machines != 2 || len(r.End.Fingerprint) != 64 || r.Loose != 0 {
		t.Errorf("Verify = %+v", r)
	}
	heads, err := audit.Heads(strings.NewReader(text))
	if err != nil || len(heads) != 2 {
		t.Fatalf("Heads = %v, %v", heads, err)
	}
	if r := verified(t, text, heads); len(r.Problems) > 0 {
		t.Errorf("against itself: %v", r.Problems)
	}
	old := exported(t, func(e map[string][]record.Entry, _ map[string]map[string]record.Head) {
		e["i-2"] = append(e["i-2"], entry("i-2", "before there was a chain"))
	})
	if r := verified(t, old, nil); len(r.Problems) > 0 || r.Loose != 1 {
		t.Errorf("with an entry of no chain: %+v", r)
	}
}

// TestWhatIsWrongIsNamed: somebody who can write to the table changes it, and keeps what he can in order.
func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	own := func(e []record.Entry, n int64) int {
		return slices.IndexFunc(e, func(x record.Entry) bool { return x.Chain == "" && x.Number == n })
	}
	type entries = map[string][]record.Entry
	type heads = map[string]map[string]record.Head
	for name, tt := range map[string]struct {
		edit func(entries, heads)
		want string
	}{
		"a text was changed": {func(e entries, _ heads) { e["i-1"][own(e["i-1"], 2)].Text = "never warned" }, "line 2: i-1: entry 2 was changed"},
		"and its hash with it": {func(e entries, _ heads) {
			x := &e["i-1"][own(e["i-1"], 2)]
			x.Text = "never warned"
			x.Hash = x.Sum()
		}, "line 3: i-1: entry 3 names another one before it than entry 2"},
		"one is missing":        {func(e entries, _ heads) { i := own(e["i-1"], 3); e["i-1"] = slices.Delete(e["i-1"], i, i+1) }, "line 3: i-1: entry 3 is missing"},
		"the first are missing": {func(e entries, _ heads) { i := own(e["i-1"], 1); e["i-1"] = slices.Delete(e["i-1"], i, i+2) }, "line 1: i-1: entries 1 to 2 are missing"},
		"the last is missing":   {func(e entries, _ heads) { i := own(e["i-1"], 4); e["i-1"] = slices.Delete(e["i-1"], i, i+1) }, "i-1: it ends at entry 3, and its head is entry 4"},
		"two changed places": {func(e entries, _ heads) {
			a, b := own(e["i-1"], 2), own(e["i-1"], 3)
			e["i-1"][a].Number, e["i-1"][b].Number = 3, 2
		}, "line 2: i-1: entry 2 names another one before it"},
		"one is there twice":   {func(e entries, _ heads) { e["i-2"] = append(e["i-2"], e["i-2"][0]) }, "i-2: entry 1 comes after entry 1"},
		"another head":         {func(_ entries, h heads) { h["i-1"][""] = record.Head{Number: 4, Hash: "x"} }, "i-1: its head is another entry 4"},
		"a head less":          {func(_ entries, h heads) { delete(h["i-1"], record.ChainWaivers) }, "i-1 (waivers): it has entries up to 2 and no head"},
		"a waiver was changed": {func(e entries, _ heads) { e["i-1"][0].Text = "never set" }, "i-1 (waivers): entry 1 was changed"},
	} {
		r := verified(t, exported(t, tt.edit), nil)
		if len(r.Problems) == 0 || !strings.Contains(r.Problems[0], tt.want) {
			t.Errorf("%s: %q, want %q", name, r.Problems, tt.want)
		}
	}
}

// TestAgainstAnEarlierExport: who can write everything can write everything anew, but not what was exported before.
func TestAgainstAnEarlierExport(t *testing.T) {
	t.Parallel()
	_, past := ledgers()
	anew := exported(t, func(e map[string][]record.Entry, h map[string]map[string]record.Head) {
		e["i-1"], h["i-1"] = nil, nil
		e["i-2"], _ = record.Link(record.Head{}, "", []record.Entry{entry("i-2", "another story")})
		h["i-2"] = map[string]record.Head{"": {Number: 1, Hash: e["i-2"][0].Hash}}
	})
	if r := verified(t, anew, nil); len(r.Problems) > 0 {
		t.Fatalf("by itself it is in order: %v", r.Problems)
	}
	said := strings.Join(verified(t, anew, past).Problems, "\n")
	for _, want := range []string{
		"i-2: entry 1 is another one than in the earlier export",
		"i-1: entry 4, which an earlier export ends with, is missing",
		"i-1 (waivers): entry 2, which an earlier export ends with, is missing",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("problems %q, want %q", said, want)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	text := exported(t, nil)
	lines := strings.SplitAfter(text, "\n")
	for name, tt := range map[string]struct{ text, want string }{
		"empty":              {"", "line 1: the export ends here"},
		"cut":                {strings.Join(lines[:3], ""), "line 4: the export ends here"},
		"more":               {text + "x", "there is more after the last line"},
		"no JSON":            {"x\n" + text, "line 1: it cannot be read"},
		"another field":      {`{"entry":{"machine":"i-1","colour":"red"}}` + "\n" + text, "colour"},
		"spaces":             {strings.Replace(text, `{"entry"`, `{ "entry"`, 1), "line 1: it is not written as an export writes it"},
		"nothing on a line":  {"{}\n" + text, "line 1: expected an entry, heads or the end"},
		"a long line":        {strings.Repeat("x", 2<<20), "line 1: it is longer than"},
		"a machine less":     {strings.Join(append(slices.Clone(lines[:7]), lines[10:]...), ""), "it counts 2 machines and 8 entries, and there are 1 and 6"},
		"two machines moved": {strings.Join(slices.Concat(lines[7:10], lines[:7], lines[10:]), ""), "the fingerprint is"},
	} {
		if r := verified(t, tt.text, nil); len(r.Problems) == 0 || !strings.Contains(strings.Join(r.Problems, "\n"), tt.want) {
			t.Errorf("%s: %q, want %q", name, r.Problems, tt.want)
		}
	}
	if _, err := audit.Verify(iotest.ErrReader(io.ErrUnexpectedEOF), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that cannot be read: %v", err)
	}
	if _, err := audit.Heads(strings.NewReader("{}\nx")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("Heads of what is none: %v", err)
	}
	if err := audit.NewExporter(full{}).Machine("i-1", nil, nil); err == nil {
		t.Error("a full disk: no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestEveryFlippedBitIsFound: whichever of a file.
func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	text := exported(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		b := []byte(text)
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "byte")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if r := verified(t, string(b), nil); len(r.Problems) == 0 {
			rt.Fatalf("byte %d is %q instead of %q and nobody noticed", at, b[at], text[at])
		}
	})
}

// FuzzVerify: no file makes it panic, and one that is accepted is written by Export again as it was.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(exported(f, nil)))
	f.Add([]byte("{\"end\":{\"machines\":0,\"entries\":0,\"fingerprint\":\"\"}}\n"))
	f.Add([]byte("{\"heads\":{\"machine\":\"\",\"chains\":null}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := audit.Verify(bytes.NewReader(text), nil)
		if err != nil || len(r.Problems) > 0 {
			return
		}
		if !bytes.HasSuffix(text, []byte("}}\n")) || r.End.Fingerprint == "" {
			t.Errorf("accepted: %+v", r)
		}
	})
}
