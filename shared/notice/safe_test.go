package notice_test

import (
	"html"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
)

var (
	tag      = regexp.MustCompile(`(?s)<style>.*?</style>|<title>.*?</title>|<[^>]*>`)
	allowed  = regexp.MustCompile(`^<(!DOCTYPE html|html lang="en"|meta( (charset|name|content)="[a-z0-9 ,=-]*")+|(body|main|h1|h2|h3|p|pre|footer|table role="table"|th scope="row" role="rowheader"|th scope="col" role="columnheader"|td role="cell") style="[a-zA-Z0-9 :;#%,./'()-]*"|tbody style="vertical-align:top"|tr role="row"|/?(html|head|title|style|body|main|h1|h2|h3|p|table|thead|tbody|tr|th|td|pre|code|footer))>$`)
	anyTag   = regexp.MustCompile(`<[^>]*>`)
	linked   = regexp.MustCompile(`^<a style="color: inherit;" href="https://a1b2c3d4e5\.execute-api\.eu-central-1\.amazonaws\.com/a/[A-Za-z0-9_-]{43}">$`)
	linkable = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|\bjavascript:`)
)

// checkMail is what holds of every mail, whatever the notice says.
func checkMail(t *testing.T, m notice.Mail) {
	t.Helper()
	if n := utf8.RuneCountInString(m.Subject); n == 0 || n > notice.MaxSubject {
		t.Errorf("the subject has %d characters, want 1 to %d", n, notice.MaxSubject)
	}
	if i := strings.IndexFunc(m.Subject, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("the subject has a character that is not printable at %d: %q", i, m.Subject)
	}
	for name, body := range map[string]string{"text": m.Text, "HTML": m.HTML} {
		if !utf8.ValidString(body) {
			t.Errorf("the %s is not UTF-8", name)
		}
		if i := strings.IndexFunc(body, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("the %s has a character that is not printable: %q", name, body[i:min(i+8, len(body))])
		}
		for _, line := range strings.Split(body, "\n") {
			if len(line) > 4000 {
				t.Errorf("the %s has a line of %d bytes", name, len(line))
			}
		}
	}
	for _, found := range anyTag.FindAllString(m.HTML, -1) {
		if linked.MatchString(found) || found == "</a>" {
			continue
		}
		if !allowed.MatchString(found) {
			t.Errorf("the HTML has a tag that is not ours: %q", found)
		}
	}
	if style := m.HTML[strings.Index(m.HTML, "<style>"):strings.Index(m.HTML, "</style>")]; strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style loads something")
	}
	// Both bodies are made of the same words in the same order, but for the marks of the text.
	if got, want := words(html.UnescapeString(tag.ReplaceAllString(m.HTML, " "))), words(m.Text); got != want {
		t.Errorf("text and HTML differ:\ntext %s\nHTML %s", want, got)
	}
}

// words are the letters and digits of a body alone, so that marks, bullets and breaks do not matter.
func words(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func TestEveryMail(t *testing.T) {
	t.Parallel()
	for name, n := range mails() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := notice.Render(n, now)
			if err != nil {
				t.Fatalf("Render: %v", err)
			}
			checkMail(t, m)
			for _, want := range []string{`<html lang="en">`, `<h1 style=`, `<th scope="row" role="rowheader" style=`, `prefers-color-scheme: dark`, `max-width: 480px`} {
				if !strings.Contains(m.HTML, want) {
					t.Errorf("the HTML has no %s", want)
				}
			}
		})
	}
}

func TestHostileMachine(t *testing.T) {
	t.Parallel()
	n := hostile()
	n.Reference = "" // chosen by Keyward
	for i := range n.Findings {
		n.Findings[i].Rule, n.Findings[i].Expected, n.Findings[i].Fix = "rule", "", ""
		n.Waived[i].Rule, n.Waived[i].Expected = "rule", ""
	}
	m, err := notice.Render(n, now)
	if err != nil {
		t.Fatalf("Render: %v", err)
	}
	if found := linkable.FindString(m.Subject + m.Text); found != "" {
		t.Errorf("a mail program would make a link of %q", found)
	}
	if strings.Contains(m.Text, "evil.example") {
		t.Error("a mail program would make a link of a host name")
	}
	if strings.Contains(m.Text, "\nBcc:") || strings.Contains(m.Subject, "\n") {
		t.Error("a line was broken in")
	}
	if !strings.Contains(m.Text, "keyward machine check MACHINE-ID\n") {
		t.Error("an id that is none was placed in a command")
	}
	for _, gone := range []string{"evil.", "www.", "https:"} {
		if strings.Contains(m.HTML, gone) {
			t.Errorf("the HTML has %q", gone)
		}
	}
	if len(m.Text) > 40_000 || len(m.HTML) > 80_000 {
		t.Errorf("the mail has %d and %d bytes", len(m.Text), len(m.HTML))
	}
	if !strings.Contains(oneLine(m.Text), "There are 13 more findings.") {
		t.Error("findings that are not shown are not said")
	}
}

// Whatever a notice is told, in every text that it has and for every kind: nothing breaks out of a mail, and it stays small.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	attacks := map[string]string{
		"a megabyte":       strings.Repeat("A", 1<<20),
		"a megabyte of it": strings.Repeat("</td><script>alert(1)</script>\r\nBcc: x@evil.example\r\n", 20_000),
		"right to left":    "\u202e\u2066moc.elpmaxe\u2069\u200f\u061c \u05d0\u05d1 \u0627\u0644",
		"line breaks":      "a\r\nBcc: everyone@evil.example\r\n\r\n<h1>b</h1>\u2028\u2029\u0085\v\f\x00",
		"attributes":       `" style="position:fixed" onload="x" '><a href=https://evil.example>`,
	}
	for name, attack := range attacks {
		for _, kind := range notice.Kinds() {
			n := base(kind, due, revoked, waived, func(n *notice.Notice) { n.DueAt = now.Add(time.Hour) })
			v := reflect.ValueOf(&n).Elem()
			for i := range v.NumField() {
				switch f := v.Field(i); {
				case v.Type().Field(i).Name == "Kind":
				case f.Kind() == reflect.String:
					f.SetString(attack)
				case f.Type() == reflect.TypeFor[[]string]():
					f.Set(reflect.ValueOf([]string{attack, attack}))
				}
			}
			m, err := notice.Render(n, now)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, name, err)
			}
			checkMail(t, m)
			if len(m.Text) > 40_000 || len(m.HTML) > 80_000 {
				t.Errorf("%s, %s: the mail has %d and %d bytes", kind, name, len(m.Text), len(m.HTML))
			}
		}
	}
}

