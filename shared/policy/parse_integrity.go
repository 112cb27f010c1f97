package policy

import (
	"regexp"
	"slices"
	"time"
)

// The bounds of grace: shorter is no warning, longer is no deadline.
const (
	minGrace = time.Minute
	maxGrace = 90 * day
)

func (r *reader) integrity(n *node, path string, p *Policy) {
	i := &p.Integrity
	var keyed, guarded map[string]*node
	seen := r.object(n, path, []key{
		{"onFail", r.action(&i.OnFail, ActNotify, ActHold, ActRevoke)},
		{"grace", func(n *node, path string) { i.Grace = r.duration(n, path, minGrace, maxGrace) }},
		{"confirm", func(n *node, path string) { r.confirm(n, path, i) }},
		{"silence", func(n *node, path string) { r.silence(n, path, i) }},
		{"retry", func(n *node, path string) { r.retry(n, path, i) }},
		{"restore", func(n *node, path string) { r.restore(n, path, i) }},
		{"changes", func(n *node, path string) { i.Changes = r.count(n, path, 2, 100) }},
		{"settle", func(n *node, path string) { i.Settle = r.duration(n, path, 0, day) }},
		{"key", func(n *node, path string) { keyed = r.key(n, path, i) }},
		{"safeguard", func(n *node, path string) { guarded = r.safeguard(n, path, i) }},
		{"calendar", func(n *node, path string) { r.calendars(n, path, i) }},
		{"remind", func(n *node, path string) { i.Remind = r.remind(n, path) }},
	})
	expected := "a duration from " + formatDuration(minGrace) + " to " + formatDuration(maxGrace) + ", written like 30m, 4h or 7d"
	switch {
	case seen["grace"] != nil:
	case i.OnFail == ActRevoke:
		r.fail(seen["onFail"], join(path, "grace"), "is missing, required with onFail: revoke; expected %s", expected)
	case i.SilenceThen == ActRevoke:
		r.fail(seen["silence"], join(path, "grace"), "is missing, required with silence.then: revoke; expected %s", expected)
	}
	r.safeguards(path, i, keyed, guarded)
}

func (r *reader) action(into *Action, known ...Action) func(n *node, path string) {
	return func(n *node, path string) {
		words := make([]string, len(known))
		for i, k := range known {
			words[i] = string(k)
		}
		*into = Action(r.word(n, path, words...))
	}
}

// confirm reads how many failing inspections make a machine Bad: in a row, or of the last ones.
func (r *reader) confirm(n *node, path string, i *Integrity) {
	if n.kind != mapping {
		if n.kind != number {
			r.got(n, path, "a whole number from 1 to 5, or a mapping with failures, of")
			return
		}
		i.Confirm = r.count(n, path, 1, 5)
		i.ConfirmOf = i.Confirm
		return
	}
	seen := r.object(n, path, []key{
		{"failures", func(n *node, path string) { i.Confirm = r.count(n, path, 1, 5) }},
		{"of", func(n *node, path string) { i.ConfirmOf = r.count(n, path, 1, 10) }},
	})
	for _, name := range []string{"failures", "of"} {
		if seen[name] == nil {
			r.fail(n, join(path, name), "is missing, required beside the other of failures, of; expected a whole number")
		}
	}
	if seen["failures"] != nil && seen["of"] != nil && i.ConfirmOf < i.Confirm {
		r.fail(seen["of"], join(path, "of"), "got %d, expected %d to 10, at least as many as failures", i.ConfirmOf, i.Confirm)
	}
}

// restore reads who gives a key back, and after how many passing inspections.
func (r *reader) restore(n *node, path string, i *Integrity) {
	who := func(n *node, path string) { i.RestoreManual = r.word(n, path, "automatic", "manual") == "manual" }
	if n.kind != mapping {
		who(n, path)
		return
	}
	r.object(n, path, []key{
		{"after", func(n *node, path string) { i.RestoreAfter = r.count(n, path, 1, 5) }},
		{"then", who},
	})
}

func (r *reader) silence(n *node, path string, i *Integrity) {
	r.object(n, path, []key{
		{"after", func(n *node, path string) { i.SilenceAfter = r.duration(n, path, time.Hour, 30*day) }},
		{"then", r.action(&i.SilenceThen, ActHold, ActRevoke)},
	})
}

func (r *reader) retry(n *node, path string, i *Integrity) {
	r.object(n, path, []key{
		{"every", func(n *node, path string) { i.RetryEvery = r.duration(n, path, 5*time.Minute, day) }},
		{"upTo", func(n *node, path string) { i.RetryUpTo = r.count(n, path, 0, 1000) }},
	})
}

// remind reads how often people are told again; 0s means never.
func (r *reader) remind(n *node, path string) time.Duration {
	if r.note != nil && n.kind == number {
		r.note.add(shape{"const": 0})
		return 0
	}
	if n.kind == text || n.kind == number {
		if d, ok := parseDuration(n.text); ok && d == 0 {
			return 0
		}
	}
	return r.duration(n, path, time.Hour, 30*day)
}

func (r *reader) key(n *node, path string, i *Integrity) map[string]*node {
	return r.object(n, path, []key{
		{"mode", func(n *node, path string) { i.Mode = Mode(r.word(n, path, string(RevokeGrant), string(DisableKey))) }},
		{"shared", func(n *node, path string) { i.SharedAllowed = r.word(n, path, "refused", "allowed") == "allowed" }},
		{"lock", func(n *node, path string) { i.Lock = r.flag(n, path) }},
		{"snapshot", func(n *node, path string) { i.Snapshot = r.flag(n, path) }},
		{"effect", func(n *node, path string) { i.Effect = Effect(r.word(n, path, string(EffectLock), string(EffectStop))) }},
	})
}

// calendarPattern is the name of an SSM document, or its ARN.
var calendarPattern = regexp.MustCompile(`^(?:arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:document/)?[a-zA-Z0-9_.-]{3,128}$`)

// calendars reads the change calendars that all have to be open; none of them is an empty list.
func (r *reader) calendars(n *node, path string, i *Integrity) {
	r.each(n, path, "change calendars", 0, 5, func(n *node, path string) {
		if n.kind != text || !calendarPattern.MatchString(n.text) {
			r.got(n, path, "the name or ARN of an SSM change calendar, such as month-end")
		} else if slices.Contains(i.Calendars, n.text) {
			r.fail(n, path, "%s stands twice", quote(n.text))
		}
		i.Calendars = append(i.Calendars, n.text)
	})
}
