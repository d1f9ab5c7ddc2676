package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// file is a section's file, its index and its SHA-256.
type file struct {
	text  string
	index *Index
	sum   string
}

func policies(t *testing.T, names ...string) file {
	t.Helper()
	var items []string
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		items = append(items, fmt.Sprintf(`{"namespace":"shop","name":%q,"v":%q}`, name, version))
	}
	var out bytes.Buffer
	in := rawjson.NewDecoder(strings.NewReader(`{"policies":[` + strings.Join(items, ",") + `]}`))
	index, err := NewSplitter(in, Options{}).CopyOnlyList(&out)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	return file{out.String(), index, hex.EncodeToString(sum[:])}
}

func (f file) delta(t *testing.T, s *Set) *Delta {
	t.Helper()
	d, err := s.Delta("policies", f.sum, int64(len(f.text)), f.index, f.index.ItemsIn(strings.NewReader(f.text)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func setOf(t *testing.T, files ...file) *Set {
	t.Helper()
	s := &Set{}
	for _, f := range files {
		if err := s.Add("policies", f.sum, f.index, strings.NewReader(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var all = strings.Fields("a b c d e f g h")

func TestASectionIsWhatItsDeltaAndViewMakeUp(t *testing.T) {
	view := policies(t, all...)
	s := setOf(t, view)
	for name, test := range map[string]struct {
		section                 string
		missing, changed, extra int
	}{
		"equal":                {"a b c d e f g h", 0, 0, 0},
		"one is missing":       {"a b d e f g h", 1, 0, 0},
		"the last is missing":  {"a b c d e f g", 1, 0, 0},
		"one changed":          {"a b c@2 d e f g h", 0, 1, 0},
		"one more":             {"a b c c2 d e f g h", 0, 0, 1},
		"one more at the end":  {"a b c d e f g h i", 0, 0, 1},
		"one moved to another": {"a b x d e f g h", 1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			section := policies(t, strings.Fields(test.section)...)
			d := section.delta(t, s)
			if d == nil {
				t.Fatal("no delta")
			}
			if diff := cmp.Diff([]int{test.missing, test.changed, test.extra}, []int{len(d.Missing), len(d.Changed), len(d.Extra)}); diff != "" {
				t.Errorf("missing, changed, extra: %s", diff)
			}
			text, err := d.Text()
			if err != nil {
				t.Fatal(err)
			}
			read, err := ReadDelta(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var made bytes.Buffer
			if err := read.Apply(&made, strings.NewReader(view.text)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(section.text, made.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := read.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsTooDifferentHasNoDelta(t *testing.T) {
	s := setOf(t, policies(t, all...))
	for name, section := range map[string]file{
		"in another order":    policies(t, strings.Fields("b a c d e f g h")...),
		"a few are the same":  policies(t, strings.Fields("a b x y z")...),
		"of no view at all":   policies(t),
		"none is of its kind": {},
	} {
		if section.index == nil {
			if d, err := s.Delta("services", "", 0, &Index{}, nil); d != nil || err != nil {
				t.Errorf("%s: %+v, %v", name, d, err)
			}
			continue
		}
		if d := section.delta(t, s); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestTheNearestViewIsTaken(t *testing.T) {
	far, near := policies(t, all[1:]...), policies(t, all...)
	d := policies(t, append([]string{}, all[:7]...)...).delta(t, setOf(t, far, near))
	if d == nil || d.View != layout.View("policies", near.sum) {
		t.Errorf("%+v, want one of %s", d, near.sum)
	}
}

func TestADeltaThatWasChangedIsAnError(t *testing.T) {
	view := policies(t, all...)
	d := policies(t, all[:7]...).delta(t, setOf(t, view))
	d.SHA256 = strings.Repeat("0", 64)
	if err := d.Apply(&bytes.Buffer{}, strings.NewReader(view.text)); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v, want ErrChanged", err)
	}
	d.SHA256 = "0"
	if err := d.Check(); !errors.Is(err, ErrHash) {
		t.Errorf("error %v, want ErrHash", err)
	}
}

func TestADeltaOfAnotherBundleIsRebased(t *testing.T) {
	// The other bundle's view is itself a delta of one that this bundle holds.
	here, there := policies(t, all...), policies(t, all[1:]...)
	section := policies(t, all[1:7]...)
	d := section.delta(t, setOf(t, there))
	rebased, err := setOf(t, here).Rebase("policies", d, there.index, there.index.ItemsIn(strings.NewReader(there.text)))
	if err != nil || rebased == nil {
		t.Fatalf("%+v, %v", rebased, err)
	}
	var made bytes.Buffer
	if err := rebased.Apply(&made, strings.NewReader(here.text)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(section.text, made.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADeltaIsMovedToARewrittenView(t *testing.T) {
	view := policies(t, all...)
	d := policies(t, strings.Fields("a b c@2 d e f g h i")...).delta(t, setOf(t, view))
	renamed := policies(t, strings.Fields("A B C D E F G H")...)
	var section bytes.Buffer
	if err := d.Rebase(layout.View("policies", renamed.sum), strings.NewReader(renamed.text), &section); err != nil {
		t.Fatal(err)
	}
	want := policies(t, strings.Fields("A B c@2 D E F G H i")...)
	if diff := cmp.Diff(want.text, section.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.SHA256 != want.sum || d.Bytes != int64(len(want.text)) {
		t.Errorf("it stands for %s of %d bytes, want %s of %d", d.SHA256, d.Bytes, want.sum, len(want.text))
	}
}

func TestWhatADeltaHasForItself(t *testing.T) {
	const rest = " d e f g h i j k l"
	d := policies(t, strings.Fields("b c@2"+rest+" m")...).delta(t, setOf(t, policies(t, strings.Fields("a b c"+rest)...)))
	own := map[string]string{}
	for pointer, item := range d.Own() {
		own[pointer] = string(item)
	}
	want := map[string]string{
		"/changed/0/item": `{"namespace":"shop","name":"c","v":"2"}`,
		"/extra/0/item":   `{"namespace":"shop","name":"m","v":""}`,
	}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("own (-want +got):\n%s", diff)
	}
	var gone []string
	for key := range d.Gone() {
		gone = append(gone, key)
	}
	if diff := cmp.Diff([]string{"shop/a", "shop/c"}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
}
