package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/place"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/lambda"
)

type localCommands struct {
	Up      localUp      `cmd:"" default:"withargs" help:"Start the stack on this machine and stay up (the default)."`
	Forward localForward `cmd:"" help:"Move time: everything that falls due on the way happens, in order."`
	Status  localStatus  `cmd:"" help:"Show time, timers and URLs."`
	Mail    localMail    `cmd:"" help:"Show the mails that were sent."`
	Person  localPerson  `cmd:"" help:"Give the credentials of a person with one role."`
}

type localUp struct {
	Address string `help:"Loopback address to listen on." default:"127.0.0.1:4566"`
	Data    string `help:"Folder that keeps the state; without it the state ends with the program." type:"path" placeholder:"DIR"`
	Lock    bool   `help:"As root: have what a policy with lock: true names really stopped, unmounted and closed on this host."`
	Home    string `help:"Folder with template.yaml and build." type:"existingdir" placeholder:"DIR"`
	Verbose bool   `help:"Show what the functions log." short:"v"`

	Parameter map[string]string `help:"A template parameter that differs from its default, such as MachineApiVpcEndpoints=vpce-0123456789abcdef0." placeholder:"NAME=VALUE"`
}

func (localUp) Help() string {
	return "It runs the inspection document on this host and answers on loopback alone.\n\nExample:\n  keyward local --data ./state"
}

func (a localUp) Run(ctx context.Context, p *show.Printer) error {
	home, err := findHome(a.Home)
	if err != nil {
		return err
	}
	o := local.Options{
		Template: filepath.Join(home, "template.yaml"), Build: filepath.Join(home, "build"), Addr: a.Address, DataDir: a.Data,
		NotHere: notHere(os.Geteuid() == 0, a.Lock), Parameters: a.Parameter,
	}
	if a.Verbose {
		o.Output = func(l lambda.Line) { fmt.Fprintln(os.Stderr, show.Harmless(l.Text)) }
	}
	server, err := local.Start(ctx, o)
	if wrong := (*local.AddressError)(nil); errors.As(err, &wrong) {
		return &invalid{err}
	}
	if err != nil {
		return err
	}
	if err := announce(p, server); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case <-ctx.Done():
	case err = <-server.Failed():
	}
	return errors.Join(err, server.Close())
}

// notHere are the documents that this host does not run: whoever tries a policy as root does not expect that it unmounts
// his data. Anybody else may not stop or unmount anything, and the document says so itself.
func notHere(root, lock bool) []string {
	if root && !lock {
		return []string{"LockDocument"}
	}
	return nil
}

