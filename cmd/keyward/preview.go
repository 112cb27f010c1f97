package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// agreed shows what a policy would mean for machines, and asks whether it is to be put when it means something.
// Without anybody to ask it refuses.
func (a policyPut) agreed(ctx context.Context, api *people.Client, candidate *policy.Policy, p *show.Printer) error {
	if a.Yes {
		return nil
	}
	v, err := api.Preview(ctx, candidate.Name, []byte(candidate.Text))
	if err != nil || len(v.Affected) == 0 {
		return err
	}
	printPreview(p, v)
	refused := &invalid{fmt.Errorf("policy %s is not stored: it affects %s; --yes stores it all the same", v.Policy, summary(v))}
	if info, err := os.Stdin.Stat(); p.JSON() || err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return refused
	}
	fmt.Fprint(os.Stderr, "Store it? [y/N] ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err == nil && (answer == "y" || answer == "yes") {
		return nil
	}
	return refused
}

// printPreview goes to the error output: what the command gives is the policy that it stored.
func printPreview(p *show.Printer, v record.Preview) {
	const most = 50
	var rows [][]string
	for _, m := range v.Affected[:min(len(v.Affected), most)] {
		rows = append(rows, []string{m.Machine, show.Or(m.Name, "-"), show.Or(string(m.Standing), "Unknown"), m.Verdict.String(), string(m.Follows), show.Or(m.Why, "-")})
	}
	out := show.New(os.Stderr, false).On(p.Diagnostics())
	out.Table([]string{"MACHINE", "NAME", "STANDING", "VERDICT", "FOLLOWS", "WHY"}, rows, "")
	if more := len(v.Affected) - most; more > 0 {
		out.Line("and %d more", more)
	}
}

// summary are the numbers of a preview in one line.
func summary(v record.Preview) string {
	text := fmt.Sprintf("%d of %s", len(v.Affected), count(v.Machines, "machine"))
	var parts []string
	for _, f := range []record.Follows{
		record.FollowsWarning, record.FollowsRevoke, record.FollowsHold, record.FollowsNotice, record.FollowsStandDown, record.FollowsRestore,
	} {
		n := 0
		for _, m := range v.Affected {
			if m.Follows == f {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", f, n))
		}
	}
	if v.Unseen > 0 {
		parts = append(parts, fmt.Sprintf("without evidence %d", v.Unseen))
	}
	return text + " (" + strings.Join(parts, ", ") + ")"
}
