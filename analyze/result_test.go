package analyze

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestTheResultIsDocumented finds every key of `analyze -o json` in docs/result.md.
func TestTheResultIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/result.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() {
				continue
			}
			if f.Anonymous {
				check(f.Type)
				continue
			}
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key == "-" {
				continue // for the analysis itself
			}
			if key == "" {
				t.Errorf("%s.%s has no key", typ, f.Name)
			}
			if !strings.Contains(string(page), "`"+key+"`") {
				t.Errorf("docs/result.md does not tell of %q of %s", key, typ)
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[Result]())
}
