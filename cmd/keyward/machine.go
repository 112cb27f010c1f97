package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
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
	Due      bool   `help:"Only those whose keys are to be revoked, in the order in which that will be, and how long it will take."`
	Policy   string `help:"Only those under this policy." placeholder:"NAME"`
	Standing string `help:"Only those with this standing: Good, Bad or Unknown." placeholder:"STANDING"`
	Key      string `help:"Only those whose key is in this state: Untouched, Released, Revoking, Revoked or Withdrawn." placeholder:"STATE"`
	watchFlags
}

func (machineList) Help() string {
	return "Examples:\n  keyward machine list --due\n  keyward machine list --standing Bad --watch"
}

func (a machineList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	asked := people.Asked{Policy: a.Policy, Standing: a.Standing, Key: a.Key}
	if a.Due && (a.Watch || asked != (people.Asked{})) {
		return &invalid{errors.New("--due shows all whose keys are to be revoked, once; expected no other flag beside it")}
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	if a.Due {
		return listDue(ctx, api, p)
	}
	header := []string{"MACHINE", "NAME", "POLICY", "STANDING", "KEY", "GOOD", "DUE", "WHY"}
	empty := "No machine is enrolled."
	if asked != (people.Asked{}) {
		empty = "There is no such machine."
	}
	look := func(ctx context.Context) ([]watched, error) {
		machines, err := api.Machines(ctx, asked)
		if err != nil {
			return nil, err
		}
		status, err := api.Status(ctx)
		if err != nil {
			return nil, err
		}
		rows := []watched{}
		for _, m := range machines {
			cells := []string{m.ID, show.Or(m.Name, "-"), m.Policy, standing(m.State), key(m), ago(status.Time, m.State.GoodAt), show.Time(m.State.DueAt), show.Or(m.State.Why, "-")}
			state := strings.Join(slices.Concat(cells[1:5], cells[6:]), "\n") // how long ago is no change
			rows = append(rows, watched{ID: m.ID, State: state, Cells: cells, Value: m})
		}
		return rows, nil
	}
	if a.Watch {
		return a.watch(ctx, p, header, empty, look)
	}
	rows, err := look(ctx)
	if err != nil {
		return err
	}
	return printNew(p, rows, map[string]string{}, true, header, empty)
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
	progress := p.Progress(fmt.Sprintf("waiting for the verdict on %s, at most %s", a.ID, a.Wait))
	v, err := judgedSince(ctx, func(ctx context.Context, id string) (record.MachineView, error) {
		progress.Done(0, 0)
		return api.Machine(ctx, id)
	}, a.ID, asked, a.Wait)
	progress.End()
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
