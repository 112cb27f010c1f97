// Package finding says how a change of a machine's record is told to those who keep findings: Security Hub, which has one
// for each rule that a machine failed, and Systems Manager's compliance, which has the whole of a machine. It sends nothing;
// functions/findings does.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Status is whether a rule is kept, in Security Hub's words.
type Status string

// The statuses.
const (
	Passed  Status = "PASSED"
	Failed  Status = "FAILED"
	Unknown Status = "NOT_AVAILABLE"
)

// Workflow is what of a finding is left to people, in Security Hub's words; "" leaves it as it is.
type Workflow string

// The workflows that are set.
const (
	New        Workflow = "NEW"
	Resolved   Workflow = "RESOLVED"
	Suppressed Workflow = "SUPPRESSED"
)

// Finding is one rule on one machine.
type Finding struct {
	ID          string
	Machine     string
	Policy      string
	Version     int // of the policy
	Rule        string
	Title       string
	Description string
	Fix         string
	Status      Status
	Archived    bool // nobody asks for it any more: the rule, or the machine, is gone
	Workflow    Workflow
	Created     time.Time
	Updated     time.Time
}

// Looked is what the inspection said that a machine's record is of: every rule, those too that passed. The zero value says
// that it is not known.
type Looked struct {
	Known   bool
	Command string
	Result  policy.Result
}

// Told says whether something changed between two states of a record that others are told of.
func Told(old, now record.Machine) bool {
	return !drill.Is(now.ID) && !now.State.LastEvidence.IsZero() &&
		(!reflect.DeepEqual(old.Findings, now.Findings) || !reflect.DeepEqual(old.Waived, now.Waived) || old.Policy != now.Policy ||
			old.PolicyUsed != now.PolicyUsed || old.State.GoneAt.IsZero() != now.State.GoneAt.IsZero())
}

// Of are the findings that changed between two states of a record: what newly failed or failed otherwise, what is in order
// again, and what nobody asks any more.
func Of(p event.Place, old, now record.Machine, looked Looked) []Finding {
	was, is := rules(old), rules(now)
	gone := !now.State.GoneAt.IsZero()
	var all []Finding
	for _, name := range names(was, is) {
		before, had := was[name]
		f, has := is[name]
		if gone && !had && !has {
			continue
		}
		if has && had && !gone && before.finding.Verdict == f.finding.Verdict && before.finding.Actual == f.finding.Actual && before.waived == f.waived {
			continue
		}
		if !has {
			f = rule{finding: before.finding}
			f.finding.Verdict = policy.Unknown
		}
		told := told(p, now, f.finding)
		told.Created = created(old, now)
		switch {
		case gone || !has && !judged(looked, name):
			told.Archived = true
		case !has:
			told.Status, told.Workflow = Passed, Resolved
			told.Description = "In order again: " + event.Line(before.finding.Expected, maxText)
		case f.waived:
			told.Workflow = Suppressed
		case before.waived:
			told.Workflow = New
		}
		all = append(all, told)
	}
	return all
}

// maxText is how much of a text is told: Security Hub takes 1,024 characters of a description.
const maxText = 300

func told(p event.Place, m record.Machine, f policy.Finding) Finding {
	name := event.Line(f.Rule, 200)
	return Finding{
		ID: "keyward/" + p.Region + "/" + p.Account + "/" + m.ID + "/" + name, Machine: m.ID, Policy: m.Policy, Version: m.PolicyUsed, Rule: name,
		Title: "Keyward: " + event.Line(f.Rule, 200), Description: "Expected: " + event.Line(f.Expected, maxText) + ". Found: " + event.Line(f.Actual, maxText),
		Fix: event.Line(f.Fix, maxText), Status: statusOf(f.Verdict), Updated: updated(m),
	}
}

// statusOf is the status of a rule that is in a record, where those that passed are not.
func statusOf(v policy.Verdict) Status {
	if v == policy.Fail {
		return Failed
	}
	return Unknown
}

// updated is when what a record says was found, which only grows.
func updated(m record.Machine) time.Time {
	at := m.State.LastEvidence
	for _, other := range []time.Time{m.State.LastNews, m.State.GoneAt} {
		if other.After(at) {
			at = other
		}
	}
	return at
}

// created is when the machine ceased to comply, as far as is known.
func created(old, now record.Machine) time.Time {
	for _, at := range []time.Time{old.BrokeAt, now.BrokeAt, now.EnrolledAt} {
		if !at.IsZero() {
			return at
		}
	}
	return now.State.LastEvidence
}

// rule is what a record has of one.
type rule struct {
	finding policy.Finding
	waived  bool
}

// rules are those of a record that are not in order, or are waived, by name. Of two findings of one rule the worse counts.
func rules(m record.Machine) map[string]rule {
	all := map[string]rule{}
	for _, f := range m.Waived {
		all[f.Rule] = rule{finding: f, waived: true}
	}
	for _, f := range m.Findings {
		if have, there := all[f.Rule]; !there || have.waived || f.Verdict == policy.Fail {
			all[f.Rule] = rule{finding: f}
		}
	}
	return all
}

func names(maps ...map[string]rule) []string {
	var all []string
	for _, m := range maps {
		for name := range m {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// judged says whether the inspection has a word on a rule.
func judged(l Looked, name string) bool {
	return l.Known && slices.ContainsFunc(l.Result.Findings, func(f policy.Finding) bool { return f.Rule == name })
}

// Item is one rule in Systems Manager's compliance.
type Item struct {
	ID        string
	Title     string
	Compliant bool
	Details   map[string]string
}

// Compliance is all that Systems Manager is told of a machine; it replaces what it was told before.
type Compliance struct {
	Machine string
	Command string // of the inspection
	At      time.Time
	Items   []Item
	Hash    string // of the items
}

// ComplianceOf is what the inspection says of each rule. False: nothing can be said, since it is not kept any more, or there
// is no machine to say it of.
func ComplianceOf(now record.Machine, looked Looked) (Compliance, bool) {
	if !looked.Known || !now.State.GoneAt.IsZero() {
		return Compliance{}, false
	}
	c := Compliance{Machine: now.ID, Command: looked.Command, At: now.State.LastEvidence}
	for _, f := range looked.Result.Findings {
		if f.Info {
			continue
		}
		details := map[string]string{"Policy": now.Policy, "Verdict": f.Verdict.String(), "Expected": event.Line(f.Expected, maxText), "Actual": event.Line(f.Actual, maxText)}
		if f.Fix != "" {
			details["Fix"] = event.Line(f.Fix, maxText)
		}
		if len(f.Waived) > 0 {
			details["Waived"] = "until " + f.Waived[0].Expires.UTC().Format(time.RFC3339)
		}
		item := Item{ID: event.Line(f.Rule, 100), Title: event.Line(f.Expected, maxText), Compliant: f.Counts() == policy.Pass, Details: details}
		if i := slices.IndexFunc(c.Items, func(have Item) bool { return have.ID == item.ID }); i < 0 {
			c.Items = append(c.Items, item)
		} else if !item.Compliant {
			c.Items[i] = item
		}
	}
	text, _ := json.Marshal(c.Items) // strings and truths
	sum := sha256.Sum256(text)
	c.Hash = hex.EncodeToString(sum[:])
	return c, true
}
