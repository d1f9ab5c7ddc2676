// Package tempfile makes temporary files that are gone when they are closed,
// and that a process which is killed does not leave behind.
package tempfile
