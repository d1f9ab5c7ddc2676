package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

// member is an entry of an archive that is made by hand.
type member struct {
	header  tar.Header
	content string
}

func file(name, content string) member {
	return member{tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}, content}
}

func link(name, to string) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}, ""}
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		if err := w.WriteHeader(&m.header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stored writes data as the only file of a folder, which must stay so.
func stored(t testing.TB, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "bundle")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v: %v", entries, err)
		}
	})
	return name
}

func TestABadEntryIsRefusedByNameAndTheOthersAreRead(t *testing.T) {
	special := func(kind byte) member {
		return member{header: tar.Header{Name: "mesh/bad", Typeflag: kind, Linkname: "/etc/passwd"}}
	}
	for _, test := range []struct {
		name string
		bad  member
		path string
		text string
	}{
		{"a path that leaves the folder", file("../x", ""), "../x", "its path leaves"},
		{"a path that leaves it on the way", file("mesh/a/../../x", ""), "mesh/a/../../x", "its path leaves"},
		{"a path into another folder", file("other/x", ""), "other/x", "its path leaves"},
		{"an absolute path", file("/etc/x", ""), "/etc/x", "its path leaves"},
		{"a path with backslashes", file(`mesh\..\..\x`, ""), `mesh\..\..\x`, "its path leaves"},
		{"a path that is no text", file("mesh/\xff", ""), "mesh/\xff", "its path leaves"},
		{"a path of more than one line", file("mesh/a\nb", ""), "mesh/a\nb", "its path leaves"},
		{"a symlink", special(tar.TypeSymlink), "bad", "neither a file nor a hard link"},
		{"a character device", special(tar.TypeChar), "bad", "neither a file nor a hard link"},
		{"a block device", special(tar.TypeBlock), "bad", "neither a file nor a hard link"},
		{"a pipe", special(tar.TypeFifo), "bad", "neither a file nor a hard link"},
		{"an unknown type", special('Z'), "bad", "neither a file nor a hard link"},
		{"a link out of the bundle", special(tar.TypeLink), "bad", "no entry before it"},
		{"a link out of its folder", link("mesh/bad", "mesh/../../x"), "bad", "no entry before it"},
		{"a link to itself", link("mesh/bad", "mesh/bad"), "bad", "no entry before it"},
		{"a link to a later entry", link("mesh/bad", "mesh/last.txt"), "bad", "no entry before it"},
		{"a name for the second time", file("mesh/first.txt", "other"), "first.txt", "a second entry of that name"},
		{"a name in another case", file("mesh/FIRST.txt", "other"), "FIRST.txt", "a second entry of that name"},
		{"a name in a longer form", file("mesh/.//first.txt", "other"), "first.txt", "a second entry of that name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := tarOf(t, file("mesh/zbundle.json", "{}"), file("mesh/first.txt", "first"), test.bad, file("mesh/last.txt", "last"))
			for _, form := range [][]byte{data, gzipOf(t, data)} {
				files, links, problems := contents(t, stored(t, form))
				want := map[string]string{"zbundle.json": "{}", "first.txt": "first", "last.txt": "last"}
				if diff := cmp.Diff(want, files); diff != "" || len(links) > 0 {
					t.Errorf("links %v (-want +got):\n%s", links, diff)
				}
				if len(problems) != 1 || problems[0].Path != test.path || !strings.Contains(problems[0].Text, test.text) {
					t.Errorf("problems %v", problems)
				}
			}
		})
	}
}

// TestACutBundleIsReadUpToTheCut cuts a bundle at every byte: what was given
// whole is whole, and that something lacks is told.
func TestACutBundleIsReadUpToTheCut(t *testing.T) {
	members := []member{file("mesh/zbundle.json", "{}"), file("mesh/a", strings.Repeat("a", 700)), link("mesh/b", "mesh/a"), file("mesh/manifest.json", "{}")}
	data := tarOf(t, members...)
	// A tar that ends behind an entry's content looks whole.
	whole := map[int]bool{}
	end := 0
	for _, m := range members {
		end += 512 + len(m.content)
		for ; end%512 != 0; end++ {
			whole[end] = true
		}
		whole[end] = true
	}
	for form, data := range map[string][]byte{"tar": data, "tgz": gzipOf(t, data)} {
		name := stored(t, data)
		_, all, problems := walked(t, name)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", form, problems)
		}
		for n := len(data) - 1; n >= 0; n-- {
			if err := os.Truncate(name, int64(n)); err != nil {
				t.Fatal(err)
			}
			_, size, problems := walked(t, name)
			if _, err := bundle.Open(name); err != nil || size == all || form == "tar" && whole[n] {
				continue
			}
			if len(problems) == 0 {
				t.Errorf("%s: cut after %d of %d bytes, %d of %d bytes are read and nothing is said", form, n, len(data), size, all)
			}
		}
	}
}

// resized changes what the nth header of a tar says of its entry's size.
func resized(data []byte, at int, size string) []byte {
	data = bytes.Clone(data)
	h := data[at : at+512]
	copy(h[124:136], size)
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return data
}

func TestASizeThatLiesCostsOnlyWhatFollows(t *testing.T) {
	data := tarOf(t, file("mesh/zbundle.json", "{}"), file("mesh/liar", strings.Repeat("x", 1000)), file("mesh/last", "last"))
	huge := make([]byte, 12)
	huge[0] = 0x80
	binary.BigEndian.PutUint64(huge[4:], 1<<62)
	for name, size := range map[string]string{
		"more than there is": "00000177777\x00", "less than there is": "00000000001\x00", "more than fits": string(huge), "no number": "zzzzzzzzzzz\x00",
	} {
		paths, _, problems := walked(t, stored(t, gzipOf(t, resized(data, 1024, size))))
		if len(paths) == 0 || paths[0] != "zbundle.json" || len(problems) == 0 {
			t.Errorf("%s: read %q, problems %v", name, paths, problems)
		}
	}
}

func TestAFolderWithLinksAndPipesIsReadWithoutThem(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	for _, name := range []string{filepath.Join(dir, "zbundle.json"), outside} {
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"file": outside, "folder": filepath.Dir(outside), "loop": "."} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pipe(t, filepath.Join(dir, "pipe"))
	paths, _, problems := walked(t, dir)
	if diff := cmp.Diff([]string{"zbundle.json"}, paths); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(problems) != 4 {
		t.Errorf("problems %v", problems)
	}
}
