package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Part is one part of what a policy says, in sentences.
type Part struct {
	About string   `json:"about"`
	Says  []string `json:"says"`
}

// Explain says in plain sentences what the policy asks and what follows.
func (p *Policy) Explain() []Part {
	return []Part{
		{"machines", p.explainMachines()}, {"inspections", p.explainSchedule()}, {"rules", p.explainRules()},
		{"key requests", p.explainRequests()}, {"when a machine fails", p.explainFailing()}, {"when nothing is known", p.explainSilence()},
		{"giving back", p.explainRestore()}, {"mails", p.explainMails()},
	}
}

func (p *Policy) explainMachines() []string {
	m := p.Machines
	var says []string
	switch {
	case len(m.IDs) == 0 && len(m.Tags) == 0:
		return []string{"It is only for machines that are enrolled with its name."}
	case len(m.IDs) > 0 && len(m.Tags) > 0:
		says = append(says, fmt.Sprintf("It is for %s, if they have the tags %s.", strings.Join(m.IDs, ", "), tagList(m.Tags)))
	case len(m.IDs) > 0:
		says = append(says, fmt.Sprintf("It is for %s.", strings.Join(m.IDs, ", ")))
	default:
		says = append(says, fmt.Sprintf("It is for machines with the tags %s.", tagList(m.Tags)))
	}
	if len(m.Except) > 0 {
		says = append(says, fmt.Sprintf("It is never for %s.", strings.Join(m.Except, ", ")))
	}
	return append(says, fmt.Sprintf("Of several policies that match a machine, the one with the highest priority counts; this one has %d.", m.Priority))
}

func tagList(tags map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, k+"="+tags[k])
	}
	return strings.Join(all, ", ")
}

func (p *Policy) explainSchedule() []string {
	s := p.Schedule
	zone := s.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	var says string
	switch {
	case s.Daily != "":
		says = fmt.Sprintf("Machines are inspected every day at %s, %s", s.Daily, zone)
	case s.WeeklyOn != "":
		says = fmt.Sprintf("Machines are inspected every %s at %s, %s", s.WeeklyOn, s.WeeklyAt, zone)
	default:
		return []string{"Machines are inspected when the stack's own schedule says so."}
	}
	if s.Spread > 0 {
		says += ", or up to " + formatDuration(s.Spread) + " later"
	}
	return []string{says + "."}
}

func (p *Policy) explainRules() []string {
	judged := 0
	var says []string
	for i := range p.Rules {
		says = append(says, p.Rules[i].explain())
		if !p.Rules[i].Info {
			judged++
		}
	}
	if judged == 0 {
		return append(says, "No rule is judged, so the verdict is always Unknown: nothing is shown to be in order.")
	}
	return append(says, "A machine passes when all of these hold. What cannot be found out makes its verdict Unknown, unless a rule says otherwise.")
}

func (r *Rule) explain() string {
	text := fmt.Sprintf("%q: %s", r.Name, r.Expected)
	switch {
	case Verdict(r.Missing) == Fail:
		text += "; what is not known counts as a failure"
	case Verdict(r.Missing) == Pass:
		text += "; what is not known counts as in order"
	}
	if c := r.custom(); c != nil && c.text.Each.Text != "" {
		text += map[Verdict]string{Unknown: "; if there are none, that is unknown", Fail: "; if there are none, it fails", Pass: "; if there are none, it passes"}[c.text.Empty]
	}
	if r.Info {
		text += "; only shown"
	}
	return text + "."
}

var decisionWords = map[Decision]string{Approve: "is approved", Deny: "is denied", Hold: "waits for a person"}

func (p *Policy) explainRequests() []string {
	q := p.Requests
	says := []string{
		fmt.Sprintf("The request of a machine that passes %s, of one that fails %s, of one about which nothing is known %s.",
			decisionWords[q.OnPass], decisionWords[q.OnFail], decisionWords[q.OnUnknown]),
	}
	if q.AutoApprove > 0 {
		says = append(says, fmt.Sprintf("One that waits is approved by itself after %s, if the machine passes.", formatDuration(q.AutoApprove)))
	}
	return append(says,
		fmt.Sprintf("Evidence counts for it that is at most %s old; else the machine is inspected first.", formatDuration(q.EvidenceAge)),
		fmt.Sprintf("What waits ends after %s.", formatDuration(q.Expire)))
}

func (p *Policy) explainFailing() []string {
	i := p.Integrity
	bad := "Once an inspection fails"
	switch {
	case i.ConfirmOf > i.Confirm:
		bad = fmt.Sprintf("Once %d of the last %d inspections failed", i.Confirm, i.ConfirmOf)
	case i.Confirm > 1:
		bad = fmt.Sprintf("Once %d inspections in a row failed, 10m apart", i.Confirm)
	}
	switch i.OnFail {
	case ActRevoke:
		return append([]string{
			fmt.Sprintf("%s, people are warned by mail. %s after the mail was accepted the machine is looked at again, and if it still fails, its key is taken.", bad, formatDuration(i.Grace)),
			"Passing before that ends it, and so does a waiver of all that it fails by. Under a hold nothing is taken.",
			p.explainKey(),
		}, p.explainCare()...)
	case ActHold:
		return []string{bad + ", a person decides. No key is taken by itself."}
	default:
		return []string{bad + ", people are told by mail. No key is taken."}
	}
}

