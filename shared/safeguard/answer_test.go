package safeguard_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/safeguard"
)

const nonce = "0123456789abcdef0123456789abcdef"

var (
	names = safeguard.Names{Units: []string{"app.service"}, Mounts: []string{"/data"}, Mappings: []string{"data"}}
	asked = safeguard.Asked{Action: safeguard.Lock, Nonce: nonce, Names: names}
)

func line(document string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(document))
	z.Close()
	packed := base64.StdEncoding.EncodeToString(b.Bytes())
	return fmt.Sprintf("KWL1 %d OK %s\n", len(packed), packed)
}

func document(steps string) string {
	return `{"v":1,"nonce":"` + nonce + `","action":"lock","uid":0,"steps":[` + steps + `]}`
}

const (
	unit    = `{"k":"unit","n":"app.service","before":"active","after":"inactive","r":"done"}`
	mount   = `{"k":"mount","n":"/data","before":"mounted","after":"unmounted","r":"done"}`
	mapping = `{"k":"mapping","n":"data","before":"open","after":"closed","r":"done"}`
	flush   = `{"k":"flush","n":"buffers","before":"","after":"","r":"done"}`
)

func TestParse(t *testing.T) {
	t.Parallel()
	a, err := safeguard.Parse("noise\n"+line(document(flush+","+unit+","+mount+","+mapping)), asked)
	if err != nil {
		t.Fatal(err)
	}
	want := safeguard.Answer{Action: safeguard.Lock, Root: true, Steps: []safeguard.Step{
		{Kind: safeguard.Buffers, Name: "buffers", Result: "done"},
		{Kind: safeguard.Unit, Name: "app.service", Before: "active", After: "inactive", Result: "done"},
		{Kind: safeguard.Mount, Name: "/data", Before: "mounted", After: "unmounted", Result: "done"},
		{Kind: safeguard.Mapping, Name: "data", Before: "open", After: "closed", Result: "done"},
	}}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if ok, why := safeguard.Locked(names, a); !ok || why != "" || !a.Flushed() {
		t.Errorf("Locked = %t, %q", ok, why)
	}
	if got := a.Text(); got != "app.service inactive, /data unmounted, data closed" {
		t.Errorf("Text = %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := document(unit)
	for name, c := range map[string]struct {
		output string
		want   evidence.Reason
	}{
		"nothing":         {"", evidence.NoLine},
		"an inspection":   {strings.Replace(line(good), "KWL1", "KWE1", 1), evidence.NoLine},
		"two lines":       {line(good) + line(good), evidence.DoubledLine},
		"cut":             {line(good)[:40], evidence.CutLine},
		"no JSON":         {line("{"), evidence.BadJSON},
		"a list":          {line("[]"), evidence.BadJSON},
		"another version": {line(strings.Replace(good, `"v":1`, `"v":2`, 1)), evidence.WrongVersion},
		"another nonce":   {line(strings.Replace(good, nonce, "f"+nonce[1:], 1)), evidence.WrongNonce},
		"no nonce":        {line(`{"v":1,"action":"lock"}`), evidence.WrongNonce},
		"another action":  {line(strings.Replace(good, `"lock"`, `"status"`, 1)), evidence.WrongNonce},
		"left out":        {strings.Replace(line(good), " OK ", " CUT ", 1), evidence.TooLarge},
		"too many steps":  {line(document(strings.Repeat(unit+",", 64) + unit)), evidence.TooLarge},
		"too large":       {strings.Repeat("x", 65<<10), evidence.TooLarge},
		"not asked for":   {line(document(strings.Replace(unit, "app", "sshd", 1))), evidence.BadJSON},
		"unknown kind":    {line(document(strings.Replace(unit, `"unit"`, `"file"`, 1))), evidence.BadJSON},
		"twice":           {line(document(unit + "," + strings.Replace(unit, "inactive", "active", 1))), evidence.BadJSON},
		"other buffers":   {line(document(strings.Replace(flush, "buffers", "x", 1))), evidence.BadJSON},
	} {
		_, err := safeguard.Parse(c.output, asked)
		if r := (*evidence.Refusal)(nil); !errors.As(err, &r) || r.Reason != c.want {
			t.Errorf("%s: Parse = %v, want it refused: %s", name, err, c.want)
		}
	}
}

// What is not shown at rest is not locked, whatever the machine says it did.
func TestNotLocked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ steps, why string }{
		"nothing said":      {flush, "unit app.service: the machine says nothing of it"},
		"still active":      {strings.Replace(unit, "inactive", "active", 1) + "," + mount + "," + mapping, "unit app.service is active"},
		"stopping":          {strings.Replace(unit, "inactive", "deactivating", 1) + "," + mount + "," + mapping, "unit app.service is deactivating"},
		"a word of its own": {strings.Replace(unit, "inactive", "locked", 1) + "," + mount + "," + mapping, "unit app.service: the machine does not say its state"},
		"unreadable":        {unit + "," + strings.Replace(mount, "unmounted", "unreadable", 1) + "," + mapping, "mount /data is unreadable"},
		"in use": {unit + "," + `{"k":"mount","n":"/data","before":"mounted","after":"mounted","r":"failed","why":"exit_32\u001b[2J\u00e9"}` + "," + mapping,
			"mount /data is mounted (exit_32?[2J?)"},
		"open": {unit + "," + mount + "," + strings.Replace(mapping, "closed", "open", 1), "mapping data is open"},
	} {
		a, err := safeguard.Parse(line(document(c.steps)), asked)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if ok, why := safeguard.Locked(names, a); ok || why != c.why {
			t.Errorf("%s: Locked = %t, %q, want %q", name, ok, why, c.why)
		}
	}
	for _, rest := range []string{"inactive", "failed", "absent"} {
		a, err := safeguard.Parse(line(document(strings.Replace(unit, "inactive", rest, 1)+","+mount+","+mapping)), asked)
		if ok, why := safeguard.Locked(names, a); err != nil || !ok {
			t.Errorf("unit %s: Locked = %t, %q, %v", rest, ok, why, err)
		}
	}
}

