package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var scriptPort = regexp.MustCompile(`\b237\d\d\b`)

// Scripts run side by side on one host: what one listens on, another must not inspect.
func TestAPortIsOfOneScript(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("scripts: %v, %v", paths, err)
	}
	paths = append(paths, "roles_test.go")
	owner := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range scriptPort.FindAllString(string(text), -1) {
			if other, taken := owner[port]; taken && other != path {
				t.Errorf("port %s is of %s and of %s", port, other, path)
			}
			owner[port] = path
		}
	}
}
