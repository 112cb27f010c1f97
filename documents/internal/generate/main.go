// Command generate writes inspect.json, the SSM document, from inspect.linux.sh. It runs in the
// folder documents, by go generate; a test there fails when the two differ.
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
	script, err := os.ReadFile("inspect.linux.sh")
	if err != nil {
		return fmt.Errorf("reading the script: %w", err)
	}
	content, err := documents.Generate(string(script))
	if err != nil {
		return err
	}
	return os.WriteFile("inspect.json", []byte(content), 0o644)
}
