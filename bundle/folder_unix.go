//go:build unix

package bundle

import (
	"os"
	"syscall"
)

// linkOf identifies a file that has several names; ok is false for any other.
func linkOf(file *os.File) (id fileID, ok bool) {
	info, err := file.Stat()
	if err != nil {
		return fileID{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return fileID{}, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true
}
