package policy

import "time"

// The bounds of grace: shorter is no warning, longer is no deadline.
const (
	minGrace = time.Minute
	maxGrace = 90 * day
)

func (r *reader) integrity(n *node, path string, p *Policy) {
	i := &p.Integrity
	seen := r.object(n, path, []key{
		{"onFail", r.action(&i.OnFail, ActNotify, ActHold, ActRevoke)},
		{"grace", func(n *node, path string) { i.Grace = r.duration(n, path, minGrace, maxGrace) }},
		{"confirm", func(n *node, path string) { i.Confirm = r.count(n, path, 1, 5) }},
		{"silence", func(n *node, path string) { r.silence(n, path, i) }},
		{"retry", func(n *node, path string) { r.retry(n, path, i) }},
		{"restore", func(n *node, path string) { i.RestoreManual = r.word(n, path, "automatic", "manual") == "manual" }},
		{"settle", func(n *node, path string) { i.Settle = r.duration(n, path, 0, day) }},
		{"key", func(n *node, path string) { r.key(n, path, i) }},
		{"calendar", nil},
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
	if n.kind == text || n.kind == number {
		if d, ok := parseDuration(n.text); ok && d == 0 {
			return 0
		}
	}
	return r.duration(n, path, time.Hour, 30*day)
}

func (r *reader) key(n *node, path string, i *Integrity) {
	r.object(n, path, []key{
		{"mode", func(n *node, path string) { i.Mode = Mode(r.word(n, path, string(RevokeGrant), string(DisableKey))) }},
		{"shared", func(n *node, path string) { i.SharedAllowed = r.word(n, path, "refused", "allowed") == "allowed" }},
		{"lock", nil},
		{"snapshot", nil},
		{"effect", nil},
	})
}