func (p *Policy) explainKey() string {
	switch {
	case p.Integrity.Mode == DisableKey && p.Integrity.SharedAllowed:
		return "To take it, the key is disabled in KMS, for everybody who uses it."
	case p.Integrity.Mode == DisableKey:
		return "To take it, the key is disabled in KMS; if others depend on it, it is not, and a person decides."
	default:
		return "To take it, the machine's grant is removed in KMS; others who use the key keep it."
	}
}

// explainCare says how data is kept safe, when the clock stands still, and what waits.
func (p *Policy) explainCare() []string {
	i := p.Integrity
	var says []string
	if i.Snapshot {
		says = append(says, fmt.Sprintf("Before that its volumes are snapshotted, within %s.", formatDuration(i.Safeguard.SnapshotWithin)))
	}
	if i.Lock {
		says = append(says, fmt.Sprintf("Before that its data is put at rest on the machine, within %s.", formatDuration(i.Safeguard.LockWithin)))
	}
	switch {
	case i.Effect == EffectStop:
		says = append(says, "After it EC2 stops the instance, so that nothing can be read any more.")
	case i.Effect == "" && !i.Lock:
		says = append(says, "What the machine has open by then it can still read, until it is stopped or its volumes are detached.")
	}
	if i.Settle > 0 {
		says = append(says, fmt.Sprintf("For %s after a launch, a reboot, a patching or a restore no failure counts.", formatDuration(i.Settle)))
	}
	if len(i.Calendars) > 0 {
		says = append(says, fmt.Sprintf("While %s is closed, or cannot be read, nothing is taken.", strings.Join(i.Calendars, " or ")))
	}
	return append(says, fmt.Sprintf("After %d revocations and restores of a key within 24h a person decides.", i.Changes))
}

func (p *Policy) explainSilence() []string {
	i := p.Integrity
	if i.SilenceThen != ActRevoke {
		return []string{fmt.Sprintf("After %s without an answer that can be judged, a person decides. Silence takes no key.", formatDuration(i.SilenceAfter))}
	}
	return []string{fmt.Sprintf("After %s without an answer that can be judged, people are warned; %s after that mail the key is taken, if EC2 says that the instance is up and well while others answer.",
		formatDuration(i.SilenceAfter), formatDuration(i.Grace))}
}

func (p *Policy) explainRestore() []string {
	i := p.Integrity
	if !p.TakesKeys() {
		return []string{"Nothing is taken by this policy, so nothing has to be given back."}
	}
	says := []string{"What is in order again gets its key back when a person says so."}
	if !i.RestoreManual {
		says = []string{"What passes again gets its key back by itself."}
		if i.RestoreAfter > 1 {
			says = []string{fmt.Sprintf("What passes %d inspections in a row gets its key back by itself.", i.RestoreAfter)}
		}
	}
	return append(says, fmt.Sprintf("For that it is inspected every %s, up to %d times, and with every scheduled inspection.", formatDuration(i.RetryEvery), i.RetryUpTo))
}

// TakesKeys says whether a key can be taken by this policy.
func (p *Policy) TakesKeys() bool {
	return p.Integrity.OnFail == ActRevoke || p.Integrity.SilenceThen == ActRevoke
}

// Soonest is the shortest time from the first failing inspection to the key being taken; false when this
// policy takes none for a failure. Inspections that confirm a failure are 10 minutes apart.
func (p *Policy) Soonest() (time.Duration, bool) {
	const apart = 10 * time.Minute
	return time.Duration(p.Integrity.Confirm-1)*apart + p.Integrity.Grace, p.Integrity.OnFail == ActRevoke
}

func (p *Policy) explainMails() []string {
	to := "the machine's owner, or to the account's contact if it has none"
	if len(p.Notify.To) > 0 {
		to = "the machine's owner and " + strings.Join(p.Notify.To, ", ")
	}
	says := []string{"Mails go to " + to + "."}
	if p.Integrity.Remind > 0 {
		says = append(says, fmt.Sprintf("While a machine stays Bad, they are repeated every %s.", formatDuration(p.Integrity.Remind)))
	}
	says = append(says, p.explainEscalation()...)
	if soonest, ok := p.Soonest(); ok {
		return append(says, fmt.Sprintf("Soonest a key is taken %s after the first failing inspection. A relapse within 7 days resumes the old deadline, at least 30m after the new mail.", formatDuration(soonest)))
	}
	return says
}
