package show_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

const ugly = "a\x1b[2J\x07\u009b1m\u202eb\U000e0001\r\nc\td\xff"

func harmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q has %U", text, r)
		}
	}
}

func TestTextIsHarmless(t *testing.T) {
	t.Parallel()
	if got := show.Harmless(ugly); got != "a?[2J??1m?b???c?d?" && got != "a?[2J??1m?b???c?d\ufffd" {
		t.Errorf("Harmless = %q", got)
	}
	if got := show.Harmless("Grüße, 世界 1.0"); got != "Grüße, 世界 1.0" {
		t.Errorf("Harmless changed plain text to %q", got)
	}
	var out bytes.Buffer
	p := show.New(&out, false)
	p.Line("%s", ugly)
	p.Table([]string{"NAME", "WHY"}, [][]string{{ugly, ugly}, {"x", "y"}}, "")
	p.Table(nil, nil, "Nothing.")
	harmless(t, out.String())
	if n := strings.Count(out.String(), "\n"); n != 5 {
		t.Errorf("%d lines, want 5:\n%s", n, out.String())
	}
}

func TestJSONIsHarmlessAndSaysTheSame(t *testing.T) {
	t.Parallel()
	want := map[string]string{ugly[:len(ugly)-1]: "<&>" + ugly[:len(ugly)-1], "plain": "Grüße"}
	var out bytes.Buffer
	if err := show.New(&out, true).Value(want, func() { t.Error("a table was printed") }); err != nil {
		t.Fatal(err)
	}
	harmless(t, out.String())
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := show.New(&out, true).Value(func() {}, nil); err == nil {
		t.Error("what is no JSON was printed")
	}
}

func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 13, 4, 5, 6, time.FixedZone("CET", 3600))
	if got := show.Time(at) + " " + show.Time(time.Time{}) + " " + show.Or("", "none") + " " + show.Or("x", "none"); got != "2026-03-01 12:04:05Z - none x" {
		t.Errorf("got %q", got)
	}
}

func FuzzHarmlessJSON(f *testing.F) {
	f.Add(ugly)
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		safe := show.HarmlessJSON(string(text))
		harmless(t, safe)
		var a, b string
		if err := json.Unmarshal(text, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(safe), &b); err != nil || a != b {
			t.Errorf("%q became %q, %v", a, b, err)
		}
	})
}
