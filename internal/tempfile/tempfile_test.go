package tempfile

import (
	"os"
	"testing"
)

func TestAFileIsGoneWhenItIsClosed(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(dir, "x-*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("content"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := f.ReadAt(got, 3); err != nil || string(got) != "tent" {
		t.Errorf("read back %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
