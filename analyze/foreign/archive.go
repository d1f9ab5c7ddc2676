// Package foreign reads archives of other tools that tickets already carry as
// far as they hold a mesh, in the places that their files have in a bundle.
// What they don't hold is a gap with its reason, so that rules that need it
// are undecided.
package foreign

import (
	"context"
	"errors"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// Archive is an archive of another tool, read as a bundle.
type Archive struct {
	r      *bundle.Reader
	layout toolLayout

	problems []bundle.Problem
}

// toolLayout knows where a tool puts what.
type toolLayout interface {
	// tool names it in reasons: "istioctl bug-report".
	tool() string
	// objects says whether a file holds Kubernetes objects as YAML, and which
	// resources it would hold if the cluster has any of them.
	objects(path string) (resources []string, ok bool)
	// place says where a file's content stands in a bundle, and what it is
	// if that is a log which may hold the previous one too.
	place(path string, pods podIndex) (to string, log bool)
	// lacks tells whether the tool never takes an artifact of an agent.
	lacks(layout.Artifact) bool
}

var errFound = errors.New("found")

// Recognize tells an archive of another tool by the first file that only it
// has; ok is false for everything else.
func Recognize(ctx context.Context, r *bundle.Reader) (a *Archive, ok bool, err error) {
	err = r.Walk(ctx, func(f bundle.File) error {
		switch {
		case f.Path == layout.Header:
			return errFound
		case bugReportFile.MatchString(f.Path):
			a = &Archive{r: r, layout: bugReport{}}
			return errFound
		case mustGatherFile.MatchString(f.Path):
			a = &Archive{r: r, layout: mustGather{}}
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return a, a != nil, err
}

// Problems are what had to be refused.
func (a *Archive) Problems() []bundle.Problem { return append(a.r.Problems(), a.problems...) }

func (a *Archive) problem(path string, err error) {
	a.problems = append(a.problems, bundle.Problem{Path: path, Text: err.Error()})
}

// Walk gives the archive's content as the files of a bundle: objects first,
// since they tell which node a pod is on.
func (a *Archive) Walk(ctx context.Context, fn func(bundle.File) error) error {
	a.problems = nil
	w := &walk{a: a, fn: fn, pods: podIndex{}, written: map[string]int{}, placed: map[string]bool{}, seen: map[string]bool{}}
	if err := a.r.Walk(ctx, w.objects); err != nil {
		return err
	}
	if err := w.header(); err != nil {
		return err
	}
	if err := a.r.Walk(ctx, w.file); err != nil {
		return err
	}
	return w.manifest()
}
