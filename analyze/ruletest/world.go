// Package ruletest tries rules on small worlds: bundles as folders, which a
// test changes file by file and gives to the analyzer as it would read them
// from an archive.
package ruletest

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/rules"
)

//go:embed worlds
var worlds embed.FS

// world is a bundle in memory: content by path.
type world struct {
	files map[string][]byte
	tasks map[string]bundle.Task // those that a change says failed
}

// Worlds are the names of those that a test can start from.
func Worlds() []string {
	entries, err := worlds.ReadDir("worlds")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func open(name string) (*world, error) {
	w := &world{files: map[string][]byte{}, tasks: map[string]bundle.Task{}}
	root := path.Join("worlds", path.Base(name))
	err := fs.WalkDir(worlds, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := worlds.ReadFile(file)
		w.files[strings.TrimPrefix(file, root+"/")] = content
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("there is no world %q; there are %s", name, strings.Join(Worlds(), ", "))
	}
	return w, nil
}

// Walk gives the header first and the manifest last, as a bundle does.
func (w *world) Walk(ctx context.Context, fn func(bundle.File) error) error {
	names := slices.Sorted(maps.Keys(w.files))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		content := w.files[name]
		if err := fn(bundle.File{Path: name, Size: int64(len(content)), Reader: bytes.NewReader(content)}); err != nil {
			return err
		}
	}
	return nil
}

func rank(name string) int {
	switch name {
	case layout.Header:
		return 0
	case layout.Manifest:
		return 2
	}
	return 1
}

// Problems are none: nothing is refused in memory.
func (w *world) Problems() []bundle.Problem { return nil }

// change edits the world's files. An edit that changes nothing is an error.
func (w *world) change(c rules.Change) error {
	before, ok := w.files[c.File]
	if !ok && c.Append == "" {
		return fmt.Errorf("the world has no file %s", c.File)
	}
	switch {
	case c.Missing != "":
		delete(w.files, c.File)
		return w.fail(c)
	case c.Append != "":
		w.files[c.File] = append(bytes.Clone(before), strings.TrimRight(c.Append, "\n")+"\n"...)
	case len(c.Replace) == 2:
		w.files[c.File] = bytes.ReplaceAll(before, []byte(c.Replace[0]), []byte(c.Replace[1]))
	case c.Remove != "" || c.Set != nil:
		var err error
		if w.files[c.File], err = edit(before, c); err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
	default:
		return fmt.Errorf("%s: nothing to change: give set, remove, append, replace or missing", c.File)
	}
	if bytes.Equal(before, w.files[c.File]) {
		return fmt.Errorf("%s: the change leaves it as it was", c.File)
	}
	return nil
}

// fail makes the manifest say why a file is missing.
func (w *world) fail(c rules.Change) error {
	m, err := bundle.DecodeManifest(bytes.NewReader(w.files[layout.Manifest]))
	if err != nil {
		return err
	}
	of := layout.Parse(c.File)
	id, ok := of.Task()
	if !ok {
		return fmt.Errorf("%s: no task makes it", c.File)
	}
	found := false
	for i := range m.Tasks {
		t := &m.Tasks[i]
		if t.ID == id && (of.Pod.Name == "" || t.Target.Name == of.Pod.Name) {
			t.Status, t.Reason, found = bundle.Status(c.Missing), c.Reason, true
		}
	}
	if !found {
		return fmt.Errorf("%s: no task of the manifest makes it", c.File)
	}
	w.files[layout.Manifest], err = json.Marshal(m)
	return err
}
