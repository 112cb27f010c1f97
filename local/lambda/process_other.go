//go:build !linux

package lambda

import (
	"os"
	"syscall"
)

func sysProcAttr() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) {
	_ = p.Kill() // a process that is gone already is what we want
}
