package scenario_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// built is the folder with the stack's programs, made once for all scenarios, as make build lays it out.
var built string

// functions are the programs by folder, with the start of their logical ids.
var functions = map[string]string{
	"inspect": "Inspect", "evaluate": "Evaluate", "recheck": "Recheck", "revoke": "Revoke", "safeguard": "Safeguard", "restore": "Restore",
	"notify": "Notify", "notifier": "Notifier", "delivery": "Delivery", "publish": "Publish", "findings": "Findings", "request": "Request", "api": "Api", "sweep": "Sweep", "drill": "Drill",
	"removal": "Removal", "report": "Report", "act": "Act",
}

// The test binary is also the program of a function that dies on its way: see crash_test.go.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "bootstrap" {
		os.Exit(dieOnTheWay())
	}
	flag.Parse()
	// Scenarios wait for programs and their retries more than they compute.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keyward-scenario-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "build")
	if err := build(filepath.Join(dir, "bin")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if code != 0 || !whole() {
		return code
	}
	problems, err := unused()
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	return min(len(problems), 1)
}

func build(bin string) error {
	c := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", bin+"/", "./functions/...")
	c.Dir, c.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the functions: %w\n%s", err, out)
	}
	for name, logical := range functions {
		dir := filepath.Join(built, logical+"Function")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(bin, name), filepath.Join(dir, "bootstrap")); err != nil {
			return fmt.Errorf("placing %s: %w", strings.ToLower(logical), err)
		}
	}
	return nil
}
