package pseudonym

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/zbundle/zbundle/bundle"
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

// learnBundle reads every file for names. What can't be read is told when it
// is to be written.
func (n *Names) learnBundle(ctx context.Context, r *bundle.Reader) error {
	return r.Walk(ctx, func(f bundle.File) error {
		switch {
		case f.Reader == nil || isUnnamed(f.Path):
			return nil
		case path.Ext(f.Path) == ".json":
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
	if _, err := r.Cat(ctx, bundle.HeaderPath, &plain); err != nil {
		return nil, err
	}
	if err := n.Copy(&other, bundle.HeaderPath, &plain); err != nil {
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

// layout are the names in paths that are the layout's own.
var layout = set("nodes ztunnel cni istiod waypoints config_dump xds before after cluster")

// Path gives the names in an entry's path their pseudonyms. ok is false for
// what is no part of a bundle.
func (n *Names) Path(entry string) (other string, ok bool) {
	if entry == bundle.HeaderPath || entry == bundle.ManifestPath {
		return entry, true
	}
	ending := ""
	for _, e := range []string{".wads.delta.json", ".delta.json", ".wads.json", ".json", ".txt"} {
		if strings.HasSuffix(entry, e) {
			ending = e
			break
		}
	}
	parts := strings.Split(strings.TrimSuffix(entry, ending), "/")
	if ending == "" || len(parts) < 2 {
		return "", false
	}
	named := func(int) bool { return false }
	switch parts[0] {
	case "cluster", "views":
	case "nodes":
		named = func(i int) bool { return i == 1 || i == 3 }
	case "istiod":
		named = func(i int) bool { return i == 1 || i > 1 && parts[i-1] == "xds" }
	case "waypoints":
		named = func(i int) bool { return i == 1 || i == 2 }
	default:
		return "", false
	}
	for i, part := range parts {
		switch {
		case named(i):
			parts[i] = n.text(part, name)
		case !layout[part]:
			parts[i] = n.text(part, word)
		}
	}
	return strings.Join(parts, "/") + ending, true
}

// Copy writes an entry's content with pseudonyms in it.
func (n *Names) Copy(w io.Writer, entry string, r io.Reader) error {
	var to io.WriteCloser
	switch {
	case path.Ext(entry) == ".txt":
		to = &stream{w: w, r: n.replacer(prose)}
	case path.Ext(entry) == ".json" && isUnnamed(entry):
		to = &document{w: w, text: n.rewriteUnnamed}
	case path.Ext(entry) == ".json":
		to = &document{w: w, text: n.rewrite}
	default:
		return errors.New("it is of no known form")
	}
	if _, err := io.Copy(to, r); err != nil {
		return err
	}
	return to.Close()
}
