package bundle_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

const (
	firstLook  = "istiod/a/ambientz.json"
	secondLook = "istiod/a/after/ambientz.json"
)

// looks writes two answers and returns what stands at their paths.
func looks(t *testing.T, first, second io.Reader) (name string, errs [2]error) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "b.tgz")
	w := create(t, name, false)
	for n, answer := range []io.Reader{first, second} {
		e := bundle.NewEntry{Path: []string{firstLook, secondLook}[n], ModTime: captured}
		_, errs[n] = w.AddLists(context.Background(), e, answer)
	}
	if err := w.Close(bundle.Final{}); err != nil {
		t.Fatal(err)
	}
	return name, errs
}

func TestListsThatSayTheSameStandOnceInOrder(t *testing.T) {
	// Two that differ only after what is compared at first glance.
	long := strings.Repeat("x", 200)
	name, errs := looks(t,
		strings.NewReader(`{"workloads":[{"uid":"b"},{"uid":"`+long+`2"}, {"uid":"a"},{"uid":"`+long+`1"}],"policies":[]}`),
		strings.NewReader(`{"workloads":[{"uid":"`+long+`1"},{"uid":"a"},{"uid":"`+long+`2"},{"uid":"b"}],"policies":[]}`))
	if errs != [2]error{} {
		t.Fatal(errs)
	}
	want := `{
  "workloads": [
    {"uid":"a"},
    {"uid":"b"},
    {"uid":"` + long + `1"},
    {"uid":"` + long + `2"}
  ],
  "policies": [
  ]
}
`
	for _, path := range []string{firstLook, secondLook} {
		if got, _ := cat(t, name, path); got != want {
			t.Error(cmp.Diff(want, got))
		}
	}
	links := map[string]bool{}
	for _, e := range manifest(t, name).Entries {
		if e.Link != "" {
			links[e.Link] = true
		}
	}
	if len(links) != 1 {
		t.Errorf("the two answers are links to %v", links)
	}
}

// renaming is a bundle.Rewriter that calls "a" "z", and "z" "a".
type renaming struct{}

func (renaming) Path(name string) (string, bool) { return name, true }

func (renaming) Copy(w io.Writer, _ string, r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, err = strings.NewReplacer(`"a"`, `"z"`, `"z"`, `"a"`).WriteString(w, string(text))
	return err
}

// TestRenamedListsAreInTheOrderOfTheirNewNames: that of the old ones would tell of them.
func TestRenamedListsAreInTheOrderOfTheirNewNames(t *testing.T) {
	answer := `{"workloads":[{"uid":"z"},{"uid":"a"},{"uid":"m","beside":"a"}]}`
	name, errs := looks(t, strings.NewReader(answer), strings.NewReader(answer))
	if errs != [2]error{} {
		t.Fatal(errs)
	}
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	renamed := filepath.Join(t.TempDir(), "renamed.tgz")
	w := create(t, renamed, false)
	final, err := bundle.Rewrite(t.Context(), r, w, renaming{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(*final); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"workloads\": [\n    {\"uid\":\"a\"},\n    {\"uid\":\"m\",\"beside\":\"z\"},\n    {\"uid\":\"z\"}\n  ]\n}\n"
	for _, path := range []string{firstLook, secondLook} {
		if got, _ := cat(t, renamed, path); got != want {
			t.Errorf("%s:\n%s", path, cmp.Diff(want, got))
		}
	}
}

func TestWhatIsNoListsIsStoredAsItWasServed(t *testing.T) {
	for _, answer := range []string{"{}\n", `[{"b":1},{"a":2}]`, `{"workloads":{"b":1,"a":2}}`, `{"workloads":[2,1],"version":"1.30"}`, `"none"`} {
		name, errs := looks(t, strings.NewReader(answer), strings.NewReader(answer))
		if errs != [2]error{} {
			t.Fatal(errs)
		}
		if got, _ := cat(t, name, secondLook); got != answer {
			t.Error(cmp.Diff(answer, got))
		}
	}
}

func TestAnAnswerOfListsThatBreaksOffIsAnError(t *testing.T) {
	for _, c := range []struct {
		what, answer string
		want         error
	}{
		{"cut", `{"workloads":[{"uid":"b"},{"ui`, io.ErrUnexpectedEOF},
		{"cut between lists", `{"workloads":[{"uid":"b"}],`, io.ErrUnexpectedEOF},
		{"invalid", `{"workloads":[{"uid":"b"},}`, bundle.ErrSyntax},
		{"followed by more", `{"workloads":[{"uid":"b"}]}7`, bundle.ErrSyntax},
	} {
		_, errs := looks(t, strings.NewReader(c.answer), iotest.ErrReader(iotest.ErrTimeout))
		if !errors.Is(errs[0], c.want) {
			t.Errorf("%s: %v, want %v", c.what, errs[0], c.want)
		}
		if !errors.Is(errs[1], iotest.ErrTimeout) {
			t.Errorf("a lost connection: %v", errs[1])
		}
	}
}
