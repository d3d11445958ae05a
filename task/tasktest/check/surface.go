package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
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

// Covered fails the test unless each function of the package in the current directory that may
// wait has a scenario or a reason why not, and if there is none of a name that is given.
func Covered(t testing.TB, scenarios []Scenario, reasons map[string]string) {
	t.Helper()
	surface, covered := Surface(t, "."), map[string]bool{}
	for _, s := range scenarios {
		for _, name := range s.Of {
			covered[name] = true
		}
	}
	for name, waits := range surface {
		switch excused := reasons[name] != ""; {
		case covered[name] && excused:
			t.Errorf("%s has a scenario, and a reason why it has none", name)
		case waits && !covered[name] && !excused:
			t.Errorf("%s has neither a scenario nor a reason why not", name)
		}
	}
	for _, names := range []iter.Seq[string]{maps.Keys(covered), maps.Keys(reasons)} {
		for name := range names {
			if _, exists := surface[name]; !exists {
				t.Errorf("%s is no exported function", name)
			}
		}
	}
}
