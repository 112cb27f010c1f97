package lambda

import (
	"os"
	"syscall"
)

// sysProcAttr puts a program into a process group of its own, and has the kernel end it when we end.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // a group that is gone already is what we want
}
