package interpreters

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// programs writes executables into a new directory, which becomes the PATH. Each is a shell script.
func programs(t *testing.T, scripts map[string]string) string {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	directory := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(directory, name), []byte("#!/bin/sh\n"+script+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", directory)
	return directory
}

// python answers as an interpreter does.
func python(implementation, executable, version string, uvloop bool) string {
	return fmt.Sprintf(`echo '["%s", "%s", [%s], %t]'`, implementation, executable, version, uvloop)
}

const shim = `echo "pyenv: python3.13: command not found

The 'python3.13' command exists in these Python versions:
  3.13.0
  3.13.4

Note: See 'pyenv help global' for tips" >&2
exit 127`

func TestPythonsComeNewestFirst(t *testing.T) {
	directory := programs(t, map[string]string{
		"python3.11": python("cpython", "/old/python", "3, 11, 7", true),
		"python3.14": python("cpython", "/new/python", "3, 14, 2", false),
		"python3":    python("cpython", "/new/python", "3, 14, 2", false), // another name of the same
		"python3.12": python("pypy", "", "3, 12, 0", false),
	})
	found, broken := Pythons(t.Context())
	var got []string
	for _, p := range found {
		got = append(got, fmt.Sprintf("%v %v %t", p, p.Command, p.UVLoop))
	}
	want := []string{
		"CPython 3.14.2 [/new/python] false",
		"pypy 3.12.0 [" + filepath.Join(directory, "python3.12") + "] false",
		"CPython 3.11.7 [/old/python] true",
	}
	if !slices.Equal(got, want) || len(broken) > 0 {
		t.Errorf("got %q and %v\nwant %q", got, broken, want)
	}
}

func TestPythonThatCannotRunSaysWhy(t *testing.T) {
	programs(t, map[string]string{
		"python3.13": shim,
		"python3":    "echo 'Fatal error:' >&2; echo 'no encodings' >&2; exit 1",
		"python":     "echo hello",
		"python3.12": "echo 'Traceback (most recent call last):' >&2; echo '  File \"x.py\"' >&2; echo 'ImportError: no json' >&2; exit 1",
		"python3.11": "echo 'No version is set for command python3.11' >&2; echo 'Consider adding one of these:' >&2; echo 'python  3.11.9' >&2; exit 126",
	})
	found, broken := Pythons(t.Context())
	if len(found) > 0 {
		t.Errorf("found %v", found)
	}
	for i, want := range []string{
		"python3.13 cannot be run: exit status 127: it is a shim of pyenv, which has not selected a version that has it: set PYENV_VERSION to one of 3.13.0, 3.13.4",
		"python3.12 cannot be run: exit status 1: ImportError: no json",
		"python3.11 cannot be run: exit status 126: No version is set for command python3.11 Consider adding one of these: python 3.11.9",
		"python3 cannot be run: exit status 1: Fatal error: no encodings",
		`does not tell its version but "hello\n"`,
	} {
		if i >= len(broken) || !strings.Contains(broken[i].Error(), want) {
			t.Errorf("error %d of %q does not say %q", i, broken, want)
		}
		if i < len(broken) && strings.Contains(broken[i].Error(), "\n") {
			t.Errorf("error %d is not one line: %q", i, broken[i])
		}
	}
}

func TestPythonThatSaysVeryMuchIsCutShort(t *testing.T) {
	programs(t, map[string]string{"python3": "i=0; while [ $i -lt 100 ]; do echo 'so sorry' >&2; i=$((i+1)); done; exit 1"})
	_, broken := Pythons(t.Context())
	if len(broken) != 1 || len(broken[0].Error()) > 400 || !strings.HasSuffix(broken[0].Error(), "...") {
		t.Errorf("got %q", broken)
	}
}

func TestShimThatPointsNowhereDoesNotHideWhatComesAfter(t *testing.T) {
	directory := programs(t, map[string]string{"python3": python("cpython", "/some/python", "3, 12, 1", false)})
	shims := programs(t, map[string]string{"python3": shim, "python3.13": shim})
	t.Setenv("PATH", shims+string(filepath.ListSeparator)+directory)
	found, broken := Pythons(t.Context())
	if len(found) != 1 || found[0].Command[0] != "/some/python" {
		t.Errorf("found %v", found)
	}
	if len(broken) != 2 || !strings.HasPrefix(broken[0].Error(), filepath.Join(shims, "python3.13")+" cannot be run: ") ||
		!strings.HasPrefix(broken[1].Error(), filepath.Join(shims, "python3")+" cannot be run: ") {
		t.Errorf("got %q", broken)
	}
}

func TestPythonIsComparedByItsVersion(t *testing.T) {
	p := Python{Implementation: "cpython", Version: [3]int{3, 13, 9}}
	for _, c := range []struct {
		minor int
		want  bool
	}{{12, true}, {13, true}, {14, false}} {
		if got := p.CPython(3, c.minor); got != c.want {
			t.Errorf("CPython(3, %d) = %t of %v", c.minor, got, p)
		}
	}
	if p.Implementation = "pypy"; p.CPython(3, 13) {
		t.Error("PyPy is not CPython")
	}
}

func TestNodeTellsItsVersionAndWhereThePackageIs(t *testing.T) {
	directory := programs(t, map[string]string{"node": `echo '[20, "/modules/'$3'"]'`})
	want := Node{Path: filepath.Join(directory, "node"), Version: 20, Package: "/modules/pyodide"}
	if nodes := Nodes(t.Context(), "pyodide"); len(nodes) != 1 || nodes[0] != want {
		t.Errorf("got %v, want %v", nodes, want)
	}
	programs(t, map[string]string{"node": "exit 1"})
	if nodes := Nodes(t.Context(), "pyodide"); len(nodes) != 0 {
		t.Errorf("found %v", nodes)
	}
}

func TestNodeInADirectoryAndALinkToItIsOne(t *testing.T) {
	directory := programs(t, map[string]string{"node": `echo '[20, ""]'`})
	link := filepath.Join(t.TempDir(), "bin")
	if err := os.Symlink(directory, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", link+string(filepath.ListSeparator)+directory)
	if nodes := Nodes(t.Context(), ""); len(nodes) != 1 || nodes[0].Path != filepath.Join(link, "node") {
		t.Errorf("got %v", nodes)
	}
}

// The script is Node's, so only a real one can say that it finds a package.
func TestNodeFindsThePackageFromTheCurrentDirectory(t *testing.T) {
	nodes := Nodes(t.Context(), "")
	if len(nodes) == 0 {
		t.Skip("no Node.js on the PATH")
	}
	directory := t.TempDir()
	home := filepath.Join(directory, "node_modules", "some-package-of-ours")
	below := filepath.Join(directory, "a", "b")
	for _, d := range []string{home, below} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "package.json"), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	for name, want := range map[string]string{"some-package-of-ours": home, "another-package-of-ours": ""} {
		node, err := ProbeNode(t.Context(), nodes[0].Path, name)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := filepath.EvalSymlinks(node.Package); node.Package != "" && got != want || node.Package == "" && want != "" {
			t.Errorf("%s: got %q, want %q", name, node.Package, want)
		}
	}
}
