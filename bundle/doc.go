// Package bundle is the archive between collect and analyze: a tar of plain
// JSON and text with a header as its first entry and a manifest as its last.
// docs/format.md describes it for readers in other languages.
package bundle
