package pseudonym

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/zbundle/zbundle/bundle"
)

// Map is what the pseudonyms stand for, as its file holds it.
type Map struct {
	Words     map[string]string         `json:"words"`     // by pseudonym
	Addresses map[netip.Addr]netip.Addr `json:"addresses"` // by pseudonym
	Networks  map[netip.Prefix]string   `json:"networks"`  // by pseudonym
}

// Map tells every pseudonym that was given.
func (n *Names) Map() *Map {
	m := &Map{Words: map[string]string{}, Addresses: map[netip.Addr]netip.Addr{}, Networks: map[netip.Prefix]string{}}
	for word, p := range n.words {
		m.Words[p] = word
	}
	for a, p := range n.addresses {
		m.Addresses[p] = a
	}
	for network, p := range n.networks {
		m.Networks[p] = network.String()
	}
	return m
}

// CheckMap is an error where Write would fail, for a file that must not be there.
func CheckMap(name string, force bool) error {
	if _, err := os.Lstat(name); err == nil && !force {
		return fmt.Errorf("%s: %w (use --force to replace it)", name, bundle.ErrExists)
	}
	return nil
}

// Write puts the map into a file that only its owner can read, and that
// appears when it is whole.
func (m *Map) Write(name string, force bool) error {
	if err := CheckMap(name, force); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("write the map of names: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*.partial") // 0600
	if err != nil {
		return fmt.Errorf("write the map of names: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the map of names: %w", err), os.Remove(f.Name()))
	}
	return nil
}

func removeMap(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ReadMap reads a map from its file.
func ReadMap(name string) (*Map, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the map of names: %w", err)
	}
	m := &Map{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("read the map of names in %s: %w", name, err)
	}
	return m, nil
}

// Reveal copies a text with the names put back.
func (m *Map) Reveal(w io.Writer, r io.Reader) error {
	s := &stream{w: w, r: &replacer{token: m.token, network: m.network}}
	if _, err := io.Copy(s, r); err != nil {
		return fmt.Errorf("reveal: %w", err)
	}
	return s.Close()
}

func (m *Map) token(dst []byte, token string) []byte {
	for len(token) > 0 {
		if token[0] == '-' || token[0] == '_' {
			dst, token = append(dst, token[0]), token[1:]
			continue
		}
		if a, length := dashed(token); length > 0 {
			dst, token = appendDashed(dst, m.address(a)), token[length:]
			continue
		}
		var word string
		word, token = cutWord(token)
		if real, ok := m.Words[word]; ok {
			word = real
		}
		dst = append(dst, word...)
	}
	return dst
}

func (m *Map) address(a netip.Addr) netip.Addr {
	if a.Is4In6() {
		return netip.AddrFrom16(m.address(a.Unmap()).As16())
	}
	if real, ok := m.Addresses[a.WithZone("")]; ok {
		return real
	}
	return a
}

func (m *Map) network(p netip.Prefix, sized bool) string {
	if !sized {
		return m.address(p.Addr()).String()
	}
	if real, ok := m.Networks[p]; ok {
		return real
	}
	return netip.PrefixFrom(m.address(p.Addr()), p.Bits()).String()
}
