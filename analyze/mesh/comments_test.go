package mesh_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// named is the list of names that a comment begins with: "A is", "A, B and C are".
var named = regexp.MustCompile(`^((?:[A-Z]\w*, )*[A-Z]\w*(?: and [A-Z]\w*)?) (?:is|are|was|were|says?|tells?|counts?|names?|holds?)\b`)

// The comments of the model's fields are published as docs/rules/model.md.
func TestCommentsNameTheFieldsThatTheyAreAbout(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			var known []string
			for _, f := range fields.Fields.List {
				for _, id := range f.Names {
					known = append(known, id.Name)
				}
			}
			for _, f := range fields.Fields.List {
				if f.Tag == nil || !strings.Contains(f.Tag.Value, "expr:") || f.Doc == nil || len(f.Names) == 0 {
					continue
				}
				match := named.FindStringSubmatch(f.Doc.Text())
				if match == nil {
					t.Errorf("%s: the comment of %s.%s does not begin with its name: %q", name, spec.Name.Name, f.Names[0].Name, f.Doc.Text())
					continue
				}
				of := strings.Split(strings.ReplaceAll(match[1], " and ", ", "), ", ")
				for _, field := range of {
					if !slices.Contains(known, field) {
						t.Errorf("%s: the comment of %s.%s is about %s, which is no field of it", name, spec.Name.Name, f.Names[0].Name, field)
					}
				}
				if !slices.Contains(of, f.Names[0].Name) {
					t.Errorf("%s: the comment of %s.%s is about %v", name, spec.Name.Name, f.Names[0].Name, of)
				}
			}
			return true
		})
	}
}
