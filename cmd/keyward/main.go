// Command keyward is the person's tool: it talks to a deployed stack or to keyward local, checks
// policies, inspects the machine it runs on, and tells the whole story with keyward demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/cmd/keyward/internal/unlock"
	"github.com/keyward/keyward/shared/policy"
)

// Exit codes. docs/operations.md lists them too.
const (
	exitOK         = 0
	exitFailed     = 1 // it did not happen
	exitInvalid    = 2 // the command line or a file is wrong, or this system cannot do it
	exitNotInOrder = 3 // it was done, and the machine does not comply
	// keyward unlock has more: the codes of package unlock.
)

// cli is the command line: noun, then verb.
type cli struct {
	Output  string `help:"How to print: a table for people or json for programs." enum:"table,json" default:"table" short:"o"`
	Color   string `help:"Colours: auto has them on a terminal, unless NO_COLOR is set or TERM is dumb; always or never." enum:"auto,always,never" default:"auto" placeholder:"WHEN"`
	API     string `help:"URL of the people's API; the stack's output PeopleApiUrl." env:"KEYWARD_API_URL" placeholder:"URL"`
	Profile string `help:"Profile of your AWS configuration; AWS_PROFILE, unless it is given." placeholder:"NAME"`
	Region  string `help:"Region that requests are signed for; otherwise AWS_REGION, AWS_DEFAULT_REGION, or the profile's." placeholder:"REGION"`

	Demo       demoCommand       `cmd:"" help:"Tell the whole story on this machine, without AWS."`
	Local      localCommands     `cmd:"" help:"Run the stack on this machine, and move its time."`
	Watch      watchCommand      `cmd:"" help:"Show the fleet live: how it stands, what is due next, what changes."`
	Console    consoleCommand    `cmd:"" help:"Show everything in a browser: a page on this host, with your own AWS credentials."`
	Machine    machineCommands   `cmd:"" help:"Enrolled machines."`
	Policy     policyCommands    `cmd:"" help:"Policies."`
	Hold       holdCommands      `cmd:"" help:"Stops by people: nothing is revoked under a hold."`
	Breaker    breakerCommands   `cmd:"" help:"The limit on revocations."`
	Waiver     waiverCommands    `cmd:"" help:"What machines fail by and people allow for a time."`
	Notice     noticeCommands    `cmd:"" help:"What people are told, and what a mail says."`
	Drill      drillCommands     `cmd:"" help:"The fire drill: proof that warning, revocation and restore work."`
	Request    requestCommands   `cmd:"" help:"Key requests."`
	Audit      auditCommands     `cmd:"" help:"Every decision and action, in a file that can be checked."`
	Report     reportCommands    `cmd:"" help:"Reports of what happened in a time."`
	Key        keyCommands       `cmd:"" help:"Keys of machines."`
	Volume     volumeCommands    `cmd:"" help:"Encrypted volumes of machines."`
	Unlock     unlockCommands    `cmd:"" help:"On a machine: open its encrypted volume, and close it."`
	Inspect    inspectCommand    `cmd:"" help:"Inspect a machine."`
	Simulate   simulateCommand   `cmd:"" help:"Run Keyward on virtual time, with everything that can go wrong."`
	Doctor     doctorCommand     `cmd:"" help:"Check a deployed stack and say what is missing; nothing is changed."`
	Version    versionCommand    `cmd:"" help:"Say which Keyward this is, and what a deployed stack is."`
	Completion completionCommand `cmd:"" help:"Print what a shell needs to complete commands."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Print the words that fit."`
	Invoke     invokeCommand     `cmd:"" help:"Run one function of keyward local with an event from a file."`
}

// notInOrder is the error of commands that worked and found a machine that does not comply.
type notInOrder struct{ text string }

func (e *notInOrder) Error() string { return e.text }

// invalid is the error of wrong input: a usage, a file, a system.
type invalid struct{ err error }

func (e *invalid) Error() string { return e.err.Error() }
func (e *invalid) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:])) }

func run(arguments []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser, err := kong.New(&c, kong.Name("keyward"), kong.UsageOnError(),
		kong.Description("Gives a machine in the cloud its encryption key only while the machine is in order.\n\n"+
			"Exit codes: 0 done, 1 it did not happen, 2 wrong input, 3 the machine does not comply."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "keyward:", show.Harmless(err.Error()))
		return exitFailed
	}
	k, err := parser.Parse(arguments)
	if err != nil {
		fmt.Fprintln(os.Stderr, "keyward:", show.Harmless(err.Error()))
		fmt.Fprintln(os.Stderr, "See keyward --help.")
		return exitInvalid
	}
	k.BindTo(ctx, (*context.Context)(nil))
	printer := show.New(os.Stdout, c.Output == "json").On(show.TerminalOf(os.Stdout, c.Color, os.Getenv)).
		Working(os.Stderr, show.TerminalOf(os.Stderr, c.Color, os.Getenv))
	return exitCode(k.Run(&c, printer))
}

// exitCode says what went wrong, and how.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "keyward: " + line
		}
		fmt.Fprintln(os.Stderr, show.Harmless(line)) // it may quote a file, an answer or a machine
	}
	var bad *notInOrder
	var wrong *invalid
	var refused *people.Refusal
	var policyErrors policy.Errors
	var problem *unlock.Problem
	switch {
	case errors.As(err, &problem):
		return problem.Code
	case errors.As(err, &bad):
		return exitNotInOrder
	case errors.As(err, &wrong), errors.As(err, &policyErrors):
		return exitInvalid
	case errors.As(err, &refused) && (refused.Status >= 400 && refused.Status < 404 || refused.Status == http.StatusRequestEntityTooLarge):
		return exitInvalid
	default:
		return exitFailed
	}
}
