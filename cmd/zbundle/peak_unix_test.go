//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakKB is the most memory that a process took, in KB.
func peakKB(p *os.ProcessState) int64 {
	peak := int64(p.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" {
		peak /= 1024 // it counts in bytes
	}
	return peak
}
