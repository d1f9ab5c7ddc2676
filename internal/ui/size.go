package ui

import "fmt"

const (
	kb = 1 << 10
	mb = 1 << 20
)

// Size is a number of bytes for people.
func Size(n int64) string {
	switch {
	case n < kb:
		return fmt.Sprintf("%d B", n)
	case n < mb:
		return fmt.Sprintf("%.1f KB", float64(n)/kb)
	case n < 1024*mb:
		return fmt.Sprintf("%.1f MB", float64(n)/mb)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1024*mb))
}

// Count is a number of things: "1 request", "2 requests".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
