package ui

import "testing"

func TestSizesAreForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1 << 10: "1.0 KB", 3 << 19: "1.5 MB", 5 << 30: "5.0 GB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) is %q, want %q", n, got, want)
		}
	}
}

func TestOneIsNoPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 requests", 1: "1 request", 2: "2 requests"} {
		if got := Count(n, "request"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
