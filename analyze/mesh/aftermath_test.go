package mesh

import (
	"strings"
	"testing"
	"time"
)

// A pair's calls, one a second: "x" fails, "." succeeds; then so many seconds of silence until the capture.
func TestFailuresAreJudgedByWhatCameAfterThem(t *testing.T) {
	runs := func(parts ...string) string { return strings.Join(parts, "") }
	for name, test := range map[string]struct {
		calls  string
		silent int
		want   State
	}{
		"every call fails until the end":             {"....xxxx", 0, Ongoing},
		"failed half a minute ago, works since":      {runs("xxxx", strings.Repeat(".", 30)), 0, Ongoing},
		"works for five minutes since":               {runs("xxxx", strings.Repeat(".", 300)), 0, Over},
		"failed long ago, too few calls since":       {"xxxx..", 600, Ongoing},
		"failed once, too few calls since":           {"x.....", 600, Ongoing},
		"failed once, enough calls since":            {"x.......", 600, Over},
		"failed long ago, no call since":             {"xxxx", 600, Unknown},
		"one in fifty fails, too few calls since":    {runs(strings.Repeat("x"+strings.Repeat(".", 49), 4), strings.Repeat(".", 60)), 0, Ongoing},
		"one in fifty failed, enough calls since":    {runs(strings.Repeat("x"+strings.Repeat(".", 49), 4), strings.Repeat(".", 600)), 0, Over},
		"fails for ten seconds every five minutes":   {strings.Repeat(strings.Repeat("x", 10)+strings.Repeat(".", 300), 3), 0, Ongoing},
		"came and went twice, long before the end":   {runs(strings.Repeat(strings.Repeat("x", 10)+strings.Repeat(".", 120), 2), strings.Repeat(".", 600)), 0, Over},
		"fails now and then among successes, to now": {strings.Repeat("..x", 40), 0, Ongoing},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
			var a Aftermath
			var last time.Time
			failures := 0
			for i, call := range test.calls {
				at := start.Add(time.Duration(i) * time.Second)
				switch {
				case call == 'x':
					a.Failed(at, last)
					last = at
					failures++
				case failures > 0:
					a.Succeeded(at)
				}
			}
			captured := start.Add(time.Duration(len(test.calls)+test.silent) * time.Second)
			if got := a.state(failures, captured.Sub(last)); got != test.want {
				t.Errorf("got %s, want %s, of %+v", got, test.want, a)
			}
		})
	}
}
