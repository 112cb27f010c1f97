package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// home is a folder as --home names it: the template with what it includes, and the programs built for
// these tests.
var home string

// The test binary is also the program, and another that only listens.
func TestMain(m *testing.M) {
	testscript.Main(&tests{m}, map[string]func(){"keyward": main, "listen": listen})
}

// tests are the tests with what they need made before.
type tests struct{ *testing.M }

func (t *tests) Run() int {
	dir, err := os.MkdirTemp("", "keyward-home-")
	if err == nil {
		defer os.RemoveAll(dir)
		home, err = dir, furnish(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return t.M.Run()
}

// furnish links the repository's files into dir and builds the functions beside them.
func furnish(dir string) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	for _, name := range []string{"template.yaml", "docs", "documents", "statemachine", "policies", "events"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	bin := filepath.Join(dir, "bin")
	c := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", bin+"/", "./functions/...")
	c.Dir, c.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the functions: %w\n%s", err, out)
	}
	built, err := os.ReadDir(bin)
	if err != nil {
		return err
	}
	for _, f := range built {
		function := filepath.Join(dir, "build", strings.ToUpper(f.Name()[:1])+f.Name()[1:]+"Function")
		if err := os.MkdirAll(function, 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(bin, f.Name()), filepath.Join(function, "bootstrap")); err != nil {
			return err
		}
	}
	return nil
}

// listen is a program that listens on the port it is given until its input ends.
func listen() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer l.Close()
	fmt.Println("listening")
	os.Stdin.Read(make([]byte, 1)) // its end is the sign
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Condition:           hasProgram,
		Setup: func(e *testscript.Env) error {
			e.Setenv("KEYWARD_HOME", home)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true") // nobody is asked for credentials over the network
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"stack": theStack, "kept": whatIsKept, "account": theAccount,
			"exits": exits, "json": isJSON, "harmless": isHarmless, "place": startPlace, "taken": takePort, "listens": startListener, "generate": generate, "key": createKeys, "disabled": disableKey, "reason": uglyReason, "waiver": readWaiver, "asks": askKey,
			"watches": startWatch, "tells": isTold, "as": signedIn, "roles": tryRoles, "volume": makeVolume, "on": onMachine, "boots": boots,
			"console": startConsole, "page": readPage, "order": sendForm,
			"blank": blankDevice, "unwrap": unwrapTo, "opens": opensWith,
		},
	})
}

// exits runs a program that has to end with a code: exits 2 keyward policy check bad.yaml.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS...")
	}
	got := "0"
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = fmt.Sprint(exit.ExitCode())
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
