package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type machineCommands struct {
	List    machineList    `cmd:"" help:"List the enrolled machines."`
	Show    machineShow    `cmd:"" help:"Show one machine: standing, findings, deadline, and what would stop a revocation."`
	Check   machineCheck   `cmd:"" help:"Inspect a machine now. Exit code 3 if it does not comply."`
	Enrol   machineEnrol   `cmd:"" help:"Bind a machine to its key and policy."`
	Restore machineRestore `cmd:"" help:"Give a revoked key back."`
	Resume  machineResume  `cmd:"" help:"Let a machine go on that was left to a person."`
	Ledger  machineLedger  `cmd:"" help:"Show everything that was done about a machine."`
}

type machineList struct {
	Due bool `help:"Only those whose keys are to be revoked, in the order in which that will be, and how long it will take."`
}

func (machineList) Help() string {
	return "Example:\n  keyward machine list --due"
}

func (a machineList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	if a.Due {
		return listDue(ctx, api, p)
	}
	machines, err := api.Machines(ctx)
	if err != nil {
		return err
	}
	status, err := api.Status(ctx)
	if err != nil {
		return err
	}
	return p.Value(machines, func() {
		var rows [][]string
		for _, m := range machines {
			rows = append(rows, []string{m.ID, show.Or(m.Name, "-"), m.Policy, standing(m.State), key(m), ago(status.Time, m.State.GoodAt), show.Time(m.State.DueAt), show.Or(m.State.Why, "-")})
		}
		p.Table([]string{"MACHINE", "NAME", "POLICY", "STANDING", "KEY", "GOOD", "DUE", "WHY"}, rows, "No machine is enrolled.")
	})
}

// ago is how long something is ago by the stack's clock, in the largest unit that fits; "never" when it never was.
func ago(now, at time.Time) string {
	d := now.Sub(at)
	switch {
	case at.IsZero():
		return "never"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days ago", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d/time.Hour))
	default:
		return fmt.Sprintf("%d min ago", int(max(d, 0)/time.Minute))
	}
}

func standing(s integrity.State) string { return show.Or(string(s.Standing), "Unknown") }

// key is what Keyward did with the key, and what KMS shows beside it.
func key(m record.Machine) string {
	text := show.Or(string(m.State.Key), "not released")
	switch {
	case m.State.Key == integrity.KeyRevoked && len(m.NotEffective) > 0:
		return text + ", not effective"
	case m.State.Key == integrity.KeyReleased && m.KeyLost != "":
		return text + ", disabled by others"
	}
	return text
}

type machineShow struct {
	ID string `arg:"" help:"Machine id, such as i-1234567890abcdef0."`
}

func (machineShow) Help() string { return "Example:\n  keyward machine show i-1234567890abcdef0" }

func (a machineShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	v, err := api.Machine(ctx, a.ID)
	if err != nil {
		return err
	}
	return p.Value(v, func() { printMachine(p, v) })
}

func printMachine(p *show.Printer, v record.MachineView) {
	m, s := v.Machine, v.Machine.State
	p.Table(nil, [][]string{
		{"machine", m.ID + " " + m.Name}, {"owner", show.Or(m.Owner, "-")},
		{"policy", fmt.Sprintf("%s, version %d at the last judgement", m.Policy, m.PolicyUsed)},
		{"standing", fmt.Sprintf("%s since %s", standing(s), show.Time(s.Since))},
		{"last verdict", fmt.Sprintf("%s of the inspection of %s", show.Or(s.LastVerdict, "none"), show.Time(s.LastEvidence))},
		{"last proven good", fmt.Sprintf("%s, last answer that could be judged %s", show.Time(s.GoodAt), show.Time(s.KnownAt))},
		{"key", fmt.Sprintf("%s since %s, %s, %s", key(m), show.Time(s.KeySince), m.Key.Mode, m.Key.ARN)},
		{"what follows", follows(v)},
	}, "")
	if rows := safeguarded(m); len(rows) > 0 {
		p.Table(nil, rows, "")
	}
	if s.Key == integrity.KeyRevoked {
		for _, way := range m.NotEffective {
			p.Line("Not effective: %s", way)
		}
	}
	printDependants(p, v)
	for _, f := range m.Findings {
		p.Line("")
		p.Line("%s: %s", f.Verdict, f.Rule)
		rows := [][]string{{"  expected", f.Expected}, {"  actual", f.Actual}, {"  fix", show.Or(f.Fix, "-")}}
		for _, v := range f.Values {
			rows = append(rows, []string{"  value", v}) // what a waiver would be pinned to
		}
		p.Table(nil, rows, "")
	}
	for _, f := range m.Waived {
		p.Line("")
		p.Line("Waived: %s", f.Rule)
		rows := [][]string{{"  expected", f.Expected}, {"  actual", f.Actual}}
		for _, w := range f.Waived {
			rows = append(rows, []string{"  allowed", fmt.Sprintf("until %s by %s, %s: %s", show.Time(w.Expires), w.By, w.Waiver, w.Reason)})
		}
		p.Table(nil, rows, "")
	}
	for _, w := range unused(v) {
		p.Line("")
		p.Line("Waiver %s until %s allows %s: %s", w.ID, show.Time(w.Expires), w.Rule, strings.Join(w.Values, "; "))
	}
}

