package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func stack(f Facts) Line {
	s := f.Stack.Value
	switch {
	case f.Stack.Err != "":
		return unknown(f.Stack.Err)
	case strings.HasSuffix(s.Status, "_FAILED"):
		return problem("see aws cloudformation describe-stack-events; docs/deploy.md says what a refused deletion leaves", "%s is %s: %s", s.Name, s.Status, s.Reason)
	case strings.HasSuffix(s.Status, "_IN_PROGRESS"):
		return warning("wait, then run this again", "%s is %s", s.Name, s.Status)
	case strings.Contains(s.Status, "ROLLBACK"):
		return warning("see aws cloudformation describe-stack-events, and deploy again", "%s is %s: its last update did not go through, what runs is the version before", s.Name, s.Status)
	case !s.Protected:
		return warning("aws cloudformation update-termination-protection --enable-termination-protection --stack-name "+s.Name, "%s is %s, and not protected from deletion", s.Name, s.Status)
	}
	return ok("%s is %s, and protected from deletion", s.Name, s.Status)
}

func versions(f Facts) Line {
	s := f.Status.Value
	switch {
	case f.Status.Err != "":
		return unknown(f.Status.Err)
	case s.Version != f.Version:
		return warning("use the command line of the stack's version, or deploy this one", "the stack is Keyward %s, this command line %s", s.Version, f.Version)
	case s.Commit != f.Commit:
		return warning("build both from one commit", "stack and command line are both Keyward %s, built from %s and %s", s.Version, s.Commit, f.Commit)
	}
	return ok("stack and command line are Keyward %s (%s)", s.Version, s.Commit)
}

func documents(f Facts) Line {
	var differ []string
	for _, id := range slices.Sorted(maps.Keys(f.Documents)) {
		switch d := f.Documents[id]; {
		case d.Err != "":
			return unknown(d.Err)
		case !d.Value:
			differ = append(differ, id)
		}
	}
	switch {
	case len(f.Documents) == 0:
		return unknown("the stack could not be read")
	case len(differ) > 0:
		return problem("deploy again, and see in CloudTrail who changed it", "%s: not the text of this version, so that functions of this version send nothing", some(differ))
	}
	return ok("what runs on machines is the text of this version")
}

func account(f Facts) Line {
	m := f.Mail.Value
	switch {
	case f.Mail.Err != "":
		return unknown(f.Mail.Err)
	case m.Sandbox && m.Review == "PENDING":
		return problem("wait for AWS's answer, which takes a day or so", "the account is in the SES sandbox, and AWS looks at the request to leave it")
	case m.Sandbox && m.Review != "":
		return problem("see the case in the Support Center, then scripts/ses production", "the account is in the SES sandbox, and AWS said %s to the request to leave it", m.Review)
	case m.Sandbox:
		return problem("scripts/ses production", "the account is in the SES sandbox: mail to addresses that are not verified is refused, and without a warning nothing is ever revoked")
	case !m.Sends || m.Enforcement == "SHUTDOWN":
		return problem("see the account's reputation in the console of SES", "SES sends nothing for this account: %s", m.Enforcement)
	case m.Enforcement != "HEALTHY":
		return warning("see the account's reputation in the console of SES", "SES says of this account: %s", m.Enforcement)
	}
	return ok("it is out of the SES sandbox and may send")
}

// mailsEach is how many mails a day one machine may cause on a bad day: warning and reminder, to owner and policy.
const mailsEach = 4

func mailQuota(f Facts) Line {
	m, need := f.Mail.Value, float64(len(f.Machines.Value)*mailsEach)
	switch {
	case f.Mail.Err != "":
		return unknown(f.Mail.Err)
	case f.Machines.Err != "":
		return unknown(f.Machines.Err)
	case m.Day < 0:
		return ok("no limit a day, %.0f a second", m.Rate)
	case m.Day-m.Sent <= 0:
		return problem("have the quota raised in Service Quotas", "all %.0f mails of the last 24 hours are used", m.Day)
	case m.Day < need:
		return warning("have the quota raised in Service Quotas", "%.0f mails a day for %d machines: %.0f may be needed when all fail at once", m.Day, len(f.Machines.Value), need)
	}
	return ok("%.0f mails a day, %.0f of them used, %.0f a second", m.Day, m.Sent, m.Rate)
}

func sender(f Facts) Line {
	address := f.Stack.Value.Parameters["SenderAddress"]
	switch {
	case f.Sender.Err != "":
		return unknown(f.Sender.Err)
	case !f.Sender.Value:
		return problem("follow the link in SES's mail to it, or have it sent again: scripts/ses verify", "%s is not verified: SES refuses every mail from it", address)
	}
	return ok("%s is verified", address)
}

