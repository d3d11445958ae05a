package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository makes a git repository of a module with benchmarks like ours. The base commit has the body of one, and the
// working tree that of another.
func repository(t *testing.T, base, tree string) (directory string) {
	t.Helper()
	for _, program := range []string{"git", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	directory = t.TempDir()
	// The go command has its caches where it always has, but git no settings of the user.
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(directory, "none"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} { // of a hook that runs the tests
		t.Setenv(name, "") // which brings back what it was
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	benchmarks := func(body string) string {
		return "package loopbench\n\nimport \"testing\"\n\nfunc BenchmarkWorkload(b *testing.B) {\n" +
			"for _, name := range []string{\"yield_1\", \"yield_100\", \"other\"} {\n" +
			"b.Run(name, func(b *testing.B) { b.Run(\"peer=loop\", func(b *testing.B) { b.ReportMetric(" + body + ", \"ns/op\") }) })\n}\n}\n"
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", directory, "-c", "user.name=n", "-c", "user.email=e"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	write("go.mod", "module example.com/m\n\ngo 1.25\n")
	write("cmd/loopbench/x_test.go", benchmarks(base))
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "The base")
	write("cmd/loopbench/x_test.go", benchmarks(tree))
	write("stat", "#!/bin/sh\nfor file; do echo \"${file%%=*}:\"; cat \"${file#*=}\"; done\n")
	return directory
}

// compare runs the script in a repository.
func compare(t *testing.T, directory string, args ...string) (out string, err error) {
	t.Helper()
	script, err := filepath.Abs("compare.sh")
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	cmd := exec.Command("sh", append([]string{script}, args...)...)
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), "BENCHSTAT="+filepath.Join(directory, "stat"), "ROUNDS=3", "RUN=yield_1 yield_100", "TMPDIR="+temporary)
	text, err := cmd.CombinedOutput()
	worktrees, failed := exec.Command("git", "-C", directory, "worktree", "list", "--porcelain").Output()
	if n := strings.Count(string(worktrees), "worktree "); failed != nil || n != 1 {
		t.Errorf("there are %d working trees (%v):\n%s", n, failed, worktrees)
	}
	left, failed := os.ReadDir(temporary)
	for _, entry := range left {
		if !strings.HasPrefix(entry.Name(), "go-build") { // not ours
			t.Errorf("%s is left", entry.Name())
		}
	}
	if failed != nil {
		t.Error(failed)
	}
	return string(text), err
}

func TestCompareRunsTheKeyWorkloadsOfBothCommitsInTurns(t *testing.T) {
	out, err := compare(t, repository(t, "1111", "2222"), "HEAD")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	head, figures, _ := strings.Cut(out, "base:\n")
	base, tree, _ := strings.Cut(figures, "new:\n")
	if !strings.Contains(head, " The base\nnew: the working tree\n") {
		t.Errorf("the head is\n%s", head)
	}
	for text, figure := range map[string]string{base: "1111", tree: "2222"} {
		for _, workload := range []string{"yield_1", "yield_100"} {
			line := regexp.MustCompile(`(?m)^BenchmarkWorkload/` + workload + `/peer=loop\S*\s+\d+\s+` + figure + ` ns/op$`)
			if n := len(line.FindAllString(text, -1)); n != 3 {
				t.Errorf("%s has %d lines of %s in\n%s", workload, n, figure, text)
			}
		}
		if strings.Contains(text, "other") {
			t.Errorf("more than the key workloads in\n%s", text)
		}
	}
}

func TestCompareLeavesNothingBehindWhenItFails(t *testing.T) {
	for name, c := range map[string]struct {
		base, tree, commit, want string
	}{
		"no such commit":      {"1", "2", "nonsense", "there is no commit nonsense"},
		"no commit":           {"1", "2", "", "which commit is the working tree to be compared with?"},
		"base does not build": {"nonsense", "2", "HEAD", "undefined: nonsense"},
		"tree does not build": {"1", "nonsense", "HEAD", "undefined: nonsense"},
		"a benchmark fails":   {"1", "func() float64 { b.Fatal(`oh no`); return 0 }()", "HEAD", "oh no"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := compare(t, repository(t, c.base, c.tree), c.commit)
			if err == nil || !strings.Contains(out, c.want) || strings.Contains(out, "base:\n") {
				t.Errorf("%v, want an error with %q:\n%s", err, c.want, out)
			}
		})
	}
}
