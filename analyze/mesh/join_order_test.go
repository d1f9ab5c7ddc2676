package mesh

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// uses are the fields of the model that a function and all that it calls read and write.
type uses struct{ reads, writes map[*types.Var]bool }

// fieldUses reads out of the package's own code which fields each function uses, by its name in lower case.
func fieldUses(t *testing.T) map[string]uses {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := config.Check("mesh", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	facts := factsOf(pkg)
	direct, calls := map[*types.Func]uses{}, map[*types.Func]map[*types.Func]bool{}
	for _, file := range files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				fn := info.Defs[f.Name].(*types.Func)
				direct[fn], calls[fn] = usesOf(f.Body, info, pkg, facts)
			}
		}
	}
	out := map[string]uses{}
	for fn := range direct {
		if fn.Signature().Recv() == nil {
			all := uses{map[*types.Var]bool{}, map[*types.Var]bool{}}
			reach(fn, direct, calls, all, map[*types.Func]bool{})
			out[strings.ToLower(fn.Name())] = all
		}
	}
	return out
}

// factsOf are the fields of the model and of its index: neither those of what joins work with, nor
// those that only name a thing, nor what is kept of a subject that is always the same.
func factsOf(pkg *types.Package) map[*types.Var]bool {
	facts := map[*types.Var]bool{}
	for _, name := range pkg.Scope().Names() {
		typ := pkg.Scope().Lookup(name)
		s, ok := typ.Type().Underlying().(*types.Struct)
		if !ok || !typ.Exported() && name != "index" || name == "Subject" || name == "Evidence" {
			continue
		}
		for f := range s.Fields() {
			facts[f] = name != "Peer" || f.Name() != "key"
		}
	}
	return facts
}

func reach(fn *types.Func, direct map[*types.Func]uses, calls map[*types.Func]map[*types.Func]bool, into uses, seen map[*types.Func]bool) {
	if seen[fn] {
		return
	}
	seen[fn] = true
	maps.Copy(into.reads, direct[fn].reads)
	maps.Copy(into.writes, direct[fn].writes)
	for called := range calls[fn] {
		reach(called, direct, calls, into, seen)
	}
}

// usesOf are the fields that a function's own body uses, and the functions of
// the package that it names. What a new object is made with is no write: the
// list that it is added to is.
func usesOf(body ast.Node, info *types.Info, pkg *types.Package, facts map[*types.Var]bool) (uses, map[*types.Func]bool) {
	u, calls := uses{map[*types.Var]bool{}, map[*types.Var]bool{}}, map[*types.Func]bool{}
	written := map[ast.Node]bool{} // selectors that are assigned to as a whole
	field := func(id *ast.Ident) *types.Var {
		v, ok := info.Uses[id].(*types.Var)
		if !ok || !facts[v.Origin()] {
			return nil
		}
		return v.Origin()
	}
	write := func(e ast.Expr, also bool) {
		for {
			index, ok := e.(*ast.IndexExpr)
			if !ok {
				break
			}
			e = index.X
		}
		if s, ok := e.(*ast.SelectorExpr); ok && field(s.Sel) != nil {
			u.writes[field(s.Sel)] = true
			written[s] = !also
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				write(e, n.Tok != token.ASSIGN)
			}
		case *ast.IncDecStmt:
			write(n.X, true)
		case *ast.SelectorExpr:
			if v := field(n.Sel); v != nil && !written[n] {
				u.reads[v] = true
			}
		case *ast.Ident:
			if fn, ok := info.Uses[n].(*types.Func); ok && fn.Pkg() == pkg {
				calls[fn.Origin()] = true
			}
		}
		return true
	})
	return u, calls
}

// A join that reads what another writes has to run after it, and to say so.
func TestJoinsRunAfterWhatTheyRead(t *testing.T) {
	byFunction := fieldUses(t)
	all := joins()
	of := map[string]uses{}
	for _, j := range all {
		u, ok := byFunction["join"+strings.ToLower(j.name)]
		if !ok {
			t.Fatalf("join %s is not run by a function of its name", j.name)
		}
		of[j.name] = u
	}
	before := map[string]map[string]bool{} // all that a join says to run after, by itself or by others
	for at, j := range all {
		before[j.name] = map[string]bool{}
		for _, other := range j.before {
			if !slices.ContainsFunc(all[at:], func(o join) bool { return o.name == other }) {
				t.Errorf("%s is to run before %s, which runs earlier", j.name, other)
			}
			if len(sharedFields(of[j.name].reads, of[other].writes)) == 0 {
				t.Errorf("%s says that it runs before %s, and reads nothing that it writes", j.name, other)
			}
		}
		for _, other := range j.after {
			if !slices.ContainsFunc(all[:at], func(o join) bool { return o.name == other }) {
				t.Errorf("%s is to run after %s, which runs later", j.name, other)
			}
			before[j.name][other] = true
			maps.Copy(before[j.name], before[other])
		}
	}
	for at, j := range all {
		for place, other := range all {
			shared := sharedFields(of[j.name].reads, of[other.name].writes)
			switch {
			case j.name == other.name || len(shared) == 0:
			case place > at && !slices.Contains(j.before, other.name):
				t.Errorf("%s reads %v, which %s writes later", j.name, shared, other.name)
			case place > at:
			case !before[j.name][other.name]:
				t.Errorf("%s reads %v of %s, and does not say that it runs after it", j.name, shared, other.name)
			}
		}
		for _, other := range j.after {
			if len(sharedFields(of[j.name].reads, of[other].writes)) == 0 {
				t.Errorf("%s says that it runs after %s, and reads nothing of it", j.name, other)
			}
		}
	}
}

func sharedFields(reads, writes map[*types.Var]bool) []string {
	var out []string
	for v := range reads {
		if writes[v] {
			out = append(out, v.Name())
		}
	}
	slices.Sort(out)
	return out
}
