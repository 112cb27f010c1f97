package delivery_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// message is the event of the mail service in one of the events of the function delivery.
func message(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "events", "delivery", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var e struct {
		Records []struct{ Sns struct{ Message string } }
	}
	if err := json.Unmarshal(text, &e); err != nil {
		tb.Fatal(err)
	}
	return e.Records[0].Sns.Message
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"send": "", "delivery": "owner@example.com delivered 250 2.6.0 Message received",
		"delivery-delay":    "owner@example.com delayed TransientCommunicationFailure: smtp; 421 4.4.1 Unable to connect to remote host",
		"bounce-permanent":  "owner@example.com bounced Permanent General: smtp; 550 5.1.1 user unknown",
		"bounce-transient":  "owner@example.com deferred Transient MailboxFull: smtp; 552 5.2.2 mailbox full",
		"complaint":         "Owner@example.com complained abuse",
		"reject":            "owner@example.com rejected Bad content, ops@example.com rejected Bad content",
		"rendering-failure": "owner@example.com rejected Attribute 'attributeName' is not present in the rendering data., ops@example.com rejected Attribute 'attributeName' is not present in the rendering data.",
	} {
		got, err := delivery.Parse([]byte(message(t, name)))
		var said []string
		for _, o := range got.Outcomes {
			said = append(said, fmt.Sprintf("%s %s %s", o.Address, o.Kind, o.Detail))
			if o.At.IsZero() {
				t.Errorf("%s: %+v has no time", name, o)
			}
		}
		if diff := cmp.Diff(want, strings.Join(said, ", ")); err != nil || diff != "" {
			t.Errorf("%s: Parse = %v, outcomes (-want +got):\n%s", name, err, diff)
		}
		if got.Machine != "i-1234567890abcdef0" || got.Reference != "i-1234567890abcdef0-2-enforce-1/warning" || got.Account != "123456789012" || got.MessageID == "" {
			t.Errorf("%s: Parse = %+v", name, got)
		}
	}
}

func TestParseOdd(t *testing.T) {
	t.Parallel()
	bounce := message(t, "bounce-permanent")
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(bounce) }
	for name, text := range map[string]string{
		"no JSON": "hello", "a list": "[]", "no type": edit("Bounce", ""), "unknown type": edit(`"eventType":"Bounce"`, `"eventType":"Lost"`),
		"no id": edit("messageId", "id"), "no time": edit("2026-03-01T22:30:04.000Z", "soon"),
	} {
		if got, err := delivery.Parse([]byte(text)); !fault.Is(err, fault.Invalid) || len(got.Outcomes) > 0 {
			t.Errorf("%s: Parse = %+v, %v, want Invalid", name, got, err)
		}
	}
	for name, c := range map[string]struct {
		text   string
		kind   record.OutcomeKind
		detail string
	}{
		"undetermined":  {edit("Permanent", "Undetermined", "General", "Undetermined"), record.Bounced, "Undetermined Undetermined: smtp; 550 5.1.1 user unknown"},
		"a name":        {edit(`"emailAddress":"owner@example.com"`, `"emailAddress":"Owner <owner@example.com>"`), record.Bounced, "Permanent General: smtp; 550 5.1.1 user unknown"},
		"control codes": {edit("user unknown", `\u001b[31m\nuser\u0000`), record.Bounced, "Permanent General: smtp; 550 5.1.1 [31m user"},
		"long text":     {edit("user unknown", strings.Repeat("ü", 5000)), record.Bounced, "Permanent General: smtp; 550 5.1.1 " + strings.Repeat("ü", 165)},
	} {
		got, err := delivery.Parse([]byte(c.text))
		if err != nil || len(got.Outcomes) != 1 || got.Outcomes[0].Kind != c.kind || got.Outcomes[0].Detail != c.detail || got.Outcomes[0].Address != "owner@example.com" {
			t.Errorf("%s: Parse = %+v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{"no tags": edit("keyward-", "other-"), "two machines": edit(`"keyward-machine":[`, `"keyward-machine":["i-0598c7d356eba48d7",`)} {
		if got, err := delivery.Parse([]byte(text)); err != nil || got.Machine != "" {
			t.Errorf("%s: Parse = %+v, %v, want a mail of nobody", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"delivery", "bounce-permanent", "complaint", "reject", "delivery-delay"} {
		f.Add([]byte(message(f, name)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := delivery.Parse(text)
		for _, o := range e.Outcomes {
			if err != nil || len([]rune(o.Detail)) > 200 || !utf8.ValidString(o.Detail) || strings.ContainsAny(o.Detail, "\n\r\x00") {
				t.Errorf("Parse = %+v, %v", o, err)
			}
		}
	})
}
