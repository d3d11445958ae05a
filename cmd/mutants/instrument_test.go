package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

const sample = `package p

type box[T any] struct {
	item T
	full bool
}

func (b *box[T]) put(item T) bool {
	if b.full {
		return false
	}
	b.item, b.full = item, true
	return !b.full == false
}

func count(limit int, ok func() bool) (n int, found bool) {
	for n < limit && (ok() || n == 0) {
		n++
		switch {
		case n >= 7:
			break
		}
		defer func() { _ = recover() }()
	}
	if n > 0 {
		panic("none")
	}
	return n, ok()
}

func stop(c chan int) {
	for i := 0; i <= 3; i++ {
		if i == 2 { return }
		c <- i
	}
	func() bool { return c != nil }()
	return
}
`

func instrumented(t *testing.T) *mutated {
	t.Helper()
	m := &mutated{files: map[string][]byte{}}
	name, err := m.add("sample.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if name != "p" {
		t.Errorf("the package is called %q", name)
	}
	return m
}

func TestInstrumentMakesEachChange(t *testing.T) {
	var got []string
	for _, m := range instrumented(t).mutants {
		got = append(got, m.key())
	}
	want := []string{
		"box.put | without b.item, b.full = item, true",
		"box.put | if b.full: always",
		"box.put | if b.full: never",
		"box.put | not false",
		"box.put | not true",
		"box.put | not !b.full == false",
		"box.put | not !b.full",
		"box.put | not false (2)",
		"count | for n < limit && (ok() || n == 0): never",
		"count | n < limit && (ok() || n == 0) without n < limit",
		"count | n < limit && (ok() || n == 0) without (ok() || n == 0)",
		"count | n < limit: or equal",
		"count | ok() || n == 0 without ok()",
		"count | ok() || n == 0 without n == 0",
		"count | without n++",
		"count | without defer func() { _ = recover() }()",
		"count | if n >= 7: always",
		"count | if n >= 7: never",
		"count | n >= 7: not if equal",
		"count | without break",
		"count | if n > 0: always",
		"count | if n > 0: never",
		"count | n > 0: or equal",
		"count | not ok()",
		"stop | without func() bool { return c != nil }()",
		"stop | for i <= 3: never",
		"stop | without c <- i",
		"stop | i <= 3: not if equal",
		"stop | if i == 2: always",
		"stop | if i == 2: never",
		"stop | without return",
		"stop | not c != nil",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestInstrumentWritesWhatCompilesOnTheSameLines(t *testing.T) {
	m := instrumented(t)
	content := m.files["sample.go"]
	if got, want := strings.Count(string(content), "\n"), strings.Count(sample, "\n"); got != want {
		t.Errorf("%d lines, want %d:\n%s", got, want, content)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for name, text := range map[string]string{"sample.go": string(content), "switch.go": "package p\nfunc mutant(int) bool { return false }"} {
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatalf("%v\n%s", err, content)
		}
		files = append(files, file)
	}
	if _, err := new(types.Config).Check("p", set, files, nil); err != nil {
		t.Errorf("%v\n%s", err, content)
	}
}

func TestExplanationsHaveReasons(t *testing.T) {
	all, err := parseExplanations("# a comment\n\npackage p\nf | without g()\n    It is\n    useless.\n")
	if err != nil || all["p"]["f | without g()"] != "It is useless." {
		t.Errorf("got %v, %v", all, err)
	}
	for _, text := range []string{"f | without g()\n", "package p\nf | without g()\n", "package p\nnonsense\n"} {
		if _, err := parseExplanations(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, err := parseExplanations(explanations); err != nil {
		t.Error(err)
	}
}
