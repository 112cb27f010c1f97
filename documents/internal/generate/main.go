// Command generate writes the SSM documents inspect.json and lock.json from their scripts. It runs in the
// folder documents, by go generate; a test there fails when they differ.
package main

import (
	"fmt"
	"os"

	"github.com/keyward/keyward/documents"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	texts := map[string]string{}
	for _, name := range []string{"inspect.linux.sh", "inspect.windows.ps1", "lock.linux.sh"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading the script: %w", err)
		}
		texts[name] = string(text)
	}
	inspect, err := documents.Generate(texts["inspect.linux.sh"], texts["inspect.windows.ps1"])
	if err != nil {
		return err
	}
	lock, err := documents.GenerateLock(texts["lock.linux.sh"])
	if err != nil {
		return err
	}
	if err := os.WriteFile("inspect.json", []byte(inspect), 0o644); err != nil {
		return err
	}
	return os.WriteFile("lock.json", []byte(lock), 0o644)
}
