package notice_test

import (
	"encoding/csv"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
)

// line is the warning of one machine of many.
func line(i int) notice.Line {
	return notice.Line{
		Event: notice.Warning, At: now.Add(-time.Duration(i) * time.Second), Machine: fmt.Sprintf("i-%017x", i+1), Name: fmt.Sprintf("db-%d", i+1),
		Owner: "dana@example.com", Zone: "eu-central-1a", Policy: "databases", Version: 3, DueAt: now.Add(76 * time.Hour),
		Why: "no plain telnet: tcp/23 listens on 0.0.0.0, /usr/sbin/in.telnetd (pid 4711)", Fix: "Stop it: systemctl disable --now telnet.socket",
	}
}

func warnings(n int, change ...func(int, *notice.Line)) notice.Batch {
	b := notice.Batch{Warning: true, Mode: policy.RevokeGrant, TimeZone: "Europe/Berlin", Reference: "databases-warning-1743175831"}
	for i := range n {
		l := line(i)
		for _, c := range change {
			c(i, &l)
		}
		b.Lines = append(b.Lines, l)
	}
	return b
}

// spread gives each machine a deadline of its own, over days and the change to summer time.
func spread(i int, l *notice.Line) { l.DueAt = now.Add(time.Duration(i) * 7 * time.Minute) }

func mixedRules(i int, l *notice.Line) {
	l.DueAt = now.Add(76*time.Hour + time.Duration(i/20)*time.Hour)
	switch i % 5 {
	case 1, 2:
		l.Why, l.Fix = "OSSEC up and current: ossec 3.6.0 runs", "Update it: apt-get install ossec-hids-agent"
	case 3:
		l.Why, l.Fix, l.Silence = "the machine did not answer within 3 minutes", "", true
	}
}

func digest() notice.Batch {
	b := notice.Batch{
		TimeZone: "Europe/Berlin", Reference: "notifier-security-1743175831", Prefix: "[PROD]", Header: "For the security team.", Footer: "Questions: extension 4711",
		Texts: map[notice.Kind]string{notice.Warning: "Policy {policy}, version {version}: {machine} {name}."},
	}
	for i := range 52 {
		l := line(i)
		l.Event, l.DueAt = notice.NotifyBad, time.Time{}
		b.Lines = append(b.Lines, l)
	}
	b.Lines = append(b.Lines, line(60), line(61),
		notice.Line{Event: notice.Waived, At: now.Add(-time.Hour), Policy: "databases", By: "arn:aws:iam::123456789012:user/bob", Why: "the old shop moves in April.", DueAt: now.Add(time.Hour)},
		notice.Line{Event: notice.BreakerOpen, At: now.Add(-2 * time.Hour), Why: "5 of at most 5 machines lost their keys within 1h0m0s"},
		notice.Line{Event: notice.Revoked, At: now.Add(-time.Minute), Machine: "mi-0123456789abcdef0", Policy: "web", Version: 1, Silence: true},
	)
	return b
}

func batches() map[string]notice.Batch {
	repeated := warnings(2)
	repeated.Repeated, repeated.Missed, repeated.Mode = true, []string{"owner@example.com"}, policy.DisableKey
	repeated.Texts = map[notice.Kind]string{notice.Warning: "Tell the shop's manager about {machine}."}
	repeated.Links = []notice.Link{{Does: "Hold them for an hour:", URL: "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/a/" + strings.Repeat("A", 43)}}
	one := warnings(1, func(_ int, l *notice.Line) { l.Silence, l.Why, l.Fix, l.Version = true, "", "", 0 })
	return map[string]notice.Batch{
		"batch-warning": warnings(3), "batch-warning-60": warnings(60, mixedRules), "batch-warning-repeated": repeated, "batch-warning-one-silent": one,
		"batch-digest":     digest(),
		"batch-digest-one": {Lines: []notice.Line{{Event: notice.Outage, At: now, Why: "12 of 40 machines give no usable answer"}}, Missed: []string{"ops@example.com"}},
	}
}

func TestBatchGolden(t *testing.T) {
	t.Parallel()
	for name, b := range batches() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := notice.RenderBatch(b, now)
			if err != nil {
				t.Fatalf("RenderBatch: %v", err)
			}
			checkMail(t, m)
			checkWidth(t, m.Text)
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
		})
	}
	golden(t, "batch-digest.csv", string(notice.CSV(digest())))
}