func alarms(f Facts) Line {
	if f.Alarms.Err != "" {
		return unknown(f.Alarms.Err)
	}
	var waiting []string
	for _, s := range f.Alarms.Value {
		if !s.Confirmed {
			waiting = append(waiting, s.Endpoint)
		}
	}
	switch {
	case len(f.Alarms.Value) == 0:
		return problem("subscribe somebody to the topic Alarms", "nobody gets alarms")
	case len(waiting) > 0:
		return problem("follow the link in SNS's mail, or have it sent again: subscribe the address to the topic Alarms once more", "not confirmed, so that no alarm arrives: %s", some(waiting))
	}
	return ok("%d get alarms", len(f.Alarms.Value))
}

// stackSchedules are the stack's own, with the parameters that say when they fire.
var stackSchedules = map[string]struct{ expression, zone, without string }{
	"InspectFunctionDaily": {"ScheduleExpression", "ScheduleTimeZone", "no machine without a schedule of its policy is inspected"},
	"SweepFunctionOften":   {"SweepRate", "", "what was lost or is overdue is not found"},
	"DrillFunctionDaily":   {"DrillSchedule", "", "nothing proves that revoking works"},
}

// StackSchedules are the logical ids of the stack's own schedules.
func StackSchedules() []string { return slices.Sorted(maps.Keys(stackSchedules)) }

func schedules(f Facts) Line {
	if f.Stack.Err != "" {
		return unknown(f.Stack.Err)
	}
	var wrong []string
	for _, id := range StackSchedules() {
		s, about := f.Schedules[id], stackSchedules[id]
		parameters := f.Stack.Value.Parameters
		off := id == "DrillFunctionDaily" && parameters["Drill"] == "off"
		switch {
		case s.Err != "":
			return unknown(s.Err)
		case off:
		case !s.Value.There:
			wrong = append(wrong, id+" is not there: "+about.without)
		case !s.Value.On:
			wrong = append(wrong, id+" is switched off: "+about.without)
		case s.Value.Expression != parameters[about.expression] || about.zone != "" && s.Value.TimeZone != parameters[about.zone]:
			wrong = append(wrong, fmt.Sprintf("%s is %s in %s, not as the stack's parameters say", id, s.Value.Expression, s.Value.TimeZone))
		}
	}
	if len(wrong) > 0 {
		return problem("switch it on in EventBridge Scheduler, or deploy with the times that it should have", "%s", strings.Join(wrong, "; "))
	}
	return ok("the stack's schedules are on, as its parameters say")
}

func timeZone(f Facts) Line {
	if f.Stack.Err != "" {
		return unknown(f.Stack.Err)
	}
	name := f.Stack.Value.Parameters["ScheduleTimeZone"]
	if _, err := time.LoadLocation(name); err != nil || name == "" {
		return problem("deploy with a name of the IANA database, such as Europe/Berlin", "ScheduleTimeZone is %q, which is no time zone", name)
	}
	return ok("%s", name)
}

func own(f Facts) Line {
	if f.Policies.Err != "" {
		return unknown(f.Policies.Err)
	}
	var wrong []string
	with := 0
	for _, p := range f.Policies.Value {
		compiled, err := p.Compile()
		if err != nil {
			return problem("put a version that this Keyward understands", "policy %s cannot be read, so that it judges nobody: %v", p.Name, err)
		}
		plan, has := compiled.Schedule.Plan()
		if !has {
			continue
		}
		with++
		switch s := f.Own[p.Name]; {
		case s.Err != "":
			return unknown(s.Err)
		case !s.Value.There:
			wrong = append(wrong, p.Name+" has none")
		case !s.Value.On:
			wrong = append(wrong, p.Name+"'s is switched off")
		case s.Value.Expression != plan.Expression || s.Value.TimeZone != plan.TimeZone:
			wrong = append(wrong, fmt.Sprintf("%s's is %s in %s, not %s in %s", p.Name, s.Value.Expression, s.Value.TimeZone, plan.Expression, plan.TimeZone))
		}
	}
	if len(wrong) > 0 {
		return problem("keyward policy put makes a policy's schedule anew", "%s", some(wrong))
	}
	return ok("%d of %d policies have one, each on and as the policy says", with, len(f.Policies.Value))
}

func sweep(f Facts) Line {
	s := f.Status.Value
	late := s.Time.Sub(s.SweptAt)
	switch {
	case f.Status.Err != "":
		return unknown(f.Status.Err)
	case s.SweptAt.IsZero():
		return problem("see the schedule SweepFunctionOften and the function's log", "no sweep was ever completed")
	case late > sweepLate:
		return problem("see the schedule SweepFunctionOften and the function's log", "the last completed sweep began %s ago", late.Round(time.Minute))
	case len(s.Paused) > 0:
		return warning("see to SSM, network and rights: keyward machine list", "too many machines are silent, so that deadlines are moved")
	}
	return ok("the last one began %s ago", late.Round(time.Second))
}

func letters(f Facts) Line {
	switch {
	case f.Letters.Err != "":
		return unknown(f.Letters.Err)
	case f.Letters.Value > 0:
		return warning("read them in the queue of the output DeadLettersUrl, then purge it", "%d events were given up", f.Letters.Value)
	}
	return ok("none")
}
