package mesh_test

import (
	"testing"

	"github.com/zbundle/zbundle/analyze/mesh"
)

func TestAVersionLacksAFixUntilItsMinorGotIt(t *testing.T) {
	fixes := []string{"1.26.5", "1.27.2", "1.28.0"}
	for version, want := range map[string]bool{
		"1.25.9": true, "1.26.4": true, "1.26.5": false, "1.26.10": false, "1.27.1": true, "1.27.2": false, "1.28.0": false, "1.30.0": false,
		"1.27.1-distroless": true, "1.27.1_ossm": true, "1.27": false, "1.27-alpha.0123": false, "": false, "latest": false,
	} {
		if lacks, err := mesh.Before(version, fixes); lacks != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", version, lacks, err, want)
		}
	}
	if _, err := mesh.Before("1.27.1", []string{"soon"}); err == nil {
		t.Error("a fix in no version is no error")
	}
}
