package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// module makes a module with a package whose tests notice some mutants, and goes there.
func module(t *testing.T) {
	t.Helper()
	directory := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.24\n",
		"low/low.go": `package low

var Calls int

func Larger(a, b int) int {
	Calls++
	if a > b {
		return a
	}
	for b < 0 {
		b++
	}
	return b
}
`,
		"low/low_test.go": `package low

import "testing"

func TestLarger(t *testing.T) {
	if Larger(2, 1) != 2 || Larger(1, 2) != 2 || Larger(-2, -1) != 0 {
		t.Error("it is not the larger one")
	}
}
`,
		"high/high_test.go": `package high

import (
	"testing"

	"example.org/m/low"
)

func TestCalls(t *testing.T) {
	if low.Larger(0, 0); low.Calls != 1 {
		t.Error("not counted")
	}
}
`,
	} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(directory)
}

func TestExamineTellsWhoNoticesWhat(t *testing.T) {
	module(t)
	s := subject{"low", []suite{{directory: "low"}}, []suite{{directory: "high"}}}
	explained := map[string]string{"Larger | a > b: or equal": "They are the same then."}
	before, err := os.ReadFile("low/low.go")
	if err != nil {
		t.Fatal(err)
	}
	got, err := examine(s, explained, options{only: regexp.MustCompile(""), jobs: 2, grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// "without b++" is noticed because it does not come to an end.
	if want := (row{name: "low", mutants: 7, tried: 7, own: 5, others: 1, explained: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	after, err := os.ReadFile("low/low.go")
	if err != nil || string(after) != string(before) {
		t.Errorf("the package was changed: %v", err)
	}
}

func TestExamineWithoutTestsFindsSurvivors(t *testing.T) {
	module(t)
	if err := os.WriteFile("low/low_test.go", []byte("package low\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := subject{"low", []suite{{directory: "low"}}, nil}
	got, err := examine(s, nil, options{only: regexp.MustCompile("if"), n: 2, jobs: 2, grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if want := (row{name: "low", mutants: 7, tried: 2, survived: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestExamineRefusesTestsThatFailAnyway(t *testing.T) {
	module(t)
	if err := os.WriteFile("low/low_test.go", []byte("package low\n\nimport \"testing\"\n\nfunc TestNo(t *testing.T) { t.Error(\"no\") }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := subject{"low", []suite{{directory: "low"}}, nil}
	if _, err := examine(s, nil, options{only: regexp.MustCompile(""), jobs: 1, grace: time.Minute}); err == nil {
		t.Error("it went on")
	}
}
