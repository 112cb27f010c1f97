// Command generate writes the SSM documents inspect.json and lock.json from their scripts. It runs in the
// folder documents, by go generate; a test there fails when they differ.
package main

import (
	"fmt"
	"os"

	"github.com/keyward/keyward/documents"
)

func main() {
	for name, made := range map[string]func(string) (string, error){"inspect": documents.Generate, "lock": documents.GenerateLock} {
		if err := run(name, made); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func run(name string, made func(string) (string, error)) error {
	script, err := os.ReadFile(name + ".linux.sh")
	if err != nil {
		return fmt.Errorf("reading the script: %w", err)
	}
	content, err := made(string(script))
	if err != nil {
		return err
	}
	return os.WriteFile(name+".json", []byte(content), 0o644)
}
