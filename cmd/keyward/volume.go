package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/keyward/keyward/cmd/keyward/internal/enrol"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/cmd/keyward/internal/unlock"
	"github.com/keyward/keyward/shared/aws/kmskey/wrap"
)

type volumeCommands struct {
	Enrol volumeEnrol `cmd:"" help:"On a machine: give a device a LUKS passphrase that KMS keeps."`
}

type volumeEnrol struct {
	Device   string `arg:"" type:"path" help:"Block device, or file, that becomes a LUKS volume."`
	Machine  string `required:"" help:"Machine whose volume it is; only it can have the key unwrapped." placeholder:"ID"`
	Key      string `required:"" help:"ARN, id or alias of its KMS key."`
	Wrapped  string `required:"" type:"path" help:"File that gets the wrapped key; it must not be there." placeholder:"FILE"`
	Existing string `type:"existingfile" help:"File with a passphrase of the LUKS volume: the key is added to it, and nothing formatted." placeholder:"FILE"`
	Erase    bool   `help:"Format the device although there is something on it, which is lost."`
}

func (volumeEnrol) Help() string {
	return "Whoever runs it may kms:GenerateDataKey: a person by a grant, or the machine itself while it has its key.\n\nExample:\n" +
		"  keyward volume enrol /dev/nvme1n1 --machine i-1234567890abcdef0 --key alias/shop --wrapped /etc/keyward/data.wrapped"
}

func (a volumeEnrol) Run(ctx context.Context, c *cli, p *show.Printer) error {
	switch {
	case !anID.MatchString(a.Machine):
		return &invalid{fmt.Errorf("--machine %q: expected an id such as i-1234567890abcdef0 or mi-1a2b3c4d5e6f7a8b9", a.Machine)}
	case a.Existing != "" && a.Erase:
		return &invalid{errors.New("--existing and --erase: expected one of them")}
	case filepath.Clean(a.Device) == filepath.Clean(a.Wrapped):
		return &invalid{fmt.Errorf("--wrapped %s: it is the device", a.Wrapped)}
	}
	cfg, err := c.aws(ctx)
	if err != nil {
		return err
	}
	v := enrol.Volume{
		Device: a.Device, Wrapped: a.Wrapped, Existing: a.Existing, Erase: a.Erase, Programs: unlock.Run,
		DataKey: func(ctx context.Context) ([]byte, []byte, error) {
			plaintext, blob, err := wrap.New(cfg).DataKey(ctx, a.Key, a.Machine)
			if err != nil {
				return nil, nil, told(err)
			}
			return plaintext, blob, nil
		},
	}
	line, err := v.Enrol(ctx)
	var refused *enrol.Refused
	if errors.As(err, &refused) {
		return &invalid{err}
	}
	return tell(p, line, err)
}
