// Package source opens what there is to analyze: a bundle, or bare ztunnel
// config dumps that a ticket carries.
package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/zbundle/zbundle/analyze/foreign"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Options say where a bundle comes from and what opens it.
type Options struct {
	Stdin      io.Reader // read where the file's name is "-"
	Identities []age.Identity
}

// Open takes one bundle, or any number of config dumps.
func Open(ctx context.Context, files []string, opts Options) (load.Source, error) {
	if slices.Equal(files, []string{"-"}) {
		r, err := bundle.OpenStream(opts.Stdin, opts.Identities...)
		if err != nil {
			return nil, err
		}
		return known(ctx, r)
	}
	if len(files) == 1 && !isJSON(files[0]) {
		r, err := bundle.Open(files[0], opts.Identities...)
		if err != nil {
			return nil, err
		}
		return known(ctx, r)
	}
	d := &dumps{}
	for _, file := range files {
		if !isJSON(file) {
			return nil, fmt.Errorf("%s: no config dump; several files are analyzed together only if all are config dumps", file)
		}
		d.files = append(d.files, file)
	}
	return d, nil
}

// known is a bundle, or another tool's archive read as one.
func known(ctx context.Context, r *bundle.Reader) (load.Source, error) {
	a, ok, err := foreign.Recognize(ctx, r)
	if err != nil || !ok {
		return r, err
	}
	return a, nil
}

// isJSON is true of a regular file whose first character opens an object.
func isJSON(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return false
	}
	head, err := bufio.NewReader(f).Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte("{"))
}

// dumps are config dumps in the places that they would have in a bundle.
type dumps struct {
	files    []string
	problems []bundle.Problem
}

func (d *dumps) Problems() []bundle.Problem { return d.problems }

func (d *dumps) Walk(ctx context.Context, fn func(bundle.File) error) error {
	d.problems = nil
	for i, file := range d.files {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := d.one(i, file, fn); err != nil {
			return err
		}
	}
	if len(d.problems) == len(d.files) {
		return fmt.Errorf("%s: %s", d.files[0], d.problems[0].Text)
	}
	return nil
}

func (d *dumps) one(i int, file string, fn func(bundle.File) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	dump, err := ztunnel.ReadDump(f)
	if err == nil && !dump.Sections[ztunnel.SectionWorkloads] && !dump.Sections[ztunnel.SectionCertificates] {
		err = errors.New("this JSON is no ztunnel config dump: it has neither workloads nor certificates")
	}
	if err != nil {
		d.problems = append(d.problems, bundle.Problem{Path: file, Text: err.Error()})
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return fn(bundle.File{Path: place(i, file, dump), Origin: file, Reader: f, ModTime: time.Time{}})
}

// place names the node by the dump's own configuration, else by the file.
func place(i int, file string, dump *ztunnel.Dump) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	node := name
	if dump.Config != nil && dump.Config.LocalNode != "" {
		node = dump.Config.LocalNode
	}
	if i > 0 {
		name = fmt.Sprintf("%s-%d", name, i+1)
	}
	return layout.ConfigDump(layout.Pod{Kind: layout.Ztunnel, Node: node, Name: name}.Dir())
}
