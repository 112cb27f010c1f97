package notice

import (
	"strconv"
	"strings"
	"time"
)

// Limits of what chats and telephones are sent.
const (
	MaxPlainLines = 40
	maxPlainLine  = 160 // characters
)

// Plain is a batch in short lines for what shows no mail, such as chats: what happened, and then a line for each event, in the
// order of the mail. It has at most MaxPlainLines, and says how many events are not told. Of no lines it is empty.
func (b Batch) Plain(now time.Time) string {
	if len(b.Lines) == 0 {
		return ""
	}
	b, c := b.cleaned(maxValue), clockOf(b.TimeZone, now)
	head, foot := b.plainHead(c), b.plainFoot()
	room := MaxPlainLines - len(head) - len(foot)
	all := append(append(head, b.plainLines(room, c)...), foot...)
	for i := range all {
		all[i] = cut(all[i], maxPlainLine)
	}
	return strings.Join(all, "\n") + "\n"
}

// plainHead says what happened to how many, and of a warning when and how it is stopped.
func (b Batch) plainHead(c clock) []string {
	d := b.digest(c)
	if b.Warning {
		d = b.warning(c)
	}
	head := []string{strings.TrimSpace(b.Prefix + " " + d.Subject)}
	if b.Header != "" {
		head = append(head, b.Header)
	}
	if !b.Warning {
		return head
	}
	if text := b.text(Warning, b.Lines); text != "" {
		head = append(head, text)
	}
	first, last := b.Lines[0].DueAt, b.Lines[len(b.Lines)-1].DueAt
	if first.Before(last) {
		head = append(head, "The first at "+c.whole(first)+".", "The last at "+c.whole(last)+".")
	} else {
		head = append(head, "All at "+c.whole(first)+".")
	}
	for _, i := range b.stopThem(Notice{Policy: b.Lines[0].Policy}).Items {
		if i.Command != "" {
			head = append(head, "To stop it: "+i.Command)
		}
	}
	return head
}

func (b Batch) plainFoot() []string {
	var foot []string
	if b.Repeated {
		foot = append(foot, "This may be a repeat of what was sent before.")
	}
	if b.Footer != "" {
		foot = append(foot, b.Footer)
	}
	return foot
}

// plainLines are the lines of the events that there is room for, and how many are left out.
func (b Batch) plainLines(room int, c clock) []string {
	var lines []string
	told := 0
	for _, g := range b.groups() {
		text := b.text(g.kind, g.lines)
		for i, l := range g.lines {
			if i == 0 && text != "" && !b.Warning {
				lines = append(lines, text)
			}
			lines = append(lines, b.plainLine(l, c))
			if len(lines) <= room-1 || len(lines) == room && told == len(b.Lines)-1 {
				told++
			}
		}
	}
	if told == len(b.Lines) {
		return lines
	}
	return append(lines[:room-1], "and "+strconv.Itoa(len(b.Lines)-told)+" more")
}

// plainLine is one event.
func (b Batch) plainLine(l Line, c clock) string {
	if b.Warning {
		return "- " + whose(l) + ", " + c.exact(l.DueAt) + ": " + reason(l)
	}
	line := "- " + titled(inWords(l.Event)) + ": " + whose(l) + ", " + c.exact(l.At)
	if said := what(l, c); said != "" {
		line += ": " + said
	}
	return line
}

// slack are what Slack's mrkdwn acts upon: links, and calls to people and channels, all stand between < and >.
var slack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Slack is a text that Slack shows as it is.
func Slack(text string) string { return slack.Replace(text) }
