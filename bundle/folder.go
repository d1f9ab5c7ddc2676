package bundle

import (
	"context"
	"io/fs"
	"os"
	"syscall"

	"github.com/zbundle/zbundle/bundle/layout"
)

// walkFolder reads an extracted bundle. Nothing outside the folder can be
// reached through it; hard links are told by their inode.
func (r *Reader) walkFolder(ctx context.Context, fn func(File) error) error {
	root, err := os.OpenRoot(r.name)
	if err != nil {
		return err
	}
	defer root.Close()
	first := map[inode]string{}
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
			r.problem(name, "refused: no regular file of a size that a bundle has")
			return nil
		}
		f := File{Path: name, Size: info.Size(), ModTime: info.ModTime()}
		if id, linked := linkOf(info); linked {
			if f.Link = first[id]; f.Link == "" {
				first[id] = name
			}
		}
		file, err := root.Open(name)
		if err != nil {
			r.problem(name, "can't be read: %v", err)
			return nil
		}
		defer file.Close()
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

type inode struct{ dev, ino uint64 }

func linkOf(info fs.FileInfo) (inode, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return inode{}, false
	}
	return inode{uint64(st.Dev), st.Ino}, true
}
