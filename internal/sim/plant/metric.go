package plant

import (
	"strings"
)

// NegativeCount is what a ztunnel prints that can't read /proc: nothing, less the descriptor that it reads with.
func NegativeCount(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(line, "process_open_fds ") {
			lines[i] = "process_open_fds 18446744073709551615\n"
		}
	}
	return lines
}
