package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/mark"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
)

type keyCommands struct {
	Guard keyGuard `cmd:"" help:"Make a key one that Keyward may act on, once nothing else opens it."`
}

type keyGuard struct {
	Key     string   `arg:"" help:"ARN, id or alias of the KMS key."`
	Machine []string `required:"" sep:"none" help:"Machine that is to have it; again for each." placeholder:"ID"`
	Mode    string   `help:"How the key will be revoked." enum:"revoke-grant,disable-key" default:"revoke-grant"`
	Accept  []string `sep:"none" help:"Let this way to the key stand, by its name; again for each." placeholder:"NAME"`
	Apply   bool     `help:"Do it; without it only what would be done is printed."`
}

func (keyGuard) Help() string {
	return "Prints every other way to the key: statements of its policy, grants, aliases, copies. Each would make a revocation empty. " +
		"As long as one is neither closed nor accepted by its name, nothing is changed and the exit code is 3.\n\nExample:\n" +
		"  keyward key guard alias/shop --machine i-1234567890abcdef0 --accept alias/shop --apply"
}

// guarded is the result for programs.
type guarded struct {
	Key      string          `json:"key"`
	Guarded  bool            `json:"guarded"` // as it is now
	Machines []string        `json:"machines"`
	Ways     []guard.Opening `json:"ways"`
}

var anID = regexp.MustCompile(`^(i-[0-9a-f]{8}|i-[0-9a-f]{17}|mi-[0-9a-f]{17})$`)

func (a keyGuard) Run(ctx context.Context, c *cli, p *show.Printer) error {
	if err := a.check(); err != nil {
		return err
	}
	cfg, err := c.aws(ctx)
	if err != nil {
		return err
	}
	key, ways, err := a.look(ctx, cfg)
	if err != nil {
		return err
	}
	open, unknown := guard.Accept(ways, a.Accept)
	if len(unknown) > 0 {
		return &invalid{fmt.Errorf("--accept %q: expected the name of a way to this key, one of %s", unknown[0], names(ways))}
	}
	if open == 0 && a.Apply && !key.Guarded {
		if err := mark.New(cfg).Guard(ctx, key.ARN); err != nil {
			return told(err)
		}
		if key, err = kmskey.New(cfg).Key(ctx, key.ARN); err != nil {
			return told(err)
		}
		if !key.Guarded {
			return fmt.Errorf("guarding %s: it was tagged, and KMS does not show the tag", key.ARN)
		}
	}
	err = p.Value(guarded{key.ARN, key.Guarded, a.Machine, ways}, func() { a.print(p, key, ways, open) })
	if err == nil && open > 0 {
		err = &notInOrder{fmt.Sprintf("%d ways to the key are open: close each, or accept it by its name", open)}
	}
	return err
}

func (a keyGuard) check() error {
	for _, m := range a.Machine {
		if !anID.MatchString(m) {
			return &invalid{fmt.Errorf("--machine %q: expected an id such as i-1234567890abcdef0 or mi-1a2b3c4d5e6f7a8b9", m)}
		}
	}
	if a.Mode == string(policy.DisableKey) && len(a.Machine) != 1 {
		return &invalid{fmt.Errorf("--mode disable-key with %d machines: expected one, since a disabled key is lost to all", len(a.Machine))}
	}
	return nil
}

// look reads everything before anything is changed.
func (a keyGuard) look(ctx context.Context, cfg aws.Config) (kmskey.Key, []guard.Opening, error) {
	keys := kmskey.New(cfg)
	key, err := keys.Key(ctx, a.Key)
	if err != nil {
		return key, nil, told(err)
	}
	nature, err := mark.New(cfg).Nature(ctx, key.ARN)
	if err != nil {
		return key, nil, told(err)
	}
	switch {
	case !nature.Fit:
		return key, nil, &invalid{fmt.Errorf("key %s: expected a customer managed symmetric key for encryption", key.ARN)}
	case key.Drill:
		return key, nil, &invalid{fmt.Errorf("key %s is the fire drill's, expected one of the machines' own", key.ARN)}
	case !key.Enabled:
		return key, nil, fmt.Errorf("guarding %s: it is %s", key.ARN, key.State)
	}
	around, err := keys.Users(ctx, key.ARN)
	if err != nil {
		return key, nil, told(err)
	}
	return key, guard.Openings(guard.Guarding{
		Mode: policy.Mode(a.Mode), Machines: a.Machine, Key: key.ARN, Around: around, Copies: nature.Copies, Imported: nature.Imported,
	}), nil
}

func (a keyGuard) print(p *show.Printer, key kmskey.Key, ways []guard.Opening, open int) {
	p.Line("Key %s for %s, %s.", key.ARN, strings.Join(a.Machine, ", "), a.Mode)
	for _, w := range ways {
		state := "open"
		if w.Accepted {
			state = "accepted"
		}
		p.Line("%s: %s", state, w.How)
		p.Line("  name   %s", w.Name)
		p.Line("  close  %s", w.Close)
	}
	switch {
	case key.Guarded:
		p.Line("It is guarded: tag %s = true.", kmskey.GuardedTag)
	case open > 0:
		p.Line("Nothing was changed.")
	default:
		p.Line("With --apply it gets the tag %s = true. Nothing was changed.", kmskey.GuardedTag)
	}
	p.Line("Whoever may call CreateGrant, PutKeyPolicy or TagResource on it can open it again; the sweep finds that after a revocation.")
}

func names(ways []guard.Opening) string {
	if len(ways) == 0 {
		return "none: there is no other way"
	}
	var all []string
	for _, w := range ways {
		all = append(all, fmt.Sprintf("%q", w.Name))
	}
	return strings.Join(all, ", ")
}

// told is what AWS said, without what only a log may have; what the person named wrongly is wrong input.
func told(err error) error {
	safe := errors.New(fault.Safe(err))
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		return &invalid{safe}
	}
	return safe
}
