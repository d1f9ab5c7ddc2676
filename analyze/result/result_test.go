package result_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/analyze/result"
)

// rows are the lines of a page's table after a heading line, each with the
// names in its first column and those in the rest.
func rows(page, after string) (fields map[string][]string) {
	quoted := regexp.MustCompile("`([^`]+)`")
	fields = map[string][]string{}
	_, page, _ = strings.Cut(page, after)
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "|") {
			if len(fields) > 0 {
				return fields
			}
			continue
		}
		columns := strings.SplitN(strings.Trim(line, "|"), "|", 2)
		var rest []string
		for _, m := range quoted.FindAllStringSubmatch(columns[1], -1) {
			rest = append(rest, m[1])
		}
		for _, m := range quoted.FindAllStringSubmatch(columns[0], -1) {
			fields[m[1]] = rest
		}
	}
	return fields
}

func TestTheResultIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/result.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	check := func(typ reflect.Type, documented map[string][]string) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			rest, ok := documented[key]
			if !ok {
				t.Errorf("docs/result.md has no row for %q of %s", key, typ)
				continue
			}
			for _, part := range keysOf(f.Type, 0) {
				if !slices.Contains(rest, part) {
					t.Errorf("docs/result.md does not tell of %q in the row of %q", part, key)
				}
			}
		}
	}
	finding := rows(page, "A finding:")
	finding["suppressedBy"], finding["suppressedFor"], finding["cluster"] = nil, nil, nil
	check(reflect.TypeFor[result.Result](), rows(page, "# The result as JSON"))
	check(reflect.TypeFor[result.Finding](), finding)
}

// keysOf are the members of what a field holds, of findings none: they have a table of their own.
func keysOf(typ reflect.Type, depth int) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	elsewhere := []reflect.Type{reflect.TypeFor[result.Finding]()}
	if depth > 0 { // told once, of a finding
		elsewhere = append(elsewhere, reflect.TypeFor[result.Subject](), reflect.TypeFor[result.Evidence]())
	}
	if typ.Kind() != reflect.Struct || slices.Contains(elsewhere, typ) {
		return nil
	}
	var keys []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		keys = append(append(keys, key), keysOf(f.Type, depth+1)...)
	}
	return keys
}
