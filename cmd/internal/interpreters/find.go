// Package interpreters finds the interpreters of other languages that the commands compare this library with.
package interpreters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// patience is how long an interpreter may take to say what it is. One that is compiled to WebAssembly needs seconds.
const patience = time.Minute

// Python is an interpreter of the language.
type Python struct {
	// Command runs it: its path, and what else comes before the arguments of Python.
	Command        []string
	Implementation string // "cpython" for CPython
	Version        [3]int
	// UVLoop says that uvloop can be imported.
	UVLoop bool
	// Sockets says that there are Unix sockets, and Linux's epoll.
	Sockets bool
}

// Older reports whether p is of an older version of the language.
func (p Python) Older(major, minor int) bool {
	return slices.Compare(p.Version[:], []int{major, minor}) < 0
}

// CPython reports whether p is CPython of this version, or newer.
func (p Python) CPython(major, minor int) bool {
	return p.Implementation == "cpython" && !p.Older(major, minor)
}

// String returns the implementation and version.
func (p Python) String() string {
	name := p.Implementation
	if name == "cpython" {
		name = "CPython"
	}
	return fmt.Sprintf("%s %d.%d.%d", name, p.Version[0], p.Version[1], p.Version[2])
}

// probePython asks an interpreter what it is. Its name on the PATH says little: it may be a shim without an interpreter,
// or another name of the same program.
const probePython = `import importlib.util, json, selectors, socket, sys
print(json.dumps([sys.implementation.name, sys.executable, sys.version_info[:3], importlib.util.find_spec("uvloop") is not None,
	hasattr(socket, "AF_UNIX") and hasattr(selectors, "EpollSelector")]))`

// Pythons returns the interpreters of Python on the PATH, the newest first, and an error for each program that is named
// like one and is none. Equal versions are in the order of the PATH.
func Pythons(ctx context.Context) (found []Python, broken []error) {
	known := make(map[string]bool)
	for _, path := range onPath("python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3", "python") {
		python, executable, err := probe(ctx, []string{path})
		switch {
		case err != nil:
			broken = append(broken, err)
		case executable == "":
			found = append(found, python)
		case !known[executable]:
			known[executable] = true
			python.Command = []string{executable}
			found = append(found, python)
		}
	}
	slices.SortStableFunc(found, func(a, b Python) int { return slices.Compare(b.Version[:], a.Version[:]) })
	return found, broken
}

// ProbePython asks the interpreter that a command runs what it is.
func ProbePython(ctx context.Context, command ...string) (Python, error) {
	python, _, err := probe(ctx, command)
	return python, err
}

// probe returns also the path that the interpreter has by its own account.
func probe(ctx context.Context, command []string) (p Python, executable string, err error) {
	out, err := output(ctx, command, "-c", probePython)
	if err != nil {
		return Python{}, "", err
	}
	p.Command = command
	if err := json.Unmarshal(out, &[]any{&p.Implementation, &executable, &p.Version, &p.UVLoop, &p.Sockets}); err != nil {
		return Python{}, "", fmt.Errorf("%s does not tell its version but %q", strings.Join(command, " "), out)
	}
	return p, executable, nil
}

// Node is a Node.js.
type Node struct {
	Path    string
	Version int // the first number of it
	// Package is the directory of the npm package that was looked for, or empty if Node.js does not find it.
	Package string
}

// probeNode asks Node.js what it is, and where it finds the package that the first argument names: from the current
// directory, or among those that were installed for all.
const probeNode = `const path = require("path"), [name] = process.argv.slice(1);
let found = "";
try {
	const roots = [process.cwd(), path.resolve(process.execPath, "../../lib")];
	if (name) found = path.dirname(require.resolve(name + "/package.json", {paths: roots}));
} catch {}
console.log(JSON.stringify([+process.versions.node.split(".")[0], found]))`

// Nodes returns each Node.js on the PATH, as [ProbeNode] does.
func Nodes(ctx context.Context, pkg string) []Node {
	var found []Node
	for _, path := range onPath("node") {
		if node, err := ProbeNode(ctx, path, pkg); err == nil {
			found = append(found, node)
		}
	}
	return found
}

// ProbeNode asks the program at path what it is, and where it finds the npm package pkg, unless that is empty.
func ProbeNode(ctx context.Context, path, pkg string) (Node, error) {
	out, err := output(ctx, []string{path}, "-e", probeNode, pkg)
	if err != nil {
		return Node{}, err
	}
	node := Node{Path: path}
	if err := json.Unmarshal(out, &[]any{&node.Version, &node.Package}); err != nil {
		return Node{}, fmt.Errorf("%s does not tell its version but %q", path, out)
	}
	return node, nil
}

// output runs a command with some more arguments. The error says what the command complained about.
func output(ctx context.Context, command []string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], args...)...).Output()
	if err == nil {
		return out, nil
	}
	var complaint string
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		complaint = explain(string(exit.Stderr))
	}
	return nil, fmt.Errorf("%s cannot be run: %w%s", strings.Join(command, " "), err, complaint)
}

// explain puts into one line what a program wrote before it gave up.
func explain(complaint string) string {
	const inVersions = "command exists in these Python versions:"
	if _, versions, ok := strings.Cut(complaint, inVersions); ok {
		versions, _, _ = strings.Cut(strings.TrimLeft(versions, "\n"), "\n\n")
		return ": it is a shim of pyenv, which has not selected a version that has it: set PYENV_VERSION to one of " +
			strings.Join(strings.Fields(versions), ", ")
	}
	lines := strings.Split(strings.TrimSpace(complaint), "\n")
	if strings.HasPrefix(lines[0], "Traceback ") {
		lines = lines[len(lines)-1:]
	}
	// Shims of version managers say first what is wrong, and then in many lines what to do.
	said := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
	const most = 200
	if characters := []rune(said); len(characters) > most {
		said = string(characters[:most]) + "..."
	}
	return strings.TrimSuffix(": "+said, ": ")
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
		realDir := dir // /bin is often a link to /usr/bin
		if target, err := filepath.EvalSymlinks(dir); err == nil {
			realDir = target
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
			key := filepath.Join(realDir, filepath.Base(path))
			if target, err := os.Readlink(path); err == nil && filepath.Base(target) == target {
				key = filepath.Join(realDir, target)
			}
			if !seen[key] {
				seen[key] = true
				found = append(found, path)
			}
		}
	}
	return found
}
