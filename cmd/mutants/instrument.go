package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one change to a package.
type mutant struct {
	number   int    // what switches it on
	position string // file:line
	function string
	change   string
}

// key names the mutant in explained.txt. It does not depend on line numbers.
func (m mutant) key() string { return m.function + " | " + m.change }

// mutated is a package in which all mutants are present, and none is switched on.
type mutated struct {
	directory string
	mutants   []mutant
	files     map[string][]byte // by path
}

// numberVariable is the environment variable that holds the number of the mutant to
// switch on.
const numberVariable = "GO_MUTANT"

// switchFile is added to the package. %s is the package's name.
const switchFile = `package %s

import (
	"os"
	"strconv"
)

var mutantOn, _ = strconv.Atoi(os.Getenv("` + numberVariable + `"))

func mutant(n int) bool { return mutantOn == n }
`

// instrument makes the mutants of the package in a directory.
func instrument(directory string) (*mutated, error) {
	m := &mutated{directory: directory, files: map[string][]byte{}}
	paths, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		return nil, err
	}
	name := ""
	for _, path := range paths {
		here, err := build.Default.MatchFile(directory, filepath.Base(path))
		if err != nil {
			return nil, err
		}
		if !here || strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name, err = m.add(path, source)
		if err != nil {
			return nil, err
		}
	}
	if name == "" {
		return nil, fmt.Errorf("no Go files: run it in the module's root directory")
	}
	m.files[filepath.Join(directory, "mutant_switch.go")] = fmt.Appendf(nil, switchFile, name)
	return m, nil
}

// add makes the mutants of one file, and returns the name of its package.
func (m *mutated) add(path string, source []byte) (name string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return "", err
	}
	in := &instrumenter{mutated: m, set: set, source: source, decided: map[ast.Expr]bool{}, seen: map[string]int{}}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			in.function = functionName(f)
			in.body(f.Type, f.Body)
		}
	}
	m.files[path] = in.result()
	return file.Name.Name, nil
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// instrumenter collects what is to be inserted into one file. It only inserts, on the
// line where it is, so that all lines keep their numbers.
type instrumenter struct {
	*mutated
	set      *token.FileSet
	source   []byte
	function string
	decided  map[ast.Expr]bool // its truth is changed by mutants of what contains it
	seen     map[string]int    // keys of this file
	edits    []edit
}

// edit inserts text around a node: nodes nest, so edits do.
type edit struct {
	from, to       int
	before, behind string
}

func (in *instrumenter) offset(p token.Pos) int { return in.set.Position(p).Offset }

// text is the source of a node, on one line.
func (in *instrumenter) text(n ast.Node) string {
	return string(in.source[in.offset(n.Pos()):in.offset(n.End())])
}

func (in *instrumenter) short(n ast.Node) string {
	s := strings.Join(strings.Fields(in.text(n)), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:97]) + "..."
	}
	return s
}

// mutant makes a mutant, and returns the expression that is true while it is switched on.
func (in *instrumenter) mutant(n ast.Node, format string, args ...any) string {
	p := in.set.Position(n.Pos())
	m := mutant{
		number:   len(in.mutants) + 1,
		position: fmt.Sprintf("%s:%d", filepath.ToSlash(p.Filename), p.Line),
		function: in.function,
		change:   fmt.Sprintf(format, args...),
	}
	in.seen[m.key()]++
	if k := in.seen[m.key()]; k > 1 {
		m.change += fmt.Sprintf(" (%d)", k)
	}
	in.mutants = append(in.mutants, m)
	return fmt.Sprintf("mutant(%d)", m.number)
}

func (in *instrumenter) around(n ast.Node, before, behind string) {
	in.edits = append(in.edits, edit{in.offset(n.Pos()), in.offset(n.End()), before, behind})
}

// body makes the mutants of a function. The functions inside it have results of their own.
func (in *instrumenter) body(t *ast.FuncType, body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			in.body(n.Type, n.Body)
			return false
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.IfStmt:
			in.condition(n.Cond)
		case *ast.ForStmt:
			if n.Cond != nil {
				in.decided[n.Cond] = true
				in.around(n.Cond, "(!"+in.mutant(n.Cond, "for %s: never", in.short(n.Cond))+" && (", "))")
			}
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					for _, e := range c.(*ast.CaseClause).List {
						in.condition(e)
					}
				}
			}
		case *ast.BlockStmt:
			in.statements(n.List, n == body, t)
		case *ast.CaseClause:
			in.statements(n.Body, false, t)
		case *ast.CommClause:
			in.statements(n.Body, false, t)
		case *ast.ReturnStmt:
			in.results(t, n)
		case ast.Expr:
			in.expression(n)
		}
		return true
	})
}

