package interp

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Python is an interpreter that can run the script: CPython, 3.11 or newer.
type Python struct {
	Path    string
	Version [3]int
	// UVLoop says that uvloop can be imported.
	UVLoop bool
}

// Eager reports whether asyncio has the eager task factory.
func (p Python) Eager() bool { return !p.older(3, 12) }

func (p Python) older(major, minor int) bool {
	return slices.Compare(p.Version[:], []int{major, minor}) < 0
}

// Command returns the command that runs the embedded script. The flavours are its arguments: "uvloop", "eager".
func (p Python) Command(flavours ...string) Command {
	return Command{Path: p.Path, Args: append([]string{"-c", pythonScript}, flavours...)}
}

// probe asks an interpreter what it is. Its name on the PATH says little: it may be a shim without an interpreter, or
// another name of the same program.
const probe = `import importlib.util, json, sys
print(json.dumps([sys.implementation.name, sys.executable, sys.version_info[:3], importlib.util.find_spec("uvloop") is not None]))`

// Pythons returns the interpreters on the PATH, the newest first. Equal versions are in the order of the PATH.
func Pythons(ctx context.Context) []Python {
	var found []Python
	for _, path := range onPath("python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3", "python") {
		python, ok := ProbePython(ctx, path)
		if ok && !slices.ContainsFunc(found, func(p Python) bool { return p.Path == python.Path }) {
			found = append(found, python)
		}
	}
	slices.SortStableFunc(found, func(a, b Python) int { return slices.Compare(b.Version[:], a.Version[:]) })
	return found
}

// ProbePython asks the program at path what it is, and reports whether it can run the script.
func ProbePython(ctx context.Context, path string) (Python, bool) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-c", probe).Output()
	if err != nil {
		return Python{}, false
	}
	var name string
	var p Python
	if err := json.Unmarshal(out, &[]any{&name, &p.Path, &p.Version, &p.UVLoop}); err != nil {
		return Python{}, false
	}
	p.Path = cmp.Or(p.Path, path)
	return p, name == "cpython" && !p.older(3, 11)
}

// Node returns the first usable Node.js on the PATH, and whether there is one.
func Node(ctx context.Context) (Command, bool) {
	for _, path := range onPath("node") {
		if command, ok := ProbeNode(ctx, path); ok {
			return command, true
		}
	}
	return Command{}, false
}

// ProbeNode asks the program at path what it is, and reports whether it can run the script, which takes Node.js 16 or
// newer.
func ProbeNode(ctx context.Context, path string) (Command, bool) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-p", "+process.versions.node.split('.')[0] >= 16").Output()
	ok := err == nil && strings.TrimSpace(string(out)) == "true"
	return Command{Path: path, Args: []string{"--expose-gc", "-e", nodeScript}}, ok
}

// onPath returns every executable on the PATH with one of the names, each once. It does not stop at the first one: a
// shim without an interpreter may come before an interpreter that works.
func onPath(names ...string) []string {
	var found []string
	seen := make(map[string]bool)
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir == "" {
			continue // an empty element means the current directory, from which nothing should be run
		}
		for _, name := range names {
			if runtime.GOOS == "windows" {
				name += ".exe"
			}
			path, err := exec.LookPath(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			// Two names of one file are one interpreter. But the target of a link in a virtual environment is not
			// the virtual environment, so only links within a directory are followed.
			key := path
			if target, err := os.Readlink(path); err == nil && filepath.Base(target) == target {
				key = filepath.Join(dir, target)
			}
			if !seen[key] {
				seen[key] = true
				found = append(found, path)
			}
		}
	}
	return found
}