func TestUnlocked(t *testing.T) {
	t.Parallel()
	before := safeguard.Names{Units: []string{"app.service"}, Mounts: []string{"/data"}, Mappings: []string{"data"}}
	answer := func(u, m, p string) safeguard.Answer {
		return safeguard.Answer{Action: safeguard.Unlock, Steps: []safeguard.Step{
			{Kind: safeguard.Mount, Name: "/data", After: m}, {Kind: safeguard.Unit, Name: "app.service", After: u}, {Kind: safeguard.Mapping, Name: "data", After: p},
		}}
	}
	for name, c := range map[string]struct {
		a   safeguard.Answer
		ok  bool
		why string
	}{
		"all":         {answer("active", "mounted", "open"), true, ""},
		"starting":    {answer("activating", "mounted", "open"), true, ""},
		"closed":      {answer("active", "mounted", "closed"), true, "; closed until somebody opens it with its key: data"},
		"not mounted": {answer("active", "unmounted", "closed"), false, "mount /data is unmounted; closed until somebody opens it with its key: data"},
		"not started": {answer("failed", "mounted", "open"), false, "unit app.service is failed"},
		"nothing":     {safeguard.Answer{}, false, "mount /data: the machine says nothing of it"},
	} {
		if ok, why := safeguard.Unlocked(before, c.a); ok != c.ok || why != c.why {
			t.Errorf("%s: Unlocked = %t, %q, want %t, %q", name, ok, why, c.ok, c.why)
		}
	}
	if ok, _ := safeguard.Unlocked(safeguard.Names{}, safeguard.Answer{}); !ok {
		t.Error("what stopped nothing has nothing to bring back")
	}
}

func TestRunning(t *testing.T) {
	t.Parallel()
	a := safeguard.Answer{Steps: []safeguard.Step{
		{Kind: safeguard.Unit, Name: "a.service", Before: "active"}, {Kind: safeguard.Unit, Name: "b.service", Before: "reloading"},
		{Kind: safeguard.Unit, Name: "c.service", Before: "inactive"}, {Kind: safeguard.Unit, Name: "d.service", Before: ""},
		{Kind: safeguard.Mount, Name: "/data/x", Before: "mounted"}, {Kind: safeguard.Mount, Name: "/data", Before: "mounted"}, {Kind: safeguard.Mount, Name: "/z", Before: "unmounted"},
		{Kind: safeguard.Mapping, Name: "data", Before: "open"}, {Kind: safeguard.Mapping, Name: "old", Before: "closed"},
	}}
	want := safeguard.Names{Units: []string{"b.service", "a.service"}, Mounts: []string{"/data", "/data/x"}, Mappings: []string{"data"}}
	if diff := cmp.Diff(want, safeguard.Running(a)); diff != "" {
		t.Errorf("Running, in the order of an unlock (-want +got):\n%s", diff)
	}
	joined := safeguard.Running(a).Joined(safeguard.Names{Units: []string{"c.service", "a.service"}})
	if diff := cmp.Diff([]string{"c.service", "a.service", "b.service"}, joined.Units); diff != "" {
		t.Errorf("Joined (-want +got):\n%s", diff)
	}
	if (safeguard.Names{}).Empty() != true || want.Empty() {
		t.Error("Empty is wrong")
	}
}

// FuzzParse throws text at the answer. What is accepted is about what was asked for, in known words.
func FuzzParse(f *testing.F) {
	f.Add(document(flush + "," + unit + "," + mount + "," + mapping))
	f.Add(document(strings.Repeat("{},", 20) + "{}"))
	f.Add(`{"v":1,"nonce":"` + nonce + `","action":"lock","uid":1e3,"steps":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, output := range []string{text, line(text)} {
			a, err := safeguard.Parse(output, asked)
			if err != nil {
				if r := (*evidence.Refusal)(nil); !errors.As(err, &r) {
					t.Fatalf("Parse = %v, want a refusal", err)
				}
				continue
			}
			for _, s := range a.Steps {
				if len(s.Why) > 240 || strings.ContainsFunc(s.Why+s.Before+s.After, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("step %+v", s)
				}
			}
			if ok, _ := safeguard.Locked(names, a); ok && len(a.Steps) < 3 {
				t.Fatalf("locked by %+v", a)
			}
		}
	})
}
