package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

func nowhere() *cli { return &cli{API: "http://127.0.0.1:1", Region: "us-east-1"} }

// TestConsoleAddress: programs are told the address, with the token of the start.
func TestConsoleAddress(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	if err := (consoleCommand{}).Run(ctx, nowhere(), show.New(&out, true)); err != nil {
		t.Fatal(err)
	}
	var said map[string]string
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	if at := said["KEYWARD_CONSOLE_URL"]; !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9][0-9]*/\?token=[A-Z2-7]{26}$`).MatchString(at) {
		t.Errorf("the address is %q", at)
	}
}

func TestConsolePortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = (consoleCommand{Port: l.Addr().(*net.TCPAddr).Port}).Run(t.Context(), nowhere(), show.New(&bytes.Buffer{}, false))
	var wrong *invalid
	if !errors.As(err, &wrong) || !strings.HasSuffix(err.Error(), "--port 0 takes a free one") {
		t.Errorf("a port that is taken: %v", err)
	}
}
