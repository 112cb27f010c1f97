package plain_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/plain"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "  ": "", "Grüße, 世界 1.0": "Grüße, 世界 1.0", " a\r\n\r\n b\t\v\f\u0085\u00a0\u2028\u2029\u3000c ": "a b c",
		"\x1b[2J\x00\x7f": `\x1b[2J\x00\x7f`, "\u009b1m": `\u009b1m`, "\u202egpj.exe": `\u202egpj.exe`, "a\u200b\ufeff": `a\u200b\ufeff`,
		"\U000e0041": `\U000e0041`, "\xff\xfe": "\ufffd\ufffd", "\ufffd": "\ufffd", "e\u0301": "e\u0301",
		"e\u0301\u0301\u0301\u0301 \u0301": "e\u0301\u0301\u0301\\u0301 \u0301",
	} {
		if got := plain.Line(text, 100); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
		if got := plain.Cut(text, 100, "..."); got != want {
			t.Errorf("Cut(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0123456789": "0123456789", "0123456789a": "0123456789... (1 more bytes)", "012345678 é": "012345678 ... (2 more bytes)",
		strings.Repeat("é", 1<<20): strings.Repeat("é", 10) + "... (2097132 more bytes)",
	} {
		if got := plain.Line(text, 10); got != want {
			t.Errorf("Line(%.20q, 10) = %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"0123456789": "0123456789", "0123456789a": "0123456...", "012345é789": "012345...", "ééééé": "ééééé", "ééééé " + strings.Repeat(" ", 1<<20): "ééééé",
		strings.Repeat("é", 1<<20): "ééé...",
	} {
		if got := plain.Cut(text, 10, "..."); got != want {
			t.Errorf("Cut(%.20q, 10) = %q, want %q", text, got, want)
		}
	}
	if got := plain.Cut("0123456789a", 10, " [cut]"); got != "0123 [cut]" {
		t.Errorf("Cut = %q", got)
	}
}

// Whatever a text says, it is one line of characters that can be seen, within its limit, and making it harmless again changes nothing.
func TestLinesAreHarmless(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("ab 世\u0301\u00a0\x1b\u202e\r\n\u2028\ufffd\U000e0041")), 0, 200, -1)).Draw(t, "text")
		most := rapid.IntRange(10, 80).Draw(t, "most")
		for name, got := range map[string]string{"Line": plain.Line(text, most), "Cut": plain.Cut(text, most, "..."), "Terminal": plain.Terminal(text)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%s(%q) = %q", name, text, got)
			}
		}
		if got := plain.Cut(text, most, "..."); len(got) > most || plain.Cut(got, most, "...") != got {
			t.Fatalf("Cut(%q, %d) = %q", text, most, got)
		}
		if got := plain.Line(text, 1000); plain.Line(got, 10_000) != got {
			t.Fatalf("Line(%q) = %q, and another time %q", text, got, plain.Line(got, 10_000))
		}
		if got := plain.Terminal(text); utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
			t.Fatalf("Terminal(%q) = %q", text, got)
		}
	})
}

func TestJSONSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "Grüße", "a\u009b1m\u202eb", "\U000e0041\u2028", `quoted "and" \ escaped`} {
		asJSON, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := plain.JSON(string(asJSON))
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("JSON(%q) = %q", text, got)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != text {
			t.Errorf("JSON(%q) is read as %q, %v", text, back, err)
		}
	}
}
