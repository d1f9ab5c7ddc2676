package bundle_test

import (
	"os"
	"testing"
)

// pipe makes one more symbolic link: folders of Windows hold no named pipes.
func pipe(t *testing.T, name string) {
	t.Helper()
	if err := os.Symlink("nothing", name); err != nil {
		t.Fatal(err)
	}
}