// condition makes what is decided by an expression happen always, and never.
func (in *instrumenter) condition(e ast.Expr) {
	in.decided[e] = true
	always := in.mutant(e, "if %s: always", in.short(e))
	never := in.mutant(e, "if %s: never", in.short(e))
	in.around(e, "("+always+" || !"+never+" && (", "))")
}

// expression changes an expression that may be a condition, a part of one, or a value.
func (in *instrumenter) expression(e ast.Expr) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		in.decided[e.X] = in.decided[e]
	case *ast.BinaryExpr:
		in.binary(e)
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			if !in.decided[e] {
				in.negate(e)
			}
			in.decided[e.X] = true
		}
	case *ast.Ident:
		if (e.Name == "true" || e.Name == "false") && !in.decided[e] {
			in.negate(e)
		}
	}
}

func (in *instrumenter) binary(e *ast.BinaryExpr) {
	switch e.Op {
	case token.LAND, token.LOR:
		for _, operand := range []ast.Expr{e.X, e.Y} {
			if inner, ok := operand.(*ast.BinaryExpr); ok && inner.Op == e.Op {
				continue // a && b && c has three operands
			}
			in.decided[operand] = true
			on := in.mutant(operand, "%s without %s", in.short(e), in.short(operand))
			if e.Op == token.LAND {
				in.around(operand, "("+on+" || (", "))")
			} else {
				in.around(operand, "(!"+on+" && (", "))")
			}
		}
	case token.LSS, token.GTR:
		on := in.mutant(e, "%s: or equal", in.short(e))
		in.around(e, "(", " || "+on+" && "+in.text(e.X)+" == "+in.text(e.Y)+")")
	case token.LEQ, token.GEQ:
		on := in.mutant(e, "%s: not if equal", in.short(e))
		in.around(e, "(", " && !("+on+" && "+in.text(e.X)+" == "+in.text(e.Y)+"))")
	case token.EQL, token.NEQ:
		if !in.decided[e] {
			in.negate(e)
		}
	}
}

// negate changes a value that is true or false.
func (in *instrumenter) negate(e ast.Expr) {
	in.decided[e] = true
	in.around(e, "((", ") != "+in.mutant(e, "not %s", in.short(e))+")")
}

// results changes the values returned for results of type bool.
func (in *instrumenter) results(t *ast.FuncType, r *ast.ReturnStmt) {
	if t.Results == nil || t.Results.NumFields() != len(r.Results) {
		return
	}
	i := 0
	for _, field := range t.Results.List {
		for range max(len(field.Names), 1) {
			e := r.Results[i]
			i++
			if name, ok := field.Type.(*ast.Ident); !ok || name.Name != "bool" {
				continue
			}
			switch e.(type) {
			case *ast.CallExpr, *ast.SelectorExpr, *ast.IndexExpr:
				in.negate(e)
			case *ast.Ident:
				if !in.decided[e] {
					in.negate(e)
				}
			}
		}
	}
}

// statements drops statements of a list, one at a time.
func (in *instrumenter) statements(list []ast.Stmt, outermost bool, t *ast.FuncType) {
	for i, s := range list {
		last := i == len(list)-1
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && last && t.Results != nil {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" {
					continue // the compiler needs it: the function has no return there
				}
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || !slices.ContainsFunc(s.Lhs, notBlank) {
				continue
			}
		case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
		case *ast.BranchStmt:
			if s.Tok != token.BREAK && s.Tok != token.CONTINUE {
				continue
			}
		case *ast.ReturnStmt:
			if t.Results != nil || outermost && last {
				continue
			}
		default:
			continue
		}
		in.around(s, "if !"+in.mutant(s, "without %s", in.short(s))+" { ", " }")
	}
}

func notBlank(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return !ok || name.Name != "_"
}

// result is the file with everything inserted.
func (in *instrumenter) result() []byte {
	before, behind := map[int]string{}, map[int]string{}
	for _, e := range in.edits { // the outer ones come first
		before[e.from] += e.before
		behind[e.to] = e.behind + behind[e.to]
	}
	var out bytes.Buffer
	for i := range len(in.source) + 1 {
		out.WriteString(behind[i])
		out.WriteString(before[i])
		if i < len(in.source) {
			out.WriteByte(in.source[i])
		}
	}
	return out.Bytes()
}
