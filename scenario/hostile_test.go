package scenario_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/keyward/keyward/shared/integrity"
)

// What is not a whole, fresh line of ours is no evidence, in either direction.
func TestAnAnswerThatIsNoEvidenceMovesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	replayed := w.guest.said()[0]
	for _, c := range []struct {
		name string
		say  func(line string) string
		why  string
	}{
		{"nothing", func(string) string { return "" }, "no_line"},
		{"cut", func(line string) string { return line[:len(line)/2] }, "cut_line"},
		{"too long", func(line string) string { return strings.TrimSpace(line) + "AAAA\n" }, "bad_length"},
		{"garbled", func(line string) string { return strings.Replace(line, "H4sI", "####", 1) }, "bad_encoding"},
		{"not packed", func(line string) string { return strings.Replace(line, "H4sI", "AAAA", 1) }, "bad_compression"},
		{"not JSON", func(string) string { return wireLine([]byte(`{"v":1,`)) }, "bad_json"},
		{"another version", func(string) string { return wireLine([]byte(`{"v":2}`)) }, "wrong_version"},
		{"replayed", func(string) string { return replayed }, "wrong_nonce"},
		{"doubled", func(line string) string { return line + line }, "doubled_line"},
		{"ours and an older one", func(line string) string { return replayed + line }, "doubled_line"},
		{"10 MB", func(string) string { return strings.Repeat("0123456789", 1<<20) }, "no_line"},
		{"a bomb", func(string) string { return wireLine(make([]byte, 10<<20)) }, "too_large"},
		{"escapes and HTML", func(string) string { return "\x1b[2J\x1b]0;x\x07<script>alert(1)</script>\n" }, "no_line"},
	} {
		w.guest.listen(port) // and it tells nobody
		w.guest.spoil(c.say)
		v := w.check()
		s := v.Machine.State
		if s.Standing != integrity.Good || s.LastVerdict != "Unknown" || s.DueAt.After(time.Time{}) {
			t.Errorf("%s: standing %q, verdict %s, due %s; want Good, Unknown and no deadline", c.name, s.Standing, s.LastVerdict, s.DueAt)
		}
		if v.Evidence == nil || v.Evidence.Evidence != nil || v.Evidence.Why != c.why {
			t.Errorf("%s: the evidence is %+v, want none because of %s", c.name, v.Evidence, c.why)
		}
		w.guest.spoil(nil)
		w.correct()
		w.wantStanding("Good")
	}
	w.wantKept()
}

// A machine that fails sends its old good answer again when it is looked at the last time.
func TestAReplayedAnswerSavesNobody(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	good := w.guest.said()[0]
	due := w.violate()
	w.guest.spoil(func(string) string { return good })
	w.check()
	w.wantStanding("Bad")
	w.until(due.Add(20 * time.Minute))
	w.wantStanding("Bad")
	w.wantHeld("unknown", "silence")
	w.wantKept()
	w.guest.spoil(nil)
	w.check()
	w.forward(10 * time.Minute)
	w.wantRevoked(due)
}

// What a machine says about itself reaches people as text and as nothing else.
func TestHostileTextReachesPeopleAsText(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.guest.runs("/tmp/\x1b[31m\u009b2J<img src=x onerror=alert(1)>\u202e & 'x'")
	w.violate()
	m := w.mails()[0]
	if !strings.Contains(m.Text, "<img src=x onerror=alert(1)>") {
		t.Errorf("the text of the mail does not name the program:\n%s", m.Text)
	}
	if strings.Contains(m.HTML, "<img") || !strings.Contains(m.HTML, "&lt;img") {
		t.Errorf("the HTML of the mail has the machine's own markup")
	}
	for name, text := range map[string]string{"subject": m.Subject, "text": m.Text, "HTML": m.HTML, "finding": w.view().Machine.Findings[0].Actual} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("the %s has the character %q", name, text[i:min(i+4, len(text))])
		}
	}
}

// A machine with more sockets than anybody reads is no reason to fail or to fall over.
func TestAMachineThatSaysTooMuch(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	ports := make([]int, 5000)
	for i := range ports {
		ports[i] = 1 + i
	}
	w.guest.listen(ports...)
	v := w.check()
	if v.Machine.State.LastVerdict != "Unknown" || v.Machine.State.Standing != integrity.Good {
		t.Errorf("verdict %s, standing %q", v.Machine.State.LastVerdict, v.Machine.State.Standing)
	}
	w.correct()
	w.wantStanding("Good")
	w.wantKept()
}
