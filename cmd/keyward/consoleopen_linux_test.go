package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBrowse: the desktop's own program gets the address; that there is none is said.
func TestBrowse(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if err := browse("http://127.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "xdg-open") {
		t.Errorf("without xdg-open: %v", err)
	}
	said := filepath.Join(dir, "said")
	if err := syscall.Mkfifo(said, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nprintf '%s' \"$1\" >" + said + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := browse("http://127.0.0.1:1/?token=X"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(said); string(got) != "http://127.0.0.1:1/?token=X" || err != nil {
		t.Errorf("xdg-open got %q, %v", got, err)
	}
}
