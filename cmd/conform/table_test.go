package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of the table of CPython's tests names Go tests that exist, or says
// why there is none, and the figures above it are those of the rows.
func TestConformanceTable(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join("testdata", "cpython_tests.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]map[string]bool)
	rows, pinned := 0, 0
	for number, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| CPython test ") {
			continue
		}
		rows++
		cells := regexp.MustCompile(` (?:\\\||[^|])*`).FindAllString(strings.Trim(line, "|"), -1)
		if len(cells) != 4 {
			t.Errorf("line %d: %d cells, not 4: %s", number+1, len(cells), line)
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		named := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Example|Fuzz)[^`/]*)[^`]*`").FindAllStringSubmatch(cells[2], -1)
		if cells[0] == "" || cells[1] == "" || len(named) == 0 && (cells[2] != "-" || cells[3] == "") {
			t.Errorf("line %d: a cell is empty: %s", number+1, line)
		}
		if len(named) > 0 {
			pinned++
		}
		for _, name := range named {
			folder, test := name[1], name[2]
			if tests[folder] == nil {
				tests[folder] = testsIn(t, filepath.Join(root, folder))
			}
			if !tests[folder][test] {
				t.Errorf("line %d: there is no %s in %s", number+1, test, folder)
			}
		}
	}
	if rows < 400 {
		t.Errorf("the table has %d rows: where are the others?", rows)
	}
	figures := fmt.Sprintf("Of %d tests, %d are pinned; %d cannot", rows, pinned, rows-pinned)
	if !strings.Contains(string(text), figures) {
		t.Errorf("the text above the table does not say %q", figures)
	}
}

// testsIn lists the tests, examples and fuzz targets of a package.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
