// Command machine tells the story of one real machine: Debian's kernel, systemd, dm-crypt, cryptsetup and auditd
// under QEMU, and keyward local on this host as its AWS. What Keyward and its programs say there is compared with
// what the system says itself, read without them.
//
// Usage: machine FOLDER, as root; .ci/machine/run makes the folder, with kernel, initramfs and disk. `machine pipe
// ADDRESS` is what QEMU starts for each connection out of the machine.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "pipe" {
		pipe(os.Args[2])
		return
	}
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: machine FOLDER")
		os.Exit(2)
	}
	runtime.LockOSThread() // QEMU ends with the thread that started it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := tell(ctx, os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if failed > 0 {
		fmt.Printf("%d things are not what they should be\n", failed)
	}
	if err != nil || failed > 0 {
		stop()
		os.Exit(1)
	}
}

// pipe joins standard input and output to an address. It ends with either side.
func pipe(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		os.Exit(1)
	}
	go func() {
		io.Copy(c, os.Stdin) // its end is the machine's side being closed
		c.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(os.Stdout, c)
}

// tell runs the whole story and returns how much of it is wrong. An error is a story that was not told to its end.
func tell(ctx context.Context, folder string) (failed int, err error) {
	w, err := begin(ctx, folder)
	if err != nil {
		return 0, err
	}
	defer w.end()
	for _, s := range story {
		began := time.Now()
		w.problems = nil
		err := s.do(w)
		fmt.Printf("%-9s %-56s %5.1f s\n", "machine", s.name, time.Since(began).Seconds())
		for _, p := range w.problems {
			failed++
			fmt.Println("    " + p)
		}
		if err != nil {
			return failed, fmt.Errorf("%s: %w\n%s\n%s", s.name, err, w.known(), w.console())
		}
	}
	return failed, nil
}
