package view

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Dump is a ztunnel's config dump as the manifest holds it: no entry of its
// own, since its sections are, but it is reconstructed from them.
type Dump struct {
	Path   string `json:"path"` // <dir>/config_dump.json
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Sections are its top-level keys in the order in which they were served.
	Sections []string `json:"sections"`
	// Withheld is what was served and is not kept.
	Withheld []string `json:"withheld,omitempty"`
}

// DumpHash hashes a dump in the form that it is reconstructed in: the sections'
// values between the braces of one object.
type DumpHash struct {
	dump Dump
	hash hash.Hash
}

func NewDumpHash(path string) *DumpHash {
	return &DumpHash{dump: Dump{Path: path, Sections: []string{}}, hash: sha256.New()}
}

func (d *DumpHash) Write(p []byte) (int, error) {
	d.dump.Bytes += int64(len(p))
	return d.hash.Write(p)
}

// Add takes a section's file of that size.
func (d *DumpHash) Add(section string, file io.Reader, size int64) error {
	err := JoinSection(d, len(d.dump.Sections), section, file, size)
	d.dump.Sections = append(d.dump.Sections, section)
	return err
}

// End is the dump, of which withheld was served and is not kept.
func (d *DumpHash) End(withheld []string) Dump {
	_, _ = d.Write([]byte(JoinEnd(len(d.dump.Sections)))) // a hash takes everything
	d.dump.SHA256 = hex.EncodeToString(d.hash.Sum(nil))
	d.dump.Withheld = withheld
	return d.dump
}

// JoinSection writes the value of a section's file as the nth member of a dump.
func JoinSection(w io.Writer, n int, section string, file io.Reader, size int64) error {
	quoted, err := jsontext.AppendQuote(nil, section)
	if err != nil {
		return err
	}
	head := sectionHead(quoted)
	value := size - int64(len(head)) - int64(len(sectionTail))
	if value < 0 {
		return fmt.Errorf("section %s is too short", section)
	}
	if _, err := io.CopyN(io.Discard, file, int64(len(head))); err != nil {
		return err
	}
	lead := "{\n  "
	if n > 0 {
		lead = ",\n  "
	}
	if _, err := io.WriteString(w, lead+string(quoted)+": "); err != nil {
		return err
	}
	_, err = io.CopyN(w, file, value)
	return err
}

// JoinEnd is what follows the last of so many sections.
func JoinEnd(sections int) string {
	if sections == 0 {
		return "{}"
	}
	return "\n}"
}
