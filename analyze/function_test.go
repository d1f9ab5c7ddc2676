package analyze

import "testing"

func TestBeforeTellsWhichVersionsLackAFix(t *testing.T) {
	fixes := []any{"1.26.5", "1.28.6", "1.29.1"}
	for version, want := range map[string]bool{
		"1.24.6": true, "1.26.4": true, "1.26.5": false, "1.27.9": true, "1.28.5": true, "1.28.6": false,
		"1.29.0": true, "1.29.1": false, "1.30.0": false, "1.28.5-asm.3": true, "1.28.6-asm.3": false, "": false, "latest": false,
	} {
		got, err := before(version, fixes)
		if err != nil || got != want {
			t.Errorf("before(%q) is %v, %v; want %v", version, got, err, want)
		}
	}
	if _, err := before("1.28.5", []any{"next"}); err == nil {
		t.Error("a fix that is no version gave no error")
	}
}
