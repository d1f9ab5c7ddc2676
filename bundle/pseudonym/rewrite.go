package pseudonym

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// Rewrite writes the bundle that r reads under another name, with pseudonyms
// for the names in it, and the map of them to mapFile. opts.Header is r's
// own. On an error neither file is there. size is the bundle's, in bytes.
func Rewrite(ctx context.Context, r *bundle.Reader, name, mapFile string, opts bundle.CreateOptions) (size int64, err error) {
	if err := CheckMap(mapFile, opts.Force); err != nil {
		return 0, err
	}
	n, err := New()
	if err != nil {
		return 0, err
	}
	if err := n.learnBundle(ctx, r); err != nil {
		return 0, fmt.Errorf("learn the bundle's names: %w", err)
	}
	header, err := n.header(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("anonymize: %w", err)
	}
	opts.Header, opts.KeepPEM = *header, false
	w, err := bundle.Create(name, opts)
	if err != nil {
		return 0, err
	}
	final, err := bundle.Rewrite(ctx, r, w, n)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("anonymize: %w", err), w.Abort())
	}
	for kind, count := range n.Counts() {
		final.Redactions[kind] = count
	}
	// The map comes first: a bundle that no one can read the names of is of no use.
	if err := n.Map().Write(mapFile, opts.Force); err != nil {
		return 0, errors.Join(err, w.Abort())
	}
	if err := w.Close(*final); err != nil {
		return 0, errors.Join(err, removeMap(mapFile))
	}
	return w.Size(), nil
}

// learnBundle reads every file for names. What can't be read is reported when it
// is to be written.
func (n *Names) learnBundle(ctx context.Context, r *bundle.Reader) error {
	return r.Walk(ctx, func(f bundle.File) error {
		switch {
		case f.Reader == nil || isUnnamed(f.Path):
			return nil
		case layout.IsJSON(f.Path):
			d := &document{w: io.Discard, text: n.learnFrom}
			if _, err := io.Copy(d, f.Reader); err != nil {
				return ctx.Err()
			}
			return nil
		}
		if err := n.learnFields(f.Reader); err != nil {
			return ctx.Err()
		}
		return nil
	})
}

func (n *Names) header(ctx context.Context, r *bundle.Reader) (*bundle.Header, error) {
	var plain, other bytes.Buffer
	if _, err := r.Cat(ctx, layout.Header, &plain); err != nil {
		return nil, err
	}
	if err := n.Copy(&other, layout.Header, &plain); err != nil {
		return nil, err
	}
	h, err := bundle.DecodeHeader(&other)
	if err != nil {
		return nil, err
	}
	if h.Anonymized {
		return nil, errors.New("the bundle has pseudonyms already")
	}
	if h.Shard != nil {
		return nil, errors.New("the bundle is one of several shards: zbundle merge them first")
	}
	h.Anonymized = true
	return h, nil
}

// Path gives the names in an entry's path their pseudonyms. ok is false for
// what is no part of a bundle.
func (n *Names) Path(entry string) (other string, ok bool) {
	return layout.Rename(entry,
		func(part string) string { return n.text(part, name) },
		func(part string) string { return n.text(part, word) })
}

// Copy writes an entry's content with pseudonyms in it.
func (n *Names) Copy(w io.Writer, entry string, r io.Reader) error {
	var to io.WriteCloser
	switch {
	case layout.IsText(entry):
		to = &stream{w: w, r: n.replacer(prose)}
	case layout.IsJSON(entry) && isUnnamed(entry):
		to = &document{w: w, text: n.rewriteUnnamed}
	case layout.IsJSON(entry):
		to = &document{w: w, text: n.rewrite}
	default:
		return errors.New("its form is not known")
	}
	if _, err := io.Copy(to, r); err != nil {
		return err
	}
	return to.Close()
}
