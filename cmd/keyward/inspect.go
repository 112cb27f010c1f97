package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
)

type inspectCommand struct {
	Here   bool   `required:"" help:"This machine. Nothing is sent anywhere and nothing is written."`
	All    bool   `help:"Look at everything, also what takes seconds: pending updates, SUID files."`
	Policy string `help:"Judge by this policy file; exit code 3 if the machine does not comply." placeholder:"FILE"`
}

func (inspectCommand) Help() string {
	return "Example:\n  keyward inspect --here --policy policies/demo.yaml"
}

// inspected is what keyward inspect prints for programs.
type inspected struct {
	Evidence *evidence.Evidence `json:"evidence"`
	Result   *policy.Result     `json:"result,omitempty"`
}

func (a inspectCommand) Run(ctx context.Context, p *show.Printer) error {
	if runtime.GOOS != "linux" {
		return &invalid{fmt.Errorf("the inspection of this version reads Linux; this is %s", runtime.GOOS)}
	}
	if !a.Here {
		return &invalid{errors.New("--here is the only place that can be inspected without a stack; see keyward machine check")}
	}
	var judged *policy.Policy
	if a.Policy != "" {
		var err error
		if judged, err = readPolicy(a.Policy); err != nil {
			return named(a.Policy, err)
		}
	}
	words, ask := needed(judged, a.All)
	e, err := inspectHere(ctx, words, ask)
	if err != nil {
		return err
	}
	out := inspected{Evidence: e}
	if judged != nil {
		r := policy.Evaluate(judged, e, time.Now())
		out.Result = &r
	}
	if err := p.Value(out, func() { printEvidence(p, e); printResult(p, out.Result) }); err != nil {
		return err
	}
	if out.Result != nil && out.Result.Verdict != policy.Pass {
		return &notInOrder{"verdict " + out.Result.Verdict.String()}
	}
	return nil
}

// inspectHere runs the inspection script as SSM's agent would and reads its line.
func inspectHere(ctx context.Context, words, ask []string) (*evidence.Evidence, error) {
	nonce := inspection.Nonce()
	script, err := documents.Render(nonce, words, ask...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, documents.TimeoutSeconds*time.Second)
	defer cancel()
	sent := time.Now()
	cmd := exec.CommandContext(ctx, "sh", "-s")
	cmd.Stdin, cmd.Dir, cmd.Env = strings.NewReader(script), "/", []string{}
	cmd.Stderr = &show.Lines{To: os.Stderr}
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running the inspection: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	e, err := evidence.Parse(string(output), evidence.Expect{
		Machine: host, CommandID: "here", Nonce: nonce, Sent: sent, Received: time.Now(),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the inspection: %w", err)
	}
	return e, nil
}

func printEvidence(p *show.Printer, e *evidence.Evidence) {
	p.Table(nil, [][]string{
		{"os", e.OS.Pretty.String()}, {"kernel", e.OS.Kernel.String() + " " + e.OS.Arch.Or("")},
		{"firewall", firewall(e.Firewall)}, {"collected", collected(e.Collect)},
	}, "")
	p.Line("")
	p.Table([]string{"LISTENING", "ADDRESS", "PROCESS"}, listeners(e), "Nothing listens.")
	p.Line("")
	p.Table([]string{"MOUNT", "TYPE", "SOURCE", "ENCRYPTED"}, mounts(e), "No file system is mounted that counts.")
	p.Line("")
	p.Table([]string{"FACT", "FOUND"}, system(e), "")
	p.Line("")
	p.Table([]string{"PRODUCT", "INSTALLED", "RUNNING", "PROTECTION", "VERSION", "DEFINITIONS", "SURE", "WHY"}, products(e), "")
}

func printResult(p *show.Printer, r *policy.Result) {
	if r == nil {
		return
	}
	p.Line("")
	var rows [][]string
	for _, f := range r.Findings {
		verdict := f.Verdict.String()
		if f.Info {
			verdict += " (info)"
		}
		rows = append(rows, []string{f.Rule, verdict, f.Expected, f.Actual})
	}
	p.Table([]string{"RULE", "VERDICT", "EXPECTED", "ACTUAL"}, rows, "The policy has no rules.")
	p.Line("")
	p.Line("Verdict: %s", r.Verdict)
}

func collected(c evidence.Collect) string {
	who := "as a normal user: what only root may read is unknown"
	if c.Privileged.Or(false) {
		who = "as root"
	}
	return fmt.Sprintf("%s, %d records", who, len(c.Records))
}

func firewall(f evidence.Firewall) string {
	if !f.Engine.Known && !f.Active.Known {
		return f.Engine.String()
	}
	return fmt.Sprintf("%s, active %s, default for what comes in %s", f.Engine, f.Active, f.DefaultIn)
}

func listeners(e *evidence.Evidence) [][]string {
	if !e.Listeners.Known {
		return [][]string{{e.Listeners.String()}}
	}
	var rows [][]string
	for _, l := range e.Listeners.Value {
		process := l.Exe.String()
		if l.PID.Known {
			process += fmt.Sprintf(" (pid %d)", l.PID.Value)
		}
		rows = append(rows, []string{fmt.Sprintf("%s/%d", l.Proto, l.Port), l.Addr + " " + l.Scope, process})
	}
	return rows
}

func mounts(e *evidence.Evidence) [][]string {
	if !e.Mounts.Known {
		return [][]string{{e.Mounts.String()}}
	}
	var rows [][]string
	for _, m := range e.Mounts.Value {
		rows = append(rows, []string{m.Target, m.FSType, m.Source, yesNo(m.Encrypted)})
	}
	return rows
}

func products(e *evidence.Evidence) [][]string {
	var rows [][]string
	for _, p := range e.Products {
		rows = append(rows, []string{string(p.ID), yesNo(p.Present), known(p, p.Running.State), known(p, p.Protection.State),
			known(p, p.Version), definitions(p), show.Or(string(p.Confidence), "-"), show.Or(strings.Join(p.Why, ", "), "-")})
	}
	return rows
}

// definitions are a product's, by their date where they have one.
func definitions(p evidence.Product) string {
	if d := p.Definition.Date; d.Known {
		return d.Value.Format(time.DateTime)
	}
	return known(p, p.Definition.Version)
}

// known leaves a cell of a product that is not there empty: there is nothing to be unknown.
func known(p evidence.Product, f evidence.Fact[string]) string {
	if p.Present.Known && !p.Present.Value {
		return "-"
	}
	return f.String()
}

func yesNo(f evidence.Fact[bool]) string {
	switch {
	case !f.Known:
		return f.String()
	case f.Value:
		return "yes"
	default:
		return "no"
	}
}
