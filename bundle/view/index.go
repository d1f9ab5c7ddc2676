package view

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Shared are the sections that ztunnels in step with each other have in common.
var Shared = []string{"policies", "services", "workloads"}

// itemHash identifies an item by its canonical bytes.
type itemHash [16]byte

func hashOf(item []byte) itemHash {
	sum := sha256.Sum256(item)
	return itemHash(sum[:16])
}

// Index is what a section, or another answer of one list, holds in which
// order, and where in its file.
type Index struct {
	list    bool // a list, and not a map by address as before 1.23
	indexed bool // one that is shared
	hashes  []itemHash
	starts  []int64 // of each item in the section's file
	ends    []int64
}

// maxItems bounds what is indexed of one list, far above the largest mesh.
const maxItems = 1 << 20

func (i *Index) add(hash itemHash, start, end int64) {
	if len(i.hashes) == maxItems {
		*i = Index{list: i.list} // it is stored as it is
		return
	}
	i.hashes = append(i.hashes, hash)
	i.starts = append(i.starts, start)
	i.ends = append(i.ends, end)
}

// IsList is true of a list, and not a map by address as before ztunnel 1.23.
func (i *Index) IsList() bool { return i != nil && i.list }

// comparable is true of what can be compared with another by its items.
func (i *Index) comparable() bool { return i != nil && i.list && i.indexed }

// ItemsIn gives the bytes of the nth item out of the section's file.
func (i *Index) ItemsIn(file io.ReaderAt) Items {
	return func(n int) ([]byte, error) {
		item := make([]byte, i.ends[n]-i.starts[n])
		if _, err := file.ReadAt(item, i.starts[n]); err != nil {
			return nil, fmt.Errorf("read back an item: %w", err)
		}
		return item, nil
	}
}

// Items gives the bytes of the nth item of a section.
type Items func(n int) ([]byte, error)

// ReadIndex is the index of the file of a view of that kind and SHA-256, nil
// where it is not in the form that this package writes.
func ReadIndex(kind string, file io.Reader, sum string) (*Index, error) {
	if kind != layout.KindXDS && !slices.Contains(Shared, kind) {
		return nil, nil
	}
	hash := sha256.New()
	index, err := NewSplitter(ztunnel.NewStreamDecoder(file), Options{KeepPEM: true}).CopyOnlyList(hash)
	if err != nil || !index.comparable() || hex.EncodeToString(hash.Sum(nil)) != sum {
		return nil, nil // it is stored as it is
	}
	return index, nil
}

// ErrNotShared is returned for what is not one object with one list.
var ErrNotShared = errors.New("not an object with one list")

// itemKey names an item as people know it.
func itemKey(kind string, item []byte) string {
	var names struct {
		UID       string `json:"uid"`
		Namespace string `json:"namespace"`
		Hostname  string `json:"hostname"`
		Name      string `json:"name"`
	}
	if err := json.Unmarshal(item, &names); err != nil {
		return "" // an item of another shape has its position only
	}
	switch kind {
	case "workloads":
		return names.UID
	case "services":
		return names.Namespace + "/" + names.Hostname
	}
	return names.Namespace + "/" + names.Name
}
