package bundle

import (
	"context"
	"io/fs"
	"os"

	"github.com/zbundle/zbundle/bundle/layout"
)

// walkFolder reads an extracted bundle. Nothing outside the folder can be
// reached through it; hard links are recognized by the file that they are.
func (r *Reader) walkFolder(ctx context.Context, fn func(File) error) error {
	root, err := os.OpenRoot(r.name)
	if err != nil {
		return err
	}
	defer root.Close()
	first := map[fileID]string{}
	visit := func(name string, d fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.problem(name, "can't be read: %v", err)
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxEntrySize {
			r.problem(name, "refused: not a regular file, or larger than an entry may be")
			return nil
		}
		f := File{Path: name, Size: info.Size(), ModTime: info.ModTime()}
		file, err := root.Open(name)
		if err != nil {
			r.problem(name, "can't be read: %v", err)
			return nil
		}
		defer file.Close()
		if id, linked := linkOf(file); linked {
			if f.Link = first[id]; f.Link == "" {
				first[id] = name
			}
		}
		f.Reader = file
		return fn(f)
	}
	// Views come first, as they do in an archive: what links to them follows.
	if _, err := fs.Stat(root.FS(), layout.Views); err == nil {
		if err := fs.WalkDir(root.FS(), layout.Views, visit); err != nil {
			return err
		}
	}
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if name == layout.Views {
			return fs.SkipDir
		}
		return visit(name, d, err)
	})
}

// fileID is a file on its volume: hard links to it have the same one.
type fileID struct{ volume, file uint64 }
