package main

import (
	"context"
	"runtime"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/release"
)

type versionCommand struct {
	Stack bool `help:"Ask the stack too: which Keyward answers its people's API."`
}

func (versionCommand) Help() string { return "Example:\n  keyward version --stack" }

// version is what one program is.
type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go,omitempty"`
}

func (a versionCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	is := map[string]version{"keyward": {release.Version, release.Commit(), runtime.Version()}}
	if a.Stack {
		api, err := c.people(ctx)
		if err != nil {
			return err
		}
		s, err := api.Status(ctx)
		if err != nil {
			return err
		}
		is["stack"] = version{Version: s.Version, Commit: s.Commit}
	}
	return p.Value(is, func() {
		p.Line("keyward %s, %s", release.String(), runtime.Version())
		if s, ok := is["stack"]; ok {
			p.Line("stack   %s (%s)", s.Version, s.Commit)
		}
	})
}