func TestMachineTextStaysReadable(t *testing.T) {
	t.Parallel()
	for _, actual := range []string{
		"tcp/23 listens on 0.0.0.0, /usr/sbin/in.telnetd (pid 4711)", "/opt/app/install.sh", "version 3.7.0-1.el9", "kernel 6.8.0-45-generic",
		"telnet.socket is enabled", "/etc/ssh/sshd_config line 3", "getty@tty1.service",
		"ext4 on /dev/mapper/data, 12% full", "Größe: 5 µm",
	} {
		m, err := notice.Render(base(notice.NotifyBad, func(n *notice.Notice) {
			n.Findings = []policy.Finding{{Rule: "r", Verdict: policy.Fail, Actual: actual}}
		}), now)
		if err != nil {
			t.Fatalf("Render: %v", err)
		}
		if !strings.Contains(oneLine(m.Text), actual) {
			t.Errorf("the text has not %q:\n%s", actual, m.Text)
		}
	}
}

func FuzzRender(f *testing.F) {
	h := hostile()
	f.Add(h.Name, h.Findings[0].Actual, h.Machine, "Europe/Berlin")
	f.Add("", "", "i-1234567890abcdef0", "")
	f.Add("a.b.c", "\u2028\u2029\u0085\ufeff\U000e0041", "x", "../../etc/passwd")
	f.Fuzz(func(t *testing.T, name, actual, machine, zone string) {
		if machine == "" {
			return
		}
		for _, k := range notice.Kinds() {
			m, err := notice.Render(base(k, due, func(n *notice.Notice) {
				n.Name, n.Machine, n.TimeZone, n.Why = name, machine, zone, actual
				n.StepFailed, n.OnMachine = actual, name
				n.Findings[0].Actual, n.Findings[0].Offender, n.Findings[1].Why = actual, name, name
			}), now)
			if err != nil {
				t.Fatalf("Render: %v", err)
			}
			checkMail(t, m)
		}
	})
}

func FuzzRenderBatch(f *testing.F) {
	h := hostile()
	f.Add(h.Name, h.Name, h.Machine, "Europe/Berlin", int64(7))
	f.Add("=1+1", "+\"\r\n,", "@x", "../../etc/passwd", int64(-1<<40))
	f.Add("{machine}{name}", "a: b: \u2028", "i-1234567890abcdef0", "", int64(1<<33))
	f.Fuzz(func(t *testing.T, name, why, machine, zone string, apart int64) {
		if machine == "" {
			return
		}
		b := warnings(60, func(i int, l *notice.Line) {
			l.Name, l.Why, l.Fix, l.By, l.DueAt = name, why, why, name, now.Add(time.Duration(apart)*time.Duration(i))
			if i%2 == 0 {
				l.Machine = machine
			}
		})
		b.TimeZone, b.Header, b.Texts = zone, why, map[notice.Kind]string{notice.Warning: name}
		for _, b.Warning = range []bool{true, false} {
			m, err := notice.RenderBatch(b, now)
			if err != nil {
				t.Fatalf("RenderBatch: %v", err)
			}
			checkMail(t, m)
			if text := b.Plain(now); strings.Count(text, "\n") > notice.MaxPlainLines {
				t.Errorf("Plain has too many lines:\n%s", text)
			}
			for _, row := range read(t, notice.CSV(b))[1:] {
				for _, cell := range row {
					if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) || strings.ContainsAny(cell, "\r\n\t") {
						t.Errorf("a cell is %q", cell)
					}
				}
			}
		}
	})
}