// checkWidth holds lines to 76 characters, but commands, links and single words.
func checkWidth(t *testing.T, text string) {
	t.Helper()
	for l := range strings.SplitSeq(text, "\n") {
		if len([]rune(l)) > 76 && !strings.HasPrefix(l, "    keyward ") && strings.Contains(strings.TrimSpace(l), " ") {
			t.Errorf("a line has %d characters: %s", len([]rune(l)), l)
		}
	}
}

// Mail programs cut a mail of more than 102 kB, and what it says of a deadline would be gone.
func TestBatchStaysSmall(t *testing.T) {
	t.Parallel()
	long := func(_ int, l *notice.Line) {
		l.Name, l.Why, l.Fix = strings.Repeat("n", 60), "no plain telnet: "+strings.Repeat("w ", 150), strings.Repeat("f ", 150)
	}
	each := func(i int, l *notice.Line) { l.DueAt = now.Add(76*time.Hour + time.Duration(i)*time.Second) }
	all := notice.Batch{}
	for i := range notice.MaxLines {
		l := line(i)
		l.Event, l.Name = notice.Kinds()[i%len(notice.Kinds())], strings.Repeat("n", 60)
		all.Lines = append(all.Lines, l)
	}
	for name, b := range map[string]notice.Batch{
		"one deadline": warnings(notice.MaxLines, long), "a thousand deadlines in a day": warnings(notice.MaxLines, long, each),
		"a thousand deadlines in five days": warnings(notice.MaxLines, long, spread), "a thousand events of all kinds": all,
		"fixes that all differ": warnings(notice.MaxLines, long, each, func(i int, l *notice.Line) { l.Why = fmt.Sprint("rule ", i, ": ", l.Why) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := notice.RenderBatch(b, now)
			if err != nil {
				t.Fatalf("RenderBatch: %v", err)
			}
			checkMail(t, m)
			checkWidth(t, m.Text)
			if len(m.HTML) > 102_000 {
				t.Errorf("the HTML has %d bytes", len(m.HTML))
			}
			t.Logf("text %d, HTML %d bytes", len(m.Text), len(m.HTML))
			for _, l := range b.Lines {
				if b.Warning && (!strings.Contains(m.Text, l.Machine) || !strings.Contains(m.HTML, l.Machine)) {
					t.Fatalf("%s is not named", l.Machine)
				}
			}
		})
	}
}

// Every machine is named with its own deadline, to the second, in the recipient's time.
func TestBatchSaysEachDeadline(t *testing.T) {
	t.Parallel()
	m, err := notice.RenderBatch(warnings(400, spread), now)
	if err != nil {
		t.Fatalf("RenderBatch: %v", err)
	}
	text := oneLine(m.Text)
	for _, want := range []string{
		"* i-00000000000000001 (db-1) 28 Mar 2025 16:30:31 CET no plain telnet",
		"And 350 more machines",
		"Saturday 29 March 2025 (Europe/Berlin; CET, UTC+01:00), 205 machines: at 00:05:31 i-00000000000000042, at 00:12:31 i-00000000000000043,",
		"Sunday 30 March 2025 (Europe/Berlin; CEST, UTC+02:00)",
		"at 16:03:31 i-00000000000000190.",
		"the last at Sunday 30 March 2025, 16:03:31 (Europe/Berlin; CEST, UTC+02:00), which is Sunday 30 March 2025, 14:03:31 UTC (in 1 day 22 hours)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has not %q:\n%s", want, m.Text)
		}
	}
}

