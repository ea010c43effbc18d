package main

import "syscall"

// attributes put a child into a group of its own, and have the kernel end it
// should we die without a word.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