// unused are the waivers for a machine that it was not judged by: nothing is found that they allow, or
// they were set since.
func unused(v record.MachineView) []record.Waiver {
	return slices.DeleteFunc(slices.Clone(v.Waivers), func(w record.Waiver) bool {
		return slices.ContainsFunc(v.Machine.Waived, func(f policy.Finding) bool {
			return slices.ContainsFunc(f.Waived, func(p policy.Permission) bool { return p.Waiver == w.ID })
		})
	})
}

// printDependants says who else depends on the key where its revocation would reach them.
func printDependants(p *show.Printer, v record.MachineView) {
	d := v.Dependants
	if v.Machine.Key.Mode != policy.DisableKey {
		return
	}
	p.Line("")
	if !d.Read {
		p.Line("Who else depends on the key could not be read: %s", show.Or(d.Unread, "not asked"))
		return
	}
	var rows [][]string
	for _, list := range []struct {
		label string
		lines []string
	}{{"others on the key", d.Others}, {"its own", d.Own}, {"alias", d.Aliases}} {
		for _, line := range list.lines {
			rows = append(rows, []string{list.label, line})
		}
	}
	p.Table(nil, append(rows, []string{"last use", d.LastUse}, []string{"not seen", d.Unseen}), "")
}

// safeguarded keeps apart what was ordered, what KMS confirmed, since when that holds everywhere, and who says that
// the data can no longer be read; with what was done on the machine before.
func safeguarded(m record.Machine) [][]string {
	var rows [][]string
	if taken := m.Taken; taken != nil {
		by := "nobody says so"
		if !taken.EffectiveAt.IsZero() {
			by = show.Time(taken.EffectiveAt) + ", says " + map[string]string{record.ByMachine: "the machine", record.ByAWS: "AWS"}[taken.EffectiveBy]
		}
		rows = append(rows, []string{"ordered", show.Time(taken.OrderedAt)}, []string{"confirmed", show.Time(taken.ConfirmedAt)},
			[]string{"in force", show.Time(taken.InForceAt)}, []string{"effective", by})
	}
	if g := m.Safeguard; g != nil && (m.Taken == nil || g.Generation == m.Taken.Generation) {
		for _, row := range [][]string{{"snapshots", snapshots(g)}, {"on the machine", g.Text}, {"step that failed", g.Failed}} {
			if row[1] != "" {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func snapshots(g *record.Safeguard) string {
	var all []string
	for _, s := range g.Snapshots {
		all = append(all, s.ID+" of "+s.Volume+" "+s.State)
	}
	return strings.Join(all, ", ")
}

// follows is the line that people look for: when the key goes, or why it does not.
func follows(v record.MachineView) string {
	s := v.Machine.State
	var text string
	switch {
	case s.Key == integrity.KeyRevoked:
		text = "the key is revoked; it comes back once the machine complies"
		if len(v.Machine.NotEffective) > 0 {
			text = "the key is revoked, not effective; it comes back once the machine complies"
		}
	case s.Standing != integrity.Bad:
		return "nothing"
	case s.DueAt.IsZero():
		text = "would be revoked once the warning was accepted and the grace is over"
	default:
		text = "would be revoked at " + show.Time(s.DueAt)
	}
	if s.HeldFor != "" {
		return text + "; held since " + show.Time(s.HeldSince) + " because " + reason(record.Stop{Text: guard.Reason(s.HeldFor).Text(), Detail: detail(v.Stops, s.HeldFor)})
	}
	for _, stop := range v.Stops {
		text += "; held because " + reason(stop)
	}
	return text
}

// reason is a stop in words, with what it is about.
func reason(s record.Stop) string {
	if s.Detail == "" {
		return s.Text
	}
	return s.Text + ": " + s.Detail
}

// detail is what a reason is about now, "" when it stops nothing any more.
func detail(stops []record.Stop, why string) string {
	for _, s := range stops {
		if s.Reason == why {
			return s.Detail
		}
	}
	return ""
}

type machineCheck struct {
	ID   string        `arg:"" help:"Machine id."`
	Wait time.Duration `help:"How long to wait for the verdict; 0 only asks." default:"60s"`
}

func (machineCheck) Help() string { return "Example:\n  keyward machine check i-1234567890abcdef0" }

func (a machineCheck) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	asked, err := api.Check(ctx, a.ID)
	if err != nil {
		return err
	}
	if a.Wait == 0 {
		return p.Value(map[string]any{"machine": a.ID, "askedAt": asked}, func() { p.Line("Asked for an inspection of %s at %s.", a.ID, show.Time(asked)) })
	}
	v, err := judgedSince(ctx, api.Machine, a.ID, asked, a.Wait)
	if err != nil {
		return err
	}
	if err := p.Value(v, func() { printMachine(p, v) }); err != nil {
		return err
	}
	if verdict := v.Machine.State.LastVerdict; verdict != policy.Pass.String() {
		return &notInOrder{fmt.Sprintf("%s: verdict %s", a.ID, verdict)}
	}
	return nil
}

// judgedSince waits until an inspection that was sent after asked is judged.
func judgedSince(ctx context.Context, machine func(context.Context, string) (record.MachineView, error), id string, asked time.Time, wait time.Duration) (record.MachineView, error) {
	const every = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		v, err := machine(ctx, id)
		if err != nil {
			return v, err
		}
		if e := v.Evidence; e != nil && !e.Sent.Before(asked) {
			return machine(ctx, id) // the API reads the machine before its evidence, so this one may be older
		}
		select {
		case <-ctx.Done():
			return v, fmt.Errorf("waiting for the verdict on %s: none within %s; see keyward machine show", id, wait)
		case <-time.After(every):
		}
	}
}

type machineEnrol struct {
	ID     string      `arg:"" help:"Machine id."`
	Role   string      `required:"" help:"ARN of the instance's IAM role."`
	Key    string      `required:"" help:"Id, ARN or alias of its KMS key, which is tagged keyward:guarded = true."`
	Policy string      `help:"Policy by name; without it the one that matches the machine's tags."`
	Mode   policy.Mode `help:"How its key is taken away: revoke-grant or disable-key; without it as the policy says." enum:",revoke-grant,disable-key" default:""`
	Name   string      `help:"What people call it."`
	Owner  string      `help:"E-mail address of its owner."`
}

func (machineEnrol) Help() string {
	return "Example:\n  keyward machine enrol i-1234567890abcdef0 --role arn:aws:iam::123456789012:role/web --key alias/web --policy web-tier"
}

func (a machineEnrol) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	m, err := api.Enrol(ctx, a.ID, record.Enrolment{Name: a.Name, Owner: a.Owner, Role: a.Role, Policy: a.Policy, Key: a.Key, Mode: a.Mode})
	if err != nil {
		return err
	}
	return p.Value(m, func() {
		p.Line("%s is enrolled under policy %s with key %s, %s.", m.ID, m.Policy, m.Key.ARN, m.Key.Mode)
	})
}

type machineRestore struct {
	ID     string `arg:"" help:"Machine id."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (machineRestore) Help() string {
	return "Example:\n  keyward machine restore i-1234567890abcdef0 --reason 'false alarm, ticket 4711'"
}

func (a machineRestore) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	m, err := api.Restore(ctx, a.ID, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(m, func() { p.Line("Restoring the key of %s: execution %s.", m.ID, m.Execution) })
}

type machineResume struct {
	ID     string `arg:"" help:"Machine id."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (machineResume) Help() string {
	return "Example:\n  keyward machine resume i-1234567890abcdef0 --reason 'the kernel is pinned now, ticket 4711'"
}

func (a machineResume) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	m, err := api.Resume(ctx, a.ID, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(m, func() { p.Line("%s goes on; what is owed starts with the next sweep.", m.ID) })
}

type machineLedger struct {
	ID string `arg:"" help:"Machine id."`
}

func (machineLedger) Help() string { return "Example:\n  keyward machine ledger i-1234567890abcdef0" }

func (a machineLedger) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	entries, err := api.Ledger(ctx, a.ID)
	if err != nil {
		return err
	}
	return p.Value(entries, func() {
		var rows [][]string
		for _, e := range entries {
			rows = append(rows, []string{show.Time(e.At), string(e.Kind), e.Text, show.Or(e.By, "-")})
		}
		p.Table([]string{"TIME", "KIND", "WHAT", "BY"}, rows, "Nothing happened yet.")
	})
}
