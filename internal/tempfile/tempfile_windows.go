package tempfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// deleteOnClose is FILE_FLAG_DELETE_ON_CLOSE of CreateFile.
const deleteOnClose = 0x04000000

// Create makes a file that goes with its last handle, and so can't outlive
// the process. Windows does not remove a file that is open.
func Create(dir, pattern string) (*os.File, error) {
	named, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if err := named.Close(); err != nil {
		return nil, err
	}
	path, err := syscall.UTF16PtrFromString(named.Name())
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE,
		syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE|syscall.FILE_SHARE_DELETE,
		nil, syscall.OPEN_EXISTING, syscall.FILE_ATTRIBUTE_NORMAL|deleteOnClose, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", named.Name(), err), os.Remove(named.Name()))
	}
	return os.NewFile(uintptr(handle), named.Name()), nil
}
