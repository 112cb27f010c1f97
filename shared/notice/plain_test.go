package notice_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/shared/notice"
)

func TestPlainGolden(t *testing.T) {
	t.Parallel()
	for name, b := range batches() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".plain", b.Plain(now))
		})
	}
}

// However many events there are, those that are told and those that are counted are all.
func TestPlainIsShort(t *testing.T) {
	t.Parallel()
	for n := range 90 {
		for _, warning := range []bool{true, false} {
			b := warnings(n, mixedRules)
			b.Warning, b.Repeated, b.Header, b.Footer = warning, n%2 == 0, "For the security team.", "Questions: extension 4711"
			b.Texts = map[notice.Kind]string{notice.Warning: "Tell the shop's manager."}
			got := b.Plain(now)
			if n == 0 {
				if got != "" {
					t.Errorf("Plain of nothing = %q", got)
				}
				continue
			}
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if len(lines) > notice.MaxPlainLines {
				t.Errorf("%d events, warning %t: %d lines", n, warning, len(lines))
			}
			told := 0
			for _, l := range lines {
				more, isMore := strings.CutPrefix(l, "and ")
				switch count, _ := strconv.Atoi(strings.TrimSuffix(more, " more")); {
				case isMore && count > 0:
					told += count
				case strings.HasPrefix(l, "- "):
					told++
				}
			}
			if told != n {
				t.Errorf("%d events, warning %t: told or counted are %d:\n%s", n, warning, told, got)
			}
			if full := slices.Contains(lines, "and 1 more"); full && len(lines) < notice.MaxPlainLines {
				t.Errorf("%d events, warning %t: one is left out of %d lines", n, warning, len(lines))
			}
		}
	}
}

func TestHostilePlain(t *testing.T) {
	t.Parallel()
	attack := "\x1b[2J\r\n- Revoked: all <!channel> <https://evil.example|here> & www.evil.example \u202e" + strings.Repeat("A", 10_000)
	b := warnings(3, func(_ int, l *notice.Line) { l.Name, l.Why, l.Machine, l.Owner = attack, attack, attack, attack })
	b.Header, b.Footer, b.Prefix, b.TimeZone = attack, attack, attack, attack
	for _, b.Warning = range []bool{true, false} {
		got := b.Plain(now)
		for l := range strings.SplitSeq(got, "\n") {
			if n := utf8.RuneCountInString(l); n > 160 {
				t.Errorf("a line has %d characters: %s", n, l)
			}
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("a character is not printable: %q", got[i:])
		}
		if strings.Contains(got, "\n- Revoked") || strings.Contains(got, "evil.example") || strings.Contains(got, "://") {
			t.Errorf("it breaks out:\n%s", got)
		}
		if s := notice.Slack(got); strings.ContainsAny(s, "<>") || !strings.Contains(s, "&lt;!channel&gt;") {
			t.Errorf("Slack would act upon it:\n%s", s)
		}
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	if got, want := notice.Slack("a & b < c > d &lt; *e*"), "a &amp; b &lt; c &gt; d &amp;lt; *e*"; got != want {
		t.Errorf("Slack = %q, want %q", got, want)
	}
}
