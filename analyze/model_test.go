package analyze

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

var update = flag.Bool("update", false, "write docs/rules/model.md")

const modelPage = "../docs/rules/model.md"

// TestTheVocabularyIsDocumented holds docs/rules/model.md to the types that rules
// are checked against: `go test ./analyze -run Vocabulary -update` writes it.
func TestTheVocabularyIsDocumented(t *testing.T) {
	page := modelText(t)
	if *update {
		if err := os.WriteFile(modelPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(modelPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page); diff != "" {
		t.Errorf("docs/rules/model.md is not what the model is (-written +is); run go test ./analyze -run Vocabulary -update:\n%s", diff)
	}
}

func modelText(t *testing.T) string {
	t.Helper()
	comments := fieldComments(t)
	var b strings.Builder
	b.WriteString("# The model that rules see\n\n" +
		"Generated from the types of `analyze/mesh`; [writing.md](writing.md) says how rules use it. A rule runs over one of the\n" +
		"collections of the mesh (`for: pods`), and reads each item by its variable (`pod`); `mesh` is always there as well.\n\n")
	b.WriteString("| for | variable | type |\n| --- | --- | --- |\n")
	var queue []reflect.Type
	for _, c := range collections() {
		fmt.Fprintf(&b, "| `%s` | `%s` | [%s](#%s) |\n", c.name, c.item, typeName(c.typ), strings.ToLower(typeName(c.typ)))
		queue = append(queue, c.typ)
	}
	seen := map[reflect.Type]bool{}
	for len(queue) > 0 {
		typ := structOf(queue[0])
		queue = queue[1:]
		if typ == nil || seen[typ] {
			continue
		}
		seen[typ] = true
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| field | type | meaning |\n| --- | --- | --- |\n", typ.Name(), comments[typ.Name()])
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := f.Tag.Get("expr")
			if name == "" || name == "-" {
				continue
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, typeName(f.Type), comments[typ.Name()+"."+f.Name])
			queue = append(queue, f.Type)
		}
	}
	b.WriteString("\n## Functions\n\nBeside those of [expr](https://expr-lang.org/docs/language-definition):\n\n| function | meaning |\n| --- | --- |\n")
	for _, f := range Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Usage, f.Text)
	}
	b.WriteString("\n## Inputs\n\nWhat a rule can name in `needs`: ")
	for i, input := range mesh.Inputs() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", input)
	}
	b.WriteString(".\n")
	return b.String()
}

// structOf is the struct of the model behind a pointer, a list or a map; nil where there is none.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && strings.HasSuffix(t.PkgPath(), "/mesh") {
		return t
	}
	return nil
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "map of " + typeName(t.Elem())
	case reflect.Float64, reflect.Int, reflect.Int64, reflect.Uint32:
		return "number"
	case reflect.Bool:
		return "boolean"
	}
	if t.PkgPath() == "time" {
		return "time"
	}
	return t.Name()
}

// fieldComments are the comments of the model's types and fields, by "Type" and "Type.Field".
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := filepath.Glob("mesh/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				typ, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				out[typ.Name.Name] = sentence(g.Doc, typ.Doc)
				fields, ok := typ.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, f := range fields.Fields.List {
					for _, n := range f.Names {
						out[typ.Name.Name+"."+n.Name] = sentence(f.Doc, f.Comment)
					}
				}
			}
		}
	}
	return out
}

func sentence(groups ...*ast.CommentGroup) string {
	var p comment.Parser
	var parts []string
	for _, g := range groups {
		if g != nil {
			text := string(new(comment.Printer).Text(p.Parse(g.Text())))
			parts = append(parts, strings.Join(strings.Fields(text), " "))
		}
	}
	return strings.ReplaceAll(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "), "|", "\\|")
}
