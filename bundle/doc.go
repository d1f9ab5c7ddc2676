// Package bundle is the archive between collect and analyze: a tar of plain
// JSON and text with a header as its first entry and a manifest as its last.
// It reads, writes, verifies, merges and rewrites archives. Where everything
// stands in one is layout's, what several pods share is view's, what may enter
// one at all is redact's, and names that stand for others are pseudonym's.
// docs/format.md describes it for readers in other languages.
package bundle
