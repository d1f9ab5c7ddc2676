package foreign

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// FuzzObjects reads a file of objects as an archive of another tool may hold it.
func FuzzObjects(f *testing.F) {
	f.Add("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web\n    namespace: shop\n  spec:\n    nodeName: worker-1\nkind: List\n")
	f.Fuzz(func(t *testing.T, text string) {
		lists, _ := readObjects(strings.NewReader(text), map[string]bool{})
		for resource, l := range lists {
			encoded, err := io.ReadAll(l.reader())
			if err != nil || !json.Valid(encoded) {
				t.Errorf("%s is no JSON: %v\n%s", resource, err, encoded)
			}
			pods := podIndex{}
			pods.add(l)
		}
	})
}

// FuzzLogParts takes a log apart that may hold the previous one.
func FuzzLogParts(f *testing.F) {
	f.Add("one\n========= Previous log =========\n\ntwo\n")
	f.Fuzz(func(t *testing.T, text string) {
		parts := newLogParts(strings.NewReader(text))
		current, err := io.ReadAll(parts)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(current), "\n")
		if !parts.previous() {
			if lines != strings.Count(text, "\n") {
				t.Errorf("%d lines of %q became %d", strings.Count(text, "\n"), text, lines)
			}
			return
		}
		previous, err := io.ReadAll(parts)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(previous), "\n"); got > strings.Count(text, "\n") || !strings.HasPrefix(string(previous), strings.Repeat("\n", lines)) {
			t.Errorf("the previous log's lines have lost their numbers: %d of %q", got, text)
		}
	})
}
