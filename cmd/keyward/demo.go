package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/demo"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/policy"
)

type demoCommand struct {
	Mode policy.Mode `help:"How the key is taken away." enum:"revoke-grant,disable-key" default:"revoke-grant"`
	JSON bool        `help:"Print the steps as JSON lines." name:"json"`
	Home string      `help:"Folder with template.yaml, policies and build; found beside the program if left out." type:"existingdir" placeholder:"DIR"`
}

func (demoCommand) Help() string {
	return "It opens a port on 127.0.0.1 that its policy forbids, and closes it. Nothing else of this host is changed.\n\n" +
		"Example:\n  keyward demo --mode disable-key"
}

// demoTakes is how long the story may take: it needs a few seconds, and a host that hangs ends it.
const demoTakes = 5 * time.Minute

func (a demoCommand) Run(ctx context.Context, p *show.Printer) error {
	if runtime.GOOS != "linux" {
		return &invalid{fmt.Errorf("the demo inspects the host it runs on, and this version inspects Linux; this is %s", runtime.GOOS)}
	}
	home, err := findHome(a.Home)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, demoTakes)
	defer cancel()
	done, err := demo.Alone(ctx)
	if err != nil {
		return err
	}
	defer done()
	e, err := inspectHere(ctx, documents.Always(), nil)
	if err != nil {
		return err
	}
	if who := demo.Intruder(e); who != "" {
		return &invalid{fmt.Errorf("the demo's policy forbids a port that is open on this host: %s; end it and start again", who)}
	}
	text, err := os.ReadFile(filepath.Join(home, "policies", "demo.yaml"))
	if err != nil {
		return &invalid{err}
	}
	began := time.Now()
	server, err := local.Start(ctx, local.Options{
		Template: filepath.Join(home, "template.yaml"), Build: filepath.Join(home, "build"), Addr: "127.0.0.1:0",
	})
	if err != nil {
		return err
	}
	tell := func(s demo.Step) { tellStep(p, s) }
	lines := a.JSON || p.JSON()
	if lines {
		tell = tellJSON
	}
	err = demo.Run(ctx, demo.Options{URL: server.URL(), Token: server.Token(), Policy: text, Mode: a.Mode, Tell: tell})
	if closed := server.Close(); err == nil {
		err = closed
	}
	if err == nil && !lines {
		p.Line("")
		p.Line("Every step happened. It took %s.", time.Since(began).Round(100*time.Millisecond))
	}
	return err
}

// tellJSON prints a step as one line.
func tellJSON(s demo.Step) {
	text, err := json.Marshal(s)
	if err != nil {
		text = fmt.Appendf(nil, `{"step":%d,"error":%q}`, s.Number, err)
	}
	fmt.Println(show.HarmlessJSON(string(text)))
}

func tellStep(p *show.Printer, s demo.Step) {
	if s.Number > 1 {
		p.Line("")
	}
	p.Line("%d  %s", s.Number, s.Title)
	for _, l := range s.Lines {
		p.Line("   %s", l)
	}
}

// findHome is the folder with template.yaml: the one that was named, the working folder, or the one
// above the program.
func findHome(named string) (string, error) {
	candidates := []string{named}
	if named == "" {
		candidates = []string{"."}
		if self, err := os.Executable(); err == nil {
			candidates = append(candidates, filepath.Join(filepath.Dir(self), ".."), filepath.Dir(self))
		}
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err != nil {
			continue
		}
		if built, _ := filepath.Glob(filepath.Join(dir, "build", "*", "bootstrap")); len(built) == 0 {
			return "", &invalid{errors.New("the functions are not built: run make build in the folder with template.yaml")}
		}
		return dir, nil
	}
	return "", &invalid{errors.New("there is no template.yaml here: run it in Keyward's folder or name that with --home")}
}
