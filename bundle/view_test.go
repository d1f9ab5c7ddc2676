package bundle_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// made writes a bundle of one dump for each node, and closes it.
func made(t *testing.T, opts bundle.CreateOptions, dumps ...[]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "b.tgz")
	w, err := bundle.Create(name, opts)
	if err != nil {
		t.Fatal(err)
	}
	for n, dump := range dumps {
		if _, err := w.AddConfigDump(context.Background(), dirOf(n), "t", captured, bytes.NewReader(dump)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(bundle.Final{}); err != nil {
		t.Fatal(err)
	}
	return name
}

func dirOf(n int) string {
	return layout.Pod{Kind: layout.Ztunnel, Node: fmt.Sprintf("n%d", n), Name: "z"}.Dir()
}

func cat(t *testing.T, name, path string) (string, []string) {
	t.Helper()
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	withheld, err := r.Cat(context.Background(), path, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), withheld
}

func manifest(t *testing.T, name string) *bundle.Manifest {
	t.Helper()
	text, _ := cat(t, name, layout.Manifest)
	m, err := bundle.DecodeManifest(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// canonicalText sorts by text alone what ztunnel prints in random order.
func canonicalText(dump string) string {
	lists := regexp.MustCompile(`(?s)"(?:services|illegalPorts)": \[\n {6,8}["0-9][^\[\]{}]*\]`)
	return lists.ReplaceAllStringFunc(dump, func(list string) string {
		head, body, _ := strings.Cut(list, "[")
		lines := strings.Split(strings.TrimRight(strings.TrimSuffix(body, "]"), " "), "\n")
		values := lines[1 : len(lines)-1]
		for i := range values {
			values[i] = strings.TrimSuffix(values[i], ",")
		}
		slices.SortFunc(values, func(a, b string) int {
			if a, b := strings.TrimSpace(a), strings.TrimSpace(b); !strings.HasPrefix(a, `"`) {
				return len(a)*1000 - len(b)*1000 + strings.Compare(a, b)
			}
			return strings.Compare(a, b)
		})
		end := list[strings.LastIndex(list, "\n"):]
		return head + "[\n" + strings.Join(values, ",\n") + end
	})
}

func TestCatGivesBackWhatEveryRecordedZtunnelServed(t *testing.T) {
	files, err := filepath.Glob("../testdata/ztunnel/*/*/*/config_dump.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		data := read(t, file)
		name := made(t, bundle.CreateOptions{KeepPEM: true}, data)
		got, withheld := cat(t, name, dirOf(0)+"/config_dump.json")
		if diff := cmp.Diff(canonicalText(string(data)), got); diff != "" || len(withheld) > 0 {
			t.Errorf("%s: withheld %v (-served +given back):\n%s", file, withheld, diff)
		}
		sum := sha256.Sum256([]byte(got))
		if want := manifest(t, name).Dumps[0]; want.SHA256 != hex.EncodeToString(sum[:]) || want.Bytes != int64(len(got)) {
			t.Errorf("%s: the manifest has %+v, and cat gives %x", file, want, sum)
		}
	}
}

// workloads is a dump of n workloads; edit may change any of them, or drop it with "".
func workloads(n int, edit func(i int, w string) string) []byte {
	var list []string
	for i := range n {
		w := fmt.Sprintf("{\n      \"uid\": \"c//Pod/ns/w%03d\",\n      \"node\": \"a\"\n    }", i)
		if edit != nil {
			w = edit(i, w)
		}
		if w != "" {
			list = append(list, w)
		}
	}
	return []byte("{\n  \"version\": {},\n  \"workloads\": [\n    " + strings.Join(list, ",\n    ") + "\n  ]\n}")
}

func TestAZtunnelThatDiffersALittleCostsItsDifference(t *testing.T) {
	base := workloads(100, nil)
	extra := "{\n      \"uid\": \"c//Pod/ns/new\"\n    }"
	for _, test := range []struct {
		name                    string
		edit                    func(i int, w string) string
		missing, changed, extra []string
	}{
		{"one missing", func(i int, w string) string {
			if i == 7 {
				return ""
			}
			return w
		}, []string{"c//Pod/ns/w007"}, nil, nil},
		{"one changed", func(i int, w string) string {
			if i == 7 {
				return strings.Replace(w, `"a"`, `"b"`, 1)
			}
			return w
		}, nil, []string{"c//Pod/ns/w007"}, nil},
		{"neighbours changed, with one more between them", func(i int, w string) string {
			switch i {
			case 7, 8, 9:
				w = strings.Replace(w, `"a"`, `"b"`, 1)
			}
			if i == 8 {
				return extra + ",\n    " + w
			}
			return w
		}, nil, []string{"c//Pod/ns/w007", "c//Pod/ns/w008", "c//Pod/ns/w009"}, []string{"c//Pod/ns/new"}},
		{"one changed beside one missing", func(i int, w string) string {
			switch i {
			case 7:
				return ""
			case 8:
				return strings.Replace(w, `"a"`, `"b"`, 1)
			}
			return w
		}, []string{"c//Pod/ns/w007"}, []string{"c//Pod/ns/w008"}, nil},
		{"one more, in the middle", func(i int, w string) string {
			if i == 50 {
				return extra + ",\n    " + w
			}
			return w
		}, nil, nil, []string{"c//Pod/ns/new"}},
		{"one more, at the end, and the first missing", func(i int, w string) string {
			switch i {
			case 0:
				return ""
			case 99:
				return w + ",\n    " + extra
			}
			return w
		}, []string{"c//Pod/ns/w000"}, nil, []string{"c//Pod/ns/new"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dump := workloads(100, test.edit)
			name := made(t, bundle.CreateOptions{}, base, dump)
			text, _ := cat(t, name, dirOf(1)+"/config_dump/workloads.delta.json")
			d, err := view.ReadDelta(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			keys := func(items []view.Item) (out []string) {
				for _, i := range items {
					out = append(out, i.Key)
				}
				return out
			}
			if diff := cmp.Diff([][]string{test.missing, test.changed, test.extra}, [][]string{keys(d.Missing), keys(d.Changed), keys(d.Extra)}); diff != "" {
				t.Errorf("missing, changed, extra (-want +got):\n%s", diff)
			}
			if whole, _ := cat(t, name, dirOf(1)+"/config_dump.json"); whole != string(dump) {
				t.Errorf("not what was served:\n%s", cmp.Diff(string(dump), whole))
			}
			section, _ := cat(t, name, dirOf(1)+"/config_dump/workloads.json")
			if !json.Valid([]byte(section)) {
				t.Errorf("the section is no JSON:\n%s", section)
			}
		})
	}
}

func TestAZtunnelThatDiffersALotHasAViewOfItsOwn(t *testing.T) {
	base := workloads(100, nil)
	other := workloads(100, func(i int, w string) string { return strings.Replace(w, "/w", "/x", 1) })
	reversed := bytes.Replace(workloads(100, nil), []byte("w001"), []byte("w999"), 1)
	name := made(t, bundle.CreateOptions{}, base, other, other, reversed)
	views := 0
	for _, e := range manifest(t, name).Entries {
		if strings.HasPrefix(e.Path, "views/") {
			views++
		}
	}
	if views != 2 {
		t.Errorf("%d views, want that of the first and that of the second and third", views)
	}
	for n, dump := range [][]byte{base, other, other, reversed} {
		if got, _ := cat(t, name, dirOf(n)+"/config_dump.json"); got != string(dump) {
			t.Errorf("node %d: not what was served", n)
		}
	}
}

func TestItemsInAnotherOrderAreNoDelta(t *testing.T) {
	dump := []byte("{\n  \"workloads\": [\n    {\"uid\":\"a\"},\n    {\"uid\":\"b\"},\n    {\"uid\":\"c\"}\n  ]\n}")
	other := []byte("{\n  \"workloads\": [\n    {\"uid\":\"c\"},\n    {\"uid\":\"b\"},\n    {\"uid\":\"a\"}\n  ]\n}")
	name := made(t, bundle.CreateOptions{}, dump, other)
	if got, _ := cat(t, name, dirOf(1)+"/config_dump.json"); got != string(other) {
		t.Errorf("not what was served:\n%s", got)
	}
}

func TestCertificatesAreKeptAsFacts(t *testing.T) {
	data := read(t, "../testdata/ztunnel/1.28.9/healthy/worker-1/config_dump.json")
	name := made(t, bundle.CreateOptions{}, data)
	got, withheld := cat(t, name, dirOf(0)+"/config_dump.json")
	if strings.Contains(got, "LS0t") || strings.Contains(got, `"pem"`) {
		t.Error("a PEM body is in the bundle")
	}
	if diff := cmp.Diff([]string{"certificates: PEM bodies"}, withheld); diff != "" {
		t.Errorf("withheld (-want +got):\n%s", diff)
	}
	var dump struct {
		Certificates []struct {
			Identity  string
			CertChain []struct {
				SerialNumber string
				Facts        ztunnel.Facts
			}
			RootCerts []struct{ Facts ztunnel.Facts }
		}
	}
	if err := json.Unmarshal([]byte(got), &dump); err != nil {
		t.Fatal(err)
	}
	for _, c := range dump.Certificates {
		if leaf := c.CertChain[0]; !slices.Equal(leaf.Facts.SANs, []string{c.Identity}) || len(leaf.Facts.Fingerprint) != 16 || leaf.Facts.KeyType != "ECDSA P-256" || leaf.SerialNumber == "" {
			t.Errorf("%s: %+v", c.Identity, leaf)
		}
		if len(c.RootCerts) != 1 || len(c.RootCerts[0].Facts.Fingerprint) != 64 {
			t.Errorf("%s: trust roots %+v", c.Identity, c.RootCerts)
		}
	}
}

func TestAPathThatIsNotThereIsAnError(t *testing.T) {
	name := made(t, bundle.CreateOptions{}, workloads(3, nil))
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"nodes/x/ztunnel/z/config_dump.json", "a", "../zbundle.json"} {
		if _, err := r.Cat(context.Background(), path, &bytes.Buffer{}); !errors.Is(err, bundle.ErrNoEntry) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
