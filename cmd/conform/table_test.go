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
	tests := make(testNames)
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
		named := namedTest.FindAllStringSubmatch(cells[2], -1)
		if cells[0] == "" || cells[1] == "" || len(named) == 0 && (cells[2] != "-" || cells[3] == "") {
			t.Errorf("line %d: a cell is empty: %s", number+1, line)
		}
		if len(named) > 0 {
			pinned++
		}
		for _, name := range named {
			tests.mustHave(t, filepath.Join(root, name[1]), name[2], number+1)
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

// Every row of the table of misuse names Go tests that exist, or none if nothing is
// answered.
func TestMisuseTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "porting.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Misuse")
	before := strings.Count(string(text), "\n") - strings.Count(section, "\n")
	tests := make(testNames)
	rows := 0
	for number, line := range strings.Split(section, "\n") {
		number += before + 1
		if !strings.HasPrefix(line, "| ") || line == "| what | answer | test |" {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 {
			t.Errorf("line %d: %d cells, not 3: %s", number, len(cells), line)
			continue
		}
		named := namedTest.FindAllStringSubmatch(cells[2], -1)
		if named == nil && (strings.TrimSpace(cells[2]) != "-" || !strings.HasPrefix(cells[1], " nothing;")) {
			t.Errorf("line %d: no test is named: %s", number, line)
		}
		if len(named) != strings.Count(cells[2], "`")/2 {
			t.Errorf("line %d: a name is none of a test: %s", number, cells[2])
		}
		for _, name := range named {
			folder := name[1]
			switch folder {
			case "sched":
				folder = "task/internal/sched"
			case "streams":
				folder = "task/streams"
			}
			tests.mustHave(t, filepath.Join("..", "..", folder), name[2], number)
		}
	}
	if rows < 60 {
		t.Errorf("the table has %d rows: where are the others?", rows)
	}
}

// namedTest finds names of tests, such as `task.TestX/y` in backquotes.
var namedTest = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Example|Fuzz)[^`/]*)[^`]*`")

// testNames are the tests of packages, by folder.
type testNames map[string]map[string]bool

// mustHave checks that there is such a test.
func (n testNames) mustHave(t *testing.T, folder, test string, line int) {
	t.Helper()
	if n[folder] == nil {
		n[folder] = testsIn(t, folder)
	}
	if !n[folder][test] {
		t.Errorf("line %d: there is no %s in %s", line, test, folder)
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
