package notifier

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/keyward/keyward/shared/record"
)

// Which is in words what a notifier tells: events, and of which policies' machines.
func Which(n record.Notifier) string {
	text := "all"
	if len(n.Events) > 0 {
		text = strings.Join(n.Events, ", ")
	}
	if len(n.Policies) > 0 {
		text += " of " + strings.Join(n.Policies, ", ")
	}
	return text
}

// Whom is in words whom a notifier tells; of a webhook the host alone.
func Whom(n record.Notifier) string {
	parts := append([]string{}, n.To...)
	const shown = 3
	if more := len(parts) - shown; more > 0 {
		parts = append(parts[:shown:shown], fmt.Sprintf("%d more", more))
	}
	if n.Topic != "" {
		parts = append(parts, "topic "+n.Topic[strings.LastIndexByte(n.Topic, ':')+1:])
	}
	if n.Webhook != nil {
		parts = append(parts, strings.TrimSuffix(Masked(n.Webhook.URL), masked)+" ("+cmp.Or(n.Webhook.Format, "json")+")")
	}
	return strings.Join(parts, ", ")
}

// When is in words when a notifier tells.
func When(n record.Notifier) string {
	text := "at once"
	switch d := n.Digest; {
	case d == nil:
	case d.Every == "":
		text = fmt.Sprintf("%d together, or after a day", d.After)
	case d.After == 0:
		text = "after " + d.Every
	default:
		text = fmt.Sprintf("%d together, or after %s", d.After, d.Every)
	}
	if q := n.Quiet; q != nil {
		text += fmt.Sprintf("; quiet %s to %s %s", q.From, q.To, cmp.Or(n.TimeZone, "UTC"))
		if len(q.Days) > 0 {
			text += " on " + strings.Join(q.Days, ", ")
		}
	}
	return text
}
