package report

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/result"
)

func TestEveryFormatIsFoundByItsNameAndWritesAnEmptyResult(t *testing.T) {
	for _, name := range Names() {
		f, err := FormatNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(name, f.Name); diff != "" {
			t.Error(diff)
		}
		if err := f.Write(io.Discard, &result.Result{}, Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnknownFormatIsToldWithThoseThatThereAre(t *testing.T) {
	_, err := FormatNamed("yaml")
	if diff := cmp.Diff(`"yaml" must be one of text, json`, err.Error()); diff != "" {
		t.Error(diff)
	}
}
