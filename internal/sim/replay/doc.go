// Package replay serves a recorded world as it was recorded.
package replay
