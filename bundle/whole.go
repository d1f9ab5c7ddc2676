package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Dump is a ztunnel's config dump as the manifest holds it: no entry of its
// own, since its sections are, but they make it up again.
type Dump struct {
	Path   string `json:"path"` // <dir>/config_dump.json
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Sections are its top-level keys in the order in which they were served.
	Sections []string `json:"sections"`
	// Withheld is what was served and is not kept.
	Withheld []string `json:"withheld,omitempty"`
}

// wholeDump hashes a dump in the form that it is made up again in: the
// sections' values between the braces of one object.
type wholeDump struct {
	dump Dump
	hash hash.Hash
}

func newWholeDump(path string) *wholeDump {
	return &wholeDump{dump: Dump{Path: path, Sections: []string{}}, hash: sha256.New()}
}

func (d *wholeDump) Write(p []byte) (int, error) {
	d.dump.Bytes += int64(len(p))
	return d.hash.Write(p)
}

// add takes a section's file.
func (d *wholeDump) add(section string, s *spool) error {
	r, err := s.reader()
	if err != nil {
		return fmt.Errorf("read back section %s: %w", section, err)
	}
	err = joinSection(d, len(d.dump.Sections), section, r, s.size)
	d.dump.Sections = append(d.dump.Sections, section)
	return err
}

func (d *wholeDump) end(withheld []string) Dump {
	_, _ = d.Write([]byte(joinEnd(len(d.dump.Sections)))) // a hash takes everything
	d.dump.SHA256 = hex.EncodeToString(d.hash.Sum(nil))
	d.dump.Withheld = withheld
	return d.dump
}

// joinSection writes the value of a section's file as the nth member of a dump.
func joinSection(w io.Writer, n int, section string, file io.Reader, size int64) error {
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

func joinEnd(sections int) string {
	if sections == 0 {
		return "{}"
	}
	return "\n}"
}
