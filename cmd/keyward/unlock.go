package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/cmd/keyward/internal/unlock"
	"github.com/keyward/keyward/shared/aws/kmskey/unwrap"
)

// unlockCommands are the machine's side: what runs on it at boot and before its key is revoked.
type unlockCommands struct {
	Open   unlockOpen   `cmd:"" default:"withargs" help:"Ask for the key, wait while the request is pending, open and mount (the default)."`
	Lock   unlockLock   `cmd:"" help:"Write out, unmount, close, and read back that it is closed."`
	Status unlockStatus `cmd:"" help:"Say what is open and mounted."`
}

// volumeFlags say which volume is meant, and where the kernel of another root says what is open.
type volumeFlags struct {
	Config string `help:"File that says what to open." default:"/etc/keyward/unlock.conf" type:"path" placeholder:"FILE"`
	Proc   string `hidden:"" default:"/proc"`
	Block  string `hidden:"" default:"/sys/class/block"`
	Mapper string `hidden:"" default:"/dev/mapper"`
}

func (f volumeFlags) volume() (*unlock.Volume, error) {
	text, err := os.ReadFile(f.Config)
	if err != nil {
		return nil, &invalid{fmt.Errorf("%s cannot be read, expected the file that says what to open: %w", f.Config, err)}
	}
	c, err := unlock.ParseConfig(f.Config, string(text))
	if err != nil {
		return nil, &invalid{err}
	}
	return &unlock.Volume{
		Config: c, Disk: unlock.Disk{Proc: f.Proc, Block: f.Block, Mapper: f.Mapper}, Programs: unlock.Run,
		Say: func(line string) { fmt.Fprintln(os.Stderr, "keyward:", show.Harmless(line)) },
	}, nil
}

// tell prints what there is now.
func tell(p *show.Printer, line string, err error) error {
	if line == "" {
		return err
	}
	return errors.Join(p.Value(map[string]string{"now": line}, func() { p.Line("%s", line) }), err)
}

type unlockOpen struct {
	volumeFlags
	Wait string `help:"How long to wait while the request is pending, instead of what the file says." placeholder:"15m"`
}

func (unlockOpen) Help() string {
	return "Exit codes: 3 denied, 4 still pending, 5 the key does not open the volume.\n\nExample:\n  keyward unlock --config /etc/keyward/unlock.conf --wait 1h"
}

func (a unlockOpen) Run(ctx context.Context, p *show.Printer) error {
	v, err := a.volume()
	if err != nil {
		return err
	}
	if a.Wait != "" {
		if v.Config.Wait, err = unlock.ParseWait(a.Wait); err != nil {
			return &invalid{err}
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(v.Config.Region))
	if err != nil {
		return fmt.Errorf("loading AWS configuration: %w", err)
	}
	v.API, v.Keys, v.Document = people.New(v.Config.API, v.Config.Region, cfg.Credentials), unwrap.New(cfg), unlock.Documents(cfg)
	line, err := v.Open(ctx)
	return tell(p, line, err)
}

type unlockLock struct{ volumeFlags }

func (unlockLock) Help() string {
	return "Exit code 6: it is still open or mounted.\n\nExample:\n  keyward unlock lock"
}

func (a unlockLock) Run(ctx context.Context, p *show.Printer) error {
	v, err := a.volume()
	if err != nil {
		return err
	}
	line, err := v.Lock(ctx)
	return tell(p, line, err)
}

type unlockStatus struct{ volumeFlags }

func (a unlockStatus) Run(p *show.Printer) error {
	v, err := a.volume()
	if err != nil {
		return err
	}
	line, err := v.Status()
	return tell(p, line, err)
}
