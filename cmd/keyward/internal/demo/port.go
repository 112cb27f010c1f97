package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// The ports that policies/demo.yaml forbids: below the range that Linux gives to outgoing connections,
// so that no program is there by accident.
const firstPort, lastPort = 23600, 23619

// port is a listener that the policy forbids.
type port struct {
	number   int
	listener net.Listener
}

// openPort listens on a free port of the forbidden range, or on the one that was open before.
func openPort(before *port) (*port, error) {
	first, last := firstPort, lastPort
	if before != nil {
		first, last = before.number, before.number
	}
	var err error
	for n := first; n <= last; n++ {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err == nil {
			return &port{number: n, listener: l}, nil
		}
	}
	return nil, fmt.Errorf("opening a port from %d to %d: %w", first, last, err)
}

func (p *port) close() {
	if p != nil && p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
}

// Alone waits until no other demo runs on this host, since each opens a port that the others' policy
// forbids, and keeps others waiting until done is called. It leaves nothing on disk: the name is an
// address of the kernel that ends with the process.
func Alone(ctx context.Context) (done func(), err error) {
	const every = 100 * time.Millisecond
	for {
		l, err := net.Listen("unix", "@keyward-demo")
		if err == nil {
			return func() { l.Close() }, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("asking whether another demo runs: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, errors.New("waiting for another demo on this host to end: it did not")
		case <-time.After(every):
		}
	}
}

// Intruder is a program that listens on a forbidden port before the story begins, so that the machine
// could not be found in order; "" if there is none.
func Intruder(e *evidence.Evidence) string {
	for _, l := range e.Listeners.Or(nil) {
		if l.Proto != "tcp" || l.Port < firstPort || l.Port > lastPort {
			continue
		}
		who := "a program of another user"
		if l.Exe.Known {
			who = l.Exe.Value
		}
		if l.PID.Known && l.PID.Value != os.Getpid() {
			who += fmt.Sprintf(" (pid %d)", l.PID.Value)
		}
		return fmt.Sprintf("%s listens on tcp/%d", who, l.Port)
	}
	return ""
}