func TestRenderBatchRefuses(t *testing.T) {
	t.Parallel()
	other := func(change func(*notice.Line)) notice.Batch {
		return warnings(3, func(i int, l *notice.Line) {
			if i == 1 {
				change(l)
			}
		})
	}
	loose := other(func(l *notice.Line) { l.Machine = "" })
	loose.Warning = false
	linked := warnings(1)
	linked.Links = []notice.Link{{Does: "Hold it:", URL: "https://evil.example/a"}}
	tests := []struct {
		name  string
		batch notice.Batch
		want  string
	}{
		{"nothing", notice.Batch{Warning: true}, "rendering batch: it has no lines"},
		{"too much", warnings(notice.MaxLines + 1), "rendering batch: it has 1001 lines, more than 1000"},
		{"no event", other(func(l *notice.Line) { l.Event = "ransom\r\nBcc: x" }), `rendering batch: line 2: event is "ransom Bcc: x"`},
		{"no machine", other(func(l *notice.Line) { l.Machine = "" }), "rendering batch: line 2: it names no machine"},
		{"a digest without a machine", loose, "rendering batch: line 2: it names no machine"},
		{"another kind", other(func(l *notice.Line) { l.Event = notice.Reminder }), "rendering batch: line 2: a warning has reminder among it"},
		{"no deadline", other(func(l *notice.Line) { l.DueAt = time.Time{} }), "rendering batch: line 2: the warning has no deadline"},
		{"another policy", other(func(l *notice.Line) { l.Policy = "web" }), "rendering batch: line 2: the warning is of another policy"},
		{"a link of others", linked, `rendering notice: the address of the link "Hold it:" is not of the form that Keyward makes`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := notice.RenderBatch(tt.batch, now); err == nil || err.Error() != tt.want {
				t.Errorf("RenderBatch: %v, want %s", err, tt.want)
			}
		})
	}
}

// Whatever a line or a text says, nothing breaks out of a mail or becomes a formula.
func TestHostileBatch(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]string{
		"a megabyte":    strings.Repeat("A", 1<<20),
		"markup":        strings.Repeat("</td></table><script>alert(1)</script>\r\nBcc: x@evil.example\r\n", 50),
		"right to left": "\u202e\u2066moc.elpmaxe\u2069\u200f\u061c \u05d0\u05d1 www.evil.example",
		"formula":       "=HYPERLINK(\"https://evil.example\")", "formula after blanks": "\t\r\n @SUM(1)", "quotes": "+\"\"\"\r\n,;x",
	} {
		for _, warning := range []bool{true, false} {
			b := warnings(60)
			b.Warning, b.Texts = warning, map[notice.Kind]string{notice.Warning: attack}
			b.Missed, b.Reference, b.Prefix, b.Header, b.Footer, b.TimeZone = []string{attack}, attack, attack, attack, attack, attack
			for i := range b.Lines {
				v := reflect.ValueOf(&b.Lines[i]).Elem()
				for j := range v.NumField() {
					if f := v.Field(j); f.Kind() == reflect.String && v.Type().Field(j).Name != "Event" {
						f.SetString(attack)
					}
				}
			}
			m, err := notice.RenderBatch(b, now)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			checkMail(t, m)
			if strings.ContainsAny(m.Subject+m.Text, "\r\u202e\t") || strings.Contains(m.Text, "machine:"+attack) {
				t.Errorf("%s: the text is broken into", name)
			}
			rows := read(t, notice.CSV(b))
			for _, cell := range rows[1] {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) || strings.ContainsAny(cell, "\r\n\t\u202e") {
					t.Errorf("%s: a cell is %q", name, cell)
				}
			}
		}
	}
}

func read(t *testing.T, b []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatalf("reading CSV: %v", err)
	}
	return rows
}

func TestCSV(t *testing.T) {
	t.Parallel()
	b := warnings(notice.MaxLines, spread)
	b.Lines[0].OldDueAt, b.Lines[0].By, b.Lines[0].Why = now, "-bob", `"quoted", and long: `+strings.Repeat("x", 1500)
	rows := read(t, notice.CSV(b))
	if len(rows) != notice.MaxLines+1 {
		t.Fatalf("CSV has %d rows", len(rows))
	}
	want := []string{
		"warning", "2025-03-28T15:30:31Z", "i-00000000000000001", "db-1", "dana@example.com", "eu-central-1a", "databases", "3",
		`"quoted", and long: ` + strings.Repeat("x", 1500), "Stop it: systemctl disable --now telnet.socket", "'-bob", "2025-03-28T15:30:31Z", "2025-03-28T15:30:31Z", "false",
	}
	if diff := cmp.Diff(want, rows[1]); diff != "" {
		t.Errorf("first row (-want +got):\n%s", diff)
	}
	if got := string(notice.CSV(notice.Batch{})); got != strings.Join(rows[0], ",")+"\r\n" {
		t.Errorf("CSV of nothing = %q", got)
	}
}

// What a batch is made of stays as it was: others use it after.
func TestBatchIsNotChanged(t *testing.T) {
	t.Parallel()
	b, want := warnings(60, mixedRules), warnings(60, mixedRules)
	if _, err := notice.RenderBatch(b, now); err != nil {
		t.Fatalf("RenderBatch: %v", err)
	}
	notice.CSV(b)
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}
