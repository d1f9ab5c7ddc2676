package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// pageSize is how many objects one request lists, smallPage how many where
// those are more than pageBytes.
const (
	pageSize  = 500
	smallPage = 20
	pageBytes = 32 * mb
)

// errAbsent is returned for what the cluster does not serve.
var errAbsent = errors.New("not served by this cluster")

// groupVersions are the versions that the cluster serves of each API group.
type groupVersions map[string][]string

func (a *api) groupVersions(ctx context.Context) (groupVersions, error) {
	resp, err := a.get(ctx, "/apis", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list metav1.APIGroupList
	if err := json.NewDecoder(io.LimitReader(resp.Body, 16*mb)).Decode(&list); err != nil {
		return nil, fmt.Errorf("read the list of API groups: %w", err)
	}
	out := groupVersions{"": {"v1"}}
	for _, g := range list.Groups {
		for _, v := range g.Versions {
			out[g.Name] = append(out[g.Name], v.Version)
		}
	}
	return out, nil
}

// path is where a resource is listed, "" where the cluster does not serve it.
// Without knowledge of what is served, the preferred version is tried.
func (g groupVersions) path(r resource) string {
	version := r.versions[0]
	if g != nil {
		at := slices.IndexFunc(r.versions, func(v string) bool { return slices.Contains(g[r.group], v) })
		if at < 0 {
			return ""
		}
		version = r.versions[at]
	}
	if r.group == "" {
		return "/api/" + version
	}
	return "/apis/" + r.group + "/" + version
}

// listed takes what is kept of one list, and tells each object before it is redacted.
type listed struct {
	w    io.Writer
	task task
	// namespaces are those to list, each by itself; none stands for all at once.
	namespaces []string
	objects    []named               // to get by name
	each       func(raw []byte) bool // tells whether an object is kept
	count      int
	removed    int
	bytes      int64
}

// list writes all objects of a resource as one List, page by page, one object
// a line.
func (a *api) list(ctx context.Context, base string, l *listed) error {
	if _, err := io.WriteString(l.w, `{"apiVersion":"v1","kind":"List","items":[`); err != nil {
		return err
	}
	var err error
	if l.task.form == asNamed {
		err = a.named(ctx, base, l)
	} else {
		err = a.lists(ctx, base, l)
	}
	if _, errEnd := io.WriteString(l.w, "\n]}\n"); errEnd != nil {
		return errEnd
	}
	return err
}

// lists goes through the namespaces. What one does not give, others may.
func (a *api) lists(ctx context.Context, base string, l *listed) error {
	if len(l.namespaces) == 0 {
		return a.pages(ctx, listPath(base, "", l.task), l)
	}
	var errs []error
	for _, ns := range l.namespaces {
		errs = append(errs, a.pages(ctx, listPath(base, ns, l.task), l))
	}
	return errors.Join(errs...)
}

// listPath is where the objects of a namespace are listed, or those of all ("").
func listPath(base, namespace string, task task) string {
	if namespace == "" {
		return base + "/" + task.name
	}
	return base + "/namespaces/" + url.PathEscape(namespace) + "/" + task.name
}

func (a *api) pages(ctx context.Context, path string, l *listed) error {
	return a.eachPage(ctx, path, l, func(p *page) error {
		for _, raw := range p.Items {
			if err := l.add(raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachPage gives a list's pages one after the other; the next one is asked for
// while fn has the one before.
func (a *api) eachPage(ctx context.Context, path string, l *listed, fn func(*page) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		page *page
		err  error
	}
	ask := func(token string, size int) <-chan answer {
		next := make(chan answer, 1)
		go func() {
			p, err := a.pageAfter(ctx, path, token, size, l)
			next <- answer{p, err}
		}()
		return next
	}
	size := pageSize
	for next := ask("", size); next != nil; {
		got := <-next
		if got.err != nil {
			return got.err
		}
		size = got.page.size
		next = nil
		if token := got.page.Metadata.Continue; token != "" {
			next = ask(token, size)
		}
		if err := fn(got.page); err != nil {
			if next != nil {
				cancel()
				<-next
			}
			return err
		}
	}
	return nil
}

// pageAfter asks for a page of so many objects, and for a small one where that is too large.
func (a *api) pageAfter(ctx context.Context, path, token string, size int, l *listed) (*page, error) {
	for {
		query := url.Values{"limit": {strconv.Itoa(size)}}
		if token != "" {
			query.Set("continue", token)
		}
		p, err := a.page(ctx, path, query, l)
		if errors.Is(err, errTooLarge) && size > smallPage {
			size = smallPage
			continue
		}
		if p != nil {
			p.size = size
		}
		return p, err
	}
}

// page is one answer to a list.
type page struct {
	Metadata metav1.ListMeta  `json:"metadata"`
	Items    []jsontext.Value `json:"items"`

	names []bundle.PodName // where the answer has no more of its items
	size  int              // how many objects were asked for
}

// page asks for one page, again where it breaks off.
func (a *api) page(ctx context.Context, path string, query url.Values, l *listed) (*page, error) {
	var p *page
	err := retry(ctx, maxAttempts, func() error {
		resp, err := a.once(ctx, path, query)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body := &limitedReader{r: resp.Body, left: min(pageBytes, l.task.limit-l.bytes)}
		defer func() { l.bytes += body.n }()
		if p, err = readPage(resp.Header.Get("Content-Type"), body); err != nil {
			return fmt.Errorf("read a page of %s: %w", l.task.name, cmp.Or(body.failed, bundle.SyntaxOf(err)))
		}
		return nil
	})
	return p, err
}

func readPage(contentType string, body io.Reader) (*page, error) {
	if strings.HasPrefix(contentType, runtime.ContentTypeProtobuf) {
		return readNames(body)
	}
	p := &page{}
	return p, jsonv2.UnmarshalRead(body, p, rawjson.Lenient())
}

// named is one object to fetch by its name.
type named struct{ namespace, name string }

func (n named) path(task task) string {
	return "/namespaces/" + url.PathEscape(n.namespace) + "/" + task.name + "/" + n.name
}

// named fetches single objects by name in every namespace that could hold
// one: those of the mesh's own pods. What one right does not give, others may.
func (a *api) named(ctx context.Context, base string, l *listed) error {
	var denied error
	for _, o := range l.objects {
		raw, err := a.object(ctx, base+o.path(l.task), l.task.limit)
		if hasCode(err, http.StatusNotFound) {
			continue
		}
		if isForbidden(err) {
			denied = err
			continue
		}
		if err != nil {
			return err
		}
		l.bytes += int64(len(raw))
		if err := l.add(raw); err != nil {
			return err
		}
	}
	return denied
}

// object reads one object, again where it breaks off.
func (a *api) object(ctx context.Context, path string, limit int64) ([]byte, error) {
	var raw []byte
	err := retry(ctx, maxAttempts, func() error {
		resp, err := a.once(ctx, path, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		raw, err = io.ReadAll(&limitedReader{r: resp.Body, left: limit})
		return err
	})
	return raw, err
}

func (l *listed) add(raw []byte) error {
	if l.each != nil && !l.each(raw) {
		return nil
	}
	obj, err := decodeObject(raw, redact.KeepsManagers(l.task.group, l.task.name))
	if err != nil {
		return fmt.Errorf("read an object of %s: %w", l.task.name, err)
	}
	removed, ok := redact.Object(l.task.group, l.task.name, obj)
	l.removed += removed
	if !ok {
		return nil
	}
	sep := ",\n"
	if l.count == 0 {
		sep = "\n"
	}
	l.count++
	line, err := encodeObject(obj)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(l.w, sep); err != nil {
		return err
	}
	_, err = l.w.Write(line)
	return err
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
