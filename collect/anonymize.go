package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/pseudonym"
	"github.com/zbundle/zbundle/internal/tempfile"
)

// runAnonymized collects into a file without a name, which nothing leads to
// once the process has ended, and writes the bundle out of it with pseudonyms:
// these can be given only when all names are known.
func runAnonymized(ctx context.Context, clusters []Cluster, opts Options, progress Progress) (*Summary, error) {
	to := bundle.CreateOptions{Force: opts.Force, Stdout: opts.Stdout, Recipients: opts.Recipients}
	if err := errors.Join(bundle.CheckCreate(opts.Output, to), pseudonym.CheckMap(opts.Names, opts.Force)); err != nil {
		return nil, err
	}
	plain, err := unnamedFile(opts.Output)
	if err != nil {
		return nil, err
	}
	defer plain.Close() // its content is in the bundle, or of no use
	inner := opts
	inner.Output, inner.Stdout, inner.Recipients, inner.Names = bundle.Stdout, plain, nil, ""
	summary, err := Run(ctx, clusters, inner, progress)
	if err != nil {
		return nil, err
	}
	r, err := bundle.OpenFile(plain)
	if err != nil {
		return nil, err
	}
	// A run that was interrupted leaves what is there, as it does without pseudonyms.
	size, err := pseudonym.Rewrite(context.WithoutCancel(ctx), r, opts.Output, opts.Names, to)
	if err != nil {
		return nil, err
	}
	summary.File, summary.Bytes, summary.Names = opts.Output, size, opts.Names
	return summary, nil
}

// unnamedFile makes a file beside the bundle, on whose disk there must be room anyway.
func unnamedFile(output string) (*os.File, error) {
	dir := filepath.Dir(output)
	if output == bundle.Stdout {
		dir = os.TempDir()
	}
	f, err := tempfile.Create(dir, ".zbundle-plain-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return f, nil
}
