package console

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// functions are what templates say things with.
var functions = template.FuncMap{
	"time": stamp, "ago": ago, "until": until, "span": span, "cut": func(v any, most int) string { return cut(fmt.Sprint(v), most) }, "dict": dict, "who": who, "held": held, "standing": standing, "key": key, "verbatim": verbatim,
	"count": count, "join": func(s []string) string { return strings.Join(s, ", ") }, "plus": func(a, b int) int { return a + b },
	"may": may, "mode": func(m policy.Mode) string { return string(m) }, "lower": strings.ToLower, "arn": shortARN,
}

// stamp is an instant in UTC to the second. The script adds the reader's own zone.
func stamp(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="none">never</span>`
	}
	t = t.UTC().Truncate(time.Second)
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s UTC</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05")))
}

// span is a length of time in its two largest units: 3 h 12 min.
func span(d time.Duration) string {
	d = d.Abs()
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return strings.TrimSuffix(fmt.Sprintf("%d d %d h", days, hours), " 0 h")
	case hours > 0:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", hours, minutes), " 0 min")
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", int(d/time.Second))
	}
}

func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(max(0, now.Sub(t))) + " ago"
}

// until is how far off something is: "in 3 h 12 min", or since when it is due.
func until(now, t time.Time) string {
	if t.After(now) {
		return "in " + span(t.Sub(now))
	}
	return "due since " + span(now.Sub(t))
}

// who is the name in an ARN of a person: of the user, or the session with its role.
func who(arn string) string {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	for _, prefix := range []string{"user/", "assumed-role/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return cut(name, 120)
}

// shortARN is the end of an ARN of a key.
func shortARN(arn string) string { return cut(arn[strings.LastIndexByte(arn, '/')+1:], 80) }

// held is a reason to stand still in words.
func held(code string) string {
	if code == "" {
		return ""
	}
	return guard.Reason(code).Text()
}

func standing(s integrity.Standing) string { return cmp.Or(string(s), "Unknown") }

// key is what became of a machine's key, in the words of the design.
func key(k integrity.KeyState) string { return cmp.Or(string(k), "Untouched") }

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// dict is what a part of a page is given: names and values by turns.
func dict(all ...any) map[string]any {
	d := map[string]any{}
	for i := 0; i+1 < len(all); i += 2 {
		d[fmt.Sprint(all[i])] = all[i+1]
	}
	return d
}
