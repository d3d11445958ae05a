// Package check has what the tests of this module share.
package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Surface returns the exported functions and methods of the package in a directory, as
// "Lock.Acquire", and reports of each whether it may wait or start something that
// does: whether a parameter has to do with a context, a coroutine or an awaitable. Methods of
// embedded types count for the types that embed them.
func Surface(t testing.TB, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	s := surface{methods: map[string][]method{}, embeds: map[string][]string{}, all: map[string]bool{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			s.add(d)
		}
	}
	for owner := range s.methods {
		s.promote(owner, owner)
	}
	for owner := range s.embeds {
		s.promote(owner, owner)
	}
	return s.all
}

type surface struct {
	methods map[string][]method // by the types that declare them
	embeds  map[string][]string
	all     map[string]bool
}

type method struct {
	name  string
	waits bool
}

func (s *surface) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		switch {
		case !d.Name.IsExported():
		case d.Recv == nil:
			s.all[d.Name.Name] = waits(d)
		default:
			owner := typeName(d.Recv.List[0].Type)
			s.methods[owner] = append(s.methods[owner], method{d.Name.Name, waits(d)})
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			spec, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					if len(f.Names) == 0 {
						s.embeds[spec.Name.Name] = append(s.embeds[spec.Name.Name], typeName(f.Type))
					}
				}
			}
		}
	}
}

// promote adds the methods of a type to those of owner, unless owner has one of that name.
func (s *surface) promote(owner, from string) {
	if !ast.IsExported(owner) {
		return
	}
	for _, m := range s.methods[from] {
		if _, has := s.all[owner+"."+m.name]; !has {
			s.all[owner+"."+m.name] = m.waits
		}
	}
	for _, embedded := range s.embeds[from] {
		s.promote(owner, embedded)
	}
}

// waits reports whether the parameters have to do with waiting.
func waits(d *ast.FuncDecl) (found bool) {
	look := func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			found = found || slices.Contains([]string{"Context", "Coroutine", "Awaitable"}, id.Name)
		}
		return true
	}
	ast.Inspect(d.Type.Params, look)
	if d.Type.TypeParams != nil {
		ast.Inspect(d.Type.TypeParams, look)
	}
	return found
}

// typeName is the name of a type without pointer, package and type arguments.
func typeName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.SelectorExpr:
			return x.Sel.Name
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// Covered fails the test unless each function of [Surface] that may wait is either covered by
// a test or has a reason why not, and if there is none of a name that is given.
func Covered(t testing.TB, dir string, covered []string, reasons map[string]string) {
	t.Helper()
	surface := Surface(t, dir)
	for name, waits := range surface {
		_, excused := reasons[name]
		switch tested := slices.Contains(covered, name); {
		case tested && excused:
			t.Errorf("%s has a test, and a reason why it has none", name)
		case waits && !tested && !excused:
			t.Errorf("%s has neither a test nor a reason why not", name)
		}
	}
	for _, name := range slices.Concat(covered, slices.Collect(maps.Keys(reasons))) {
		if _, exists := surface[name]; !exists {
			t.Errorf("%s is no exported function", name)
		}
	}
}
