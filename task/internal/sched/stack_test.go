package sched

import "testing"

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"main.main":                       "main",
		"main.(*server).serve.func1":      "main",
		"example.com/a.b/c.F":             "example.com/a.b/c",
		"example.com/a/b.(*T[...]).M":     "example.com/a/b",
		"":                                "",
		"example.com/assembly":            "example.com/assembly",
		"golang.org/x/sync/errgroup.Go.1": "golang.org/x/sync/errgroup",
	} {
		if got := PackageOf(function); got != want {
			t.Errorf("PackageOf(%q) = %q, want %q", function, got, want)
		}
	}
}
