package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// pipes are the read ends of a running script's streams.
type pipes struct {
	read []*os.File
	done chan struct{} // closed once nobody holds a write end any more
}

func start(cmd *exec.Cmd, o *Outcome) (*pipes, error) {
	p := &pipes{done: make(chan struct{})}
	var copying sync.WaitGroup
	var write []*os.File
	closeAll := func(files []*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	for _, to := range []*Output{&o.Stdout, &o.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(p.read, write...))
			return nil, err
		}
		p.read, write = append(p.read, r), append(write, w)
		copying.Go(func() { io.Copy(to, r) })
	}
	cmd.Stdout, cmd.Stderr = write[0], write[1]
	err := cmd.Start()
	closeAll(write)
	go func() {
		copying.Wait()
		closeAll(p.read)
		close(p.done)
	}()
	if err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// await waits until the streams are closed and the script has ended, in this order: while the script
// is not waited for, its process group cannot become another's.
func await(ctx context.Context, cmd *exec.Cmd, p *pipes, timeout <-chan time.Time, o *Outcome) {
	killed := false
	interrupted := func(done <-chan struct{}) {
		select {
		case <-done:
			return
		case <-timeout:
		case <-ctx.Done():
			o.Cancelled = true
		}
		killed = true
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		select {
		case <-done:
		case <-time.After(drain):
			for _, r := range p.read {
				r.Close()
			}
			<-done
		}
	}
	interrupted(p.done)
	ended := make(chan struct{})
	var err error
	go func() {
		err = cmd.Wait()
		close(ended)
	}()
	if killed {
		<-ended
	} else {
		interrupted(ended)
	}
	o.Code, o.Reason = exitCode(err)
	if killed {
		o.Code, o.Reason = stopped, ""
	}
}

func exitCode(err error) (int, string) {
	if err == nil {
		return 0, ""
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 1, err.Error()
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		// A shell that stays between the agent and the script reports a signal so, one that does not
		// stay should look the same.
		code = 128 + int(status.Signal())
	}
	return code, fmt.Sprintf("exit status %d", code)
}

// mountedNoexec asks the kernel; ST_NOEXEC is 8 in Linux's statfs(2).
func mountedNoexec(dir string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(dir, &st) == nil && int64(st.Flags)&8 != 0
}
