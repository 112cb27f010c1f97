package notifier

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/record"
)

// Write is a notifier in YAML, as Read takes it; what Keyward itself adds to it is left out.
func Write(n record.Notifier) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			b.WriteString(key + ": " + value + "\n")
		}
	}
	line("notifier", scalar(n.Name))
	line("description", scalar(n.Description))
	line("events", flow(n.Events))
	line("policies", flow(n.Policies))
	line("to", flow(n.To))
	line("topic", scalar(n.Topic))
	if n.Webhook != nil {
		line("webhook", pairs("url", scalar(n.Webhook.URL), "format", scalar(n.Webhook.Format)))
	}
	line("sender", scalar(n.Sender))
	line("subject", scalar(n.Subject))
	line("header", scalar(n.Header))
	line("footer", scalar(n.Footer))
	if len(n.Texts) > 0 {
		b.WriteString("texts:\n")
		for _, event := range eventNames() {
			line("  "+event, scalar(n.Texts[event]))
		}
	}
	line("timeZone", scalar(n.TimeZone))
	if n.Digest != nil {
		after := ""
		if n.Digest.After > 0 {
			after = fmt.Sprint(n.Digest.After)
		}
		line("digest", pairs("every", scalar(n.Digest.Every), "after", after))
	}
	if n.Quiet != nil {
		line("quiet", pairs("from", scalar(n.Quiet.From), "to", scalar(n.Quiet.To), "days", flow(n.Quiet.Days)))
	}
	return b.String()
}

// pairs is a mapping on one line, of keys and values; what is empty is left out.
func pairs(all ...string) string {
	var parts []string
	for pair := range slices.Chunk(all, 2) {
		if pair[1] != "" {
			parts = append(parts, pair[0]+": "+pair[1])
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func flow(all []string) string {
	if len(all) == 0 {
		return ""
	}
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = scalar(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

var (
	plainPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9@./-]*$`)
	otherwise    = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"} // what YAML reads as something else than text
)

// scalar is a text, in the quotes of JSON, which YAML reads, where it needs some; "" of none.
func scalar(s string) string {
	if s == "" || plainPattern.MatchString(s) && !slices.Contains(otherwise, strings.ToLower(s)) {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text can be encoded, into memory
	return strings.TrimSuffix(b.String(), "\n")
}