// announce prints what others have to set to reach the place: for a shell, or as one JSON object.
func announce(p *show.Printer, server *local.Server) error {
	k := server.Credentials()
	set := [][2]string{
		{"AWS_ENDPOINT_URL", server.URL()}, {"AWS_REGION", server.Region()}, {"AWS_DEFAULT_REGION", server.Region()},
		{"AWS_ACCESS_KEY_ID", k.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", k.SecretAccessKey}, {"AWS_SESSION_TOKEN", k.SessionToken},
		{"KEYWARD_API_URL", server.API("PeopleApi")}, {"KEYWARD_LOCAL_URL", server.URL()}, {"KEYWARD_LOCAL_TOKEN", server.Token()},
	}
	set = slices.DeleteFunc(set, func(v [2]string) bool { return v[1] == "" })
	all := map[string]string{}
	for _, v := range set {
		all[v[0]] = v[1]
	}
	return p.Value(all, func() {
		for _, v := range set {
			p.Line("export %s=%s", v[0], v[1])
		}
		p.Line("# keyward local is up; end it with Ctrl-C. Mails: %s/_local/mailbox?token=%s", server.URL(), server.Token())
	})
}

// placeFlags say which running place is meant.
type placeFlags struct {
	URL   string `help:"URL of the place." env:"KEYWARD_LOCAL_URL" placeholder:"URL"`
	Token string `help:"Token that it printed." env:"KEYWARD_LOCAL_TOKEN"`
}

func (f placeFlags) client() (*place.Client, error) {
	if f.URL == "" || f.Token == "" {
		return nil, &invalid{errors.New("which place? Set KEYWARD_LOCAL_URL and KEYWARD_LOCAL_TOKEN, or --url and --token; keyward local prints them")}
	}
	return place.New(f.URL, f.Token), nil
}

type localForward struct {
	placeFlags
	By time.Duration `arg:"" help:"How far, such as 4h."`
}

func (localForward) Help() string { return "Example:\n  keyward local forward 4h" }

func (a localForward) Run(ctx context.Context, p *show.Printer) error {
	if a.By < 0 {
		return &invalid{fmt.Errorf("moving time by %s: expected a duration that is not negative", a.By)}
	}
	here, err := a.client()
	if err != nil {
		return err
	}
	progress := p.Progress("moving time by " + a.By.String())
	status, err := forward(ctx, here, a.By, progress)
	progress.End()
	if err != nil {
		return err
	}
	return p.Value(status, func() { p.Line("It is %s now, %s ahead of real time.", show.Time(status.Now), status.Offset) })
}

// forward moves time, and tells how far it is meanwhile.
func forward(ctx context.Context, here *place.Client, by time.Duration, progress *show.Progress) (place.Status, error) {
	from, err := here.Status(ctx)
	if err != nil {
		return from, err
	}
	looking, stop := context.WithCancel(ctx)
	var looks sync.WaitGroup
	looks.Go(func() {
		const every = time.Second
		for {
			select {
			case <-looking.Done():
				return
			case <-time.After(every):
			}
			if now, err := here.Status(looking); err == nil {
				progress.Done(int64(now.Now.Sub(from.Now)), int64(by))
			}
		}
	})
	status, err := here.ForwardBy(ctx, by)
	stop()
	looks.Wait()
	return status, err
}

type localStatus struct{ placeFlags }

func (a localStatus) Run(ctx context.Context, p *show.Printer) error {
	here, err := a.client()
	if err != nil {
		return err
	}
	status, err := here.Status(ctx)
	if err != nil {
		return err
	}
	return p.Value(status, func() {
		p.Line("It is %s, %s ahead of real time.", show.Time(status.Now), status.Offset)
		var rows [][]string
		for _, d := range status.Pending {
			rows = append(rows, []string{show.Time(d.At), d.Name})
		}
		p.Table([]string{"DUE", "WHAT"}, rows, "No timer is set.")
	})
}

type localMail struct{ placeFlags }

func (a localMail) Run(ctx context.Context, p *show.Printer) error {
	here, err := a.client()
	if err != nil {
		return err
	}
	mails, err := here.Mails(ctx)
	if err != nil {
		return err
	}
	return p.Value(mails, func() {
		var rows [][]string
		for _, m := range mails {
			rows = append(rows, []string{show.Time(m.At), fmt.Sprint(m.To), m.Subject})
		}
		p.Table([]string{"SENT", "TO", "SUBJECT"}, rows, "No mail was sent.")
	})
}

type localPerson struct {
	placeFlags
	Name   string `arg:"" help:"Name of the user."`
	Policy string `required:"" help:"Logical id of the role's policy, such as AuditorPolicy." placeholder:"ID"`
}

func (localPerson) Help() string {
	return "The user may call what the policy allows, and nothing else.\n\nExample:\n  eval \"$(keyward local person anna --policy KeyApproverPolicy)\""
}

func (a localPerson) Run(ctx context.Context, p *show.Printer) error {
	here, err := a.client()
	if err != nil {
		return err
	}
	k, err := here.Person(ctx, a.Name, a.Policy)
	if err != nil {
		return err
	}
	return p.Value(k, func() {
		p.Line("export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nunset AWS_SESSION_TOKEN", k.AccessKeyID, k.SecretAccessKey)
	})
}
