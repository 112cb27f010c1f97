package main

// Mutant is one guard taken out. Where several layers hold one promise, all of them are taken out at once.
type Mutant struct {
	Name    string
	Package string // whose test has to fail
	Test    string
	Edits   []Edit
}

// Edit replaces a text that a file has once.
type Edit struct{ File, Text, With string }

// in is a mutant that has to break an invariant in one of simulate's small worlds.
func in(world, name string, edits ...Edit) Mutant {
	return Mutant{name, "./simulate", "^TestInvariantsHold$/^" + world + "$", edits}
}

const (
	conditions = "shared/guard/conditions.go"
	reserve    = "functions/recheck/handler/decide.go"
	order      = "functions/revoke/handler/order.go"
	confirm    = "functions/revoke/handler/confirm.go"
	bad        = "shared/integrity/bad.go"
	judge      = "shared/integrity/judge.go"
	moves      = "shared/integrity/moves.go"
	notify     = "functions/notify/handler/handler.go"
	together   = "functions/notify/handler/together.go"
	restore    = "functions/restore/handler/handler.go"
	sweep      = "functions/sweep/handler/enforcements.go"
	climb      = "functions/sweep/handler/climb.go"
)

// Mutants are all of them.
var Mutants = []Mutant{
	in("calm", "a key is taken without fresh evidence",
		Edit{conditions, `	{"evidence", evidenceFails, nil},
`, ""}),
	in("calm", "holds are not asked",
		Edit{conditions, `		case h.stop.Set && (h.stop.Expires.IsZero() || now.Before(h.stop.Expires)):
			return h.reason
`, ""},
		Edit{reserve, `NotHeld: record.Scopes(m.ID, m.Policy), `, ""},
		Edit{order, `NotHeld: record.Scopes(m.ID, m.Policy), `, ""}),
	in("calm", "the breaker has room for all",
		Edit{"shared/guard/breaker.go", `	case b.Limit <= 0, b.Room() <= b.Ahead && !b.Mine:
		return ReasonBreakerOpen
`, ""}),
	in("calm", "a step that was told is told again",
		Edit{climb, `told.Escalated = record.Escalation{Violation: m.State.Since, Steps: m.Climbed() + 1}
`, `told.Escalated = record.Escalation{Violation: m.State.Since, Steps: 1}
`},
		Edit{climb, `p.Notify.Escalate, m.Climbed(), `, `p.Notify.Escalate, 0, `}),
	in("calm", "what was put right is told upwards",
		Edit{"shared/integrity/escalate.go", `	case s.LastVerdict == policy.Pass.String() || taken && !s.CorrectedAt.IsZero():
`, `	case taken && s.Key == KeyUntouched:
`},
		Edit{"shared/integrity/escalate.go", `s.Standing != Bad || !s.GoneAt.IsZero()`, `!s.GoneAt.IsZero()`}),
	in("calendar", "change calendars are not asked",
		Edit{"shared/guard/calendar.go", `		case !c.Open:
			return name, ReasonCalendarClosed
`, ""}),
	in("shared-key", "others on a key do not count",
		Edit{"shared/guard/dependants.go", `	case len(d.Others) > 0:
		return ReasonKeyShared
`, ""}),
	in("unheard", "a warning that came back counts",
		Edit{"shared/guard/delivery.go", `	return len(d.Counts) > 0 && `, `	return false && `}),
	in("together", "a mail of many promises what is over already",
		Edit{together, `integrity.Warned(one.m.State, r.BegunAt, one.p.Integrity).DueAt`, `integrity.Warned(one.m.State, one.m.State.Since, one.p.Integrity).DueAt`}),
	in("together", "who was warned with others is warned with the next ones too",
		Edit{together, `r.AcceptedAt.IsZero() {
			fresh`, `!r.BegunAt.IsZero() {
			fresh`}),
	in("together", "the others of a mail are not noted as warned",
		Edit{together, `	for i, one := range all {
		said, err`, `	for i, one := range all[:1] {
		said, err`}),
	in("waived", "waivers allow nothing",
		Edit{"functions/evaluate/handler/waivers.go", `	r = waiver.Apply(`, `	_ = waiver.Apply(`},
		Edit{"functions/recheck/handler/facts.go", `Covered: waiver.Covered(`, `Covered: false && waiver.Covered(`}),
	in("waived", "what a person took comes back when the machine complies",
		Edit{"shared/integrity/next.go", `	case !m.CommandedAt.IsZero():
		// A person decided`, `	case false:
		// A person decided`}),
	in("calm", "every policy revokes",
		Edit{"shared/integrity/next.go", `	return t.OnFail == policy.ActRevoke
}`, `	return true
}`}),
	in("calm", "the grace is a minute",
		Edit{moves, `max(terms.Grace, shortestGrace)`, `shortestGrace`}),
	in("calm", "a relapse is due at once",
		Edit{moves, `due = acceptedAt.Add(RelapseFloor)`, `due = acceptedAt.Add(time.Second)`}),
	in("silence-that-revokes", "silence counts at once",
		Edit{judge, `	if !m.silenceOver() {
		return
	}
	if m.terms.SilenceThen`, `	if m.terms.SilenceThen`}),
	in("silence-that-holds", "no answer is a failure",
		Edit{"functions/evaluate/handler/judge.go", `		change, err := h.change(now, c, l, m, p, result, unread)
`, `		if l.evidence == nil {
			result.Verdict = policy.Fail
		}
		change, err := h.change(now, c, l, m, p, result, unread)
`}),
	in("calm", "KMS is asked before that is written",
		Edit{order, `	at, superseded, err := h.recordOrder(ctx, now, t)
`, `	at, superseded, err := now, false, error(nil)
`}),
	in("calm", "a revocation is called done unread",
		Edit{order, `	if err := h.take(ctx, *m.Taken); err != nil {
		return enforcement.Ordered{}, err
	}
`, ""},
		Edit{confirm, `	if !gone {
`, `	if false && !gone {
`}),
	in("calm", "a correction is not restored",
		Edit{"functions/evaluate/handler/judge.go", `	case integrity.Restore:
		return enforcement.Input{Kind: enforcement.Restore}, true
`, ""},
		Edit{"shared/integrity/look.go", `			return Restore, true
`, `			return "", false
`}),
	in("key-disabled-before", "what was restored is what others took",
		Edit{restore, `	case m.Taken.HadNone:
		return given{reason: guard.ReasonNotOurs}, nil // it stays as somebody wanted it
`, ""}),
	in("calm", "holds are never lifted",
		Edit{"shared/guard/reason.go", `			return c.check(f, now) == ""
`, `			return false && c.check(f, now) == ""
`}),
	in("storm", "what fell over is not restarted",
		Edit{sweep, `		problems = append(problems, s.enforce(ctx, m.ID))
`, `		_ = m
`}),
	in("storm", "an accepted mail is sent again",
		Edit{notify, `	if err != nil || !r.AcceptedAt.IsZero() {
		return r, err
	}
	n.Repeated`, `	if err != nil {
		return r, err
	}
	n.Repeated`}),
	in("storm", "a repeated warning has a later deadline",
		Edit{notify, `		n.DueAt = integrity.Warned(m.State, r.BegunAt, p.Integrity).DueAt
`, `		n.DueAt = integrity.Warned(m.State, now, p.Integrity).DueAt
`}),
	in("calm", "nobody is told of a revocation",
		Edit{"statemachine/enforcement.asl.json", `"StringEquals": "revoked", "Next": "Say revoked"`, `"StringEquals": "revoked", "Next": "Done"`}),
	in("boots-late", "old evidence gives a key",
		Edit{"shared/keyrequest/decide.go", `	case f.Evidence > age(requests) || f.Evidence < -integrity.FutureLimit:
		return inspect(ReasonStale)
`, ""}),
	in("boots-bad", "a machine that is bad gets its key",
		Edit{"shared/keyrequest/decide.go", `	case policy.Fail:
		return decide(unapproved(r.OnFail), ReasonFail)
`, `	case policy.Fail:
		return decide(policy.Approve, ReasonFail)
`}),
	in("tags", "tags are not asked",
		Edit{conditions, `	{"tags", undrifted, []Reason{ReasonTagDrift}},
`, ""}),
	in("locked", "the key goes before the lock",
		Edit{"statemachine/enforcement.asl.json", `"StringEquals": "lock"}
          ],
          "Next": "Lock"`, `"StringEquals": "never"}
          ],
          "Next": "Lock"`}),
	in("locked", "a lock is believed unread",
		Edit{"functions/safeguard/handler/lock.go", `	if ok, why := safeguard.Locked(names, r.answer); !ok {
`, `	if ok, why := safeguard.Locked(names, r.answer); false && !ok {
`}),
	in("locked", "what was locked stays locked",
		Edit{"functions/safeguard/handler/lock.go", `	if g.BeforeAt.IsZero() {
		return unlocked,`, `	if true {
		return unlocked,`}),
	in("locked", "a snapshot that is pending is complete",
		Edit{"functions/safeguard/handler/snapshot.go", `		case s.State != "completed":
			return waiting, "", nil
`, ""}),
	in("halted", "effective is said before the machine is stopped",
		Edit{"functions/safeguard/handler/stop.go", `	case state == "stopping" || state == "shutting-down":
		return waiting, "", nil
`, `	case state == "stopping" || state == "shutting-down":
		return stopped, "EC2 says that it is " + state, h.effective(ctx, now, t, state)
`}),
	in("stopped", "a machine that is stopped is gone",
		Edit{"shared/integrity/presence.go", `	if m.in.Presence == Gone {
`, `	if m.in.Presence == Gone || m.in.Presence == Stopped {
`}),
}
