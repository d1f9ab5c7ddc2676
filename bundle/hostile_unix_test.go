//go:build unix

package bundle_test

import (
	"syscall"
	"testing"
)

// pipe makes a named pipe, which nobody ever writes to.
func pipe(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}
