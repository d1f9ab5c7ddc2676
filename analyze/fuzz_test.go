package analyze_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/rules"
)

// entries are a bundle in memory.
type entries []bundle.File

func (e entries) Problems() []bundle.Problem { return nil }

func (e entries) Walk(_ context.Context, fn func(bundle.File) error) error {
	for _, f := range e {
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

func entry(path string, data []byte) bundle.File {
	return bundle.File{Path: path, Size: int64(len(data)), Reader: bytes.NewReader(data)}
}

// FuzzAnalyze puts a file of any name and content beside a healthy ztunnel,
// whose dump is a view that the file may be a link to.
func FuzzAnalyze(f *testing.F) {
	healthy, err := os.ReadFile("../testdata/ztunnel/1.28.9/healthy/worker-1/config_dump.json")
	if err != nil {
		f.Fatal(err)
	}
	set, err := rules.Builtin()
	if err != nil {
		f.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		f.Fatal(err)
	}
	const view = "views/workloads-1.json"
	f.Fuzz(func(t *testing.T, path string, data []byte, link bool) {
		judge := func() *result.Result {
			stranger := entry(path, data)
			if link {
				stranger = bundle.File{Path: path, Link: view}
			}
			r, err := analyze.Analyze(t.Context(), entries{
				entry(layout.Header, []byte(`{"format":1}`)),
				entry("nodes/worker-1/ztunnel/healthy/config_dump.json", healthy),
				entry(view, []byte(`{"workloads":[{"uid":"a"}]}`)),
				stranger,
			}, engine, analyze.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		first := judge()
		if first.Completeness.Ztunnels.Total < 1 {
			t.Error("the healthy ztunnel is not counted")
		}
		if diff := cmp.Diff(first, judge()); diff != "" {
			t.Errorf("the second time (-first +second):\n%s", diff)
		}
	})
}
