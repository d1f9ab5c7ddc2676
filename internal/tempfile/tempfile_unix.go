//go:build unix

package tempfile

import (
	"errors"
	"os"
)

// Create makes a file that goes with its last handle: without a name it
// can't outlive the process.
func Create(dir, pattern string) (*os.File, error) {
	file, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
