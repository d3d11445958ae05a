package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// pretenders writes executables into a new directory, which becomes the PATH: shell
// scripts that answer as interpreters do.
func pretenders(t *testing.T, scripts map[string]string) string {
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

func python(version string) string {
	return fmt.Sprintf(`echo '["cpython", "", [%s], false]'`, version)
}

// node answers what it is, and runs scripts as the CPython in the package would.
func node(version, pkg, python string) string {
	return fmt.Sprintf(`if [ "$1" = -e ]; then echo '[%s, "%s"]'; else %s; fi`, version, pkg, python)
}

const shim = `echo "pyenv: python3.13: command not found

The 'python3.13' command exists in these Python versions:
  3.13.0" >&2
exit 127`

func TestOracleIsTheBestThatThereIs(t *testing.T) {
	for _, c := range []struct {
		name    string
		scripts map[string]string
		want    string // the command, below the directory
		notes   []string
	}{
		{"native, as new as the reference", map[string]string{
			"python3.15": python("3, 15, 0"), "python3.14": python("3, 14, 2"), "node": node("20", "/m", python("3, 14, 2")),
		}, "python3.15", nil},
		{"in the package, newer than the native one", map[string]string{
			"python3.13": python("3, 13, 0"), "node": node("20", "/m", python("3, 14, 2")),
		}, "node wasm.mjs /m", nil},
		{"in the package, and nothing native", map[string]string{
			"python3.13": shim, "node": node("22", "/m", python("3, 14, 2")),
		}, "node wasm.mjs /m", nil},
		{"native, if the package is missing", map[string]string{
			"python3.13": python("3, 13, 0"), "python3": python("3, 11, 0"), "node": node("20", "", "exit 1"),
		}, "python3.13", []string{
			"node could run CPython 3.14 if the npm package pyodide were there: npm install --no-save pyodide@314.0.7",
			"CPython 3.13.0 is older than the reference, CPython 3.14",
		}},
		{"native, if the package is old", map[string]string{
			"python3": python("3, 13, 5"), "node": node("20", "/m", python("3, 12, 1")),
		}, "python3", []string{"/m is CPython 3.12.1, older than the reference", "CPython 3.13.5 is older"}},
		{"native, if the package is broken", map[string]string{
			"python3": python("3, 13, 5"), "node": node("20", "/m", "exit 3"),
		}, "python3", []string{"/m cannot be run: exit status 3", "CPython 3.13.5 is older"}},
		{"native, if Node.js is old", map[string]string{
			"python3": python("3, 13, 5"), "node": node("18", "/m", python("3, 14, 2")),
		}, "python3", []string{"node is Node.js 18: CPython runs on 20 or later", "CPython 3.13.5 is older"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			directory := pretenders(t, c.scripts)
			found, notes, err := findOracle(t.Context(), "auto", "wasm.mjs", false)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(found.Command, " "), filepath.Join(directory, c.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if len(notes) != len(c.notes) {
				t.Fatalf("notes: %q, want %q", notes, c.notes)
			}
			for i, note := range notes {
				mustContain(t, note, c.notes[i])
			}
		})
	}
}

// withSocketsToo answers as a native CPython on Linux does.
func withSocketsToo(version string) string {
	return fmt.Sprintf(`echo '["cpython", "", [%s], false, true]'`, version)
}

func TestOracleOfStreamsHasSockets(t *testing.T) {
	directory := pretenders(t, map[string]string{
		"python3.15": python("3, 15, 0"), "python3.13": withSocketsToo("3, 13, 5"), "python3": withSocketsToo("3, 11, 0"),
		"node": node("20", "/m", python("3, 14, 2")),
	})
	found, notes, err := findOracle(t.Context(), "auto", "wasm.mjs", true)
	if want := filepath.Join(directory, "python3.13"); err != nil || found.Command[0] != want || len(notes) > 0 {
		t.Errorf("got %v, %q, %v, want %s", found.Command, notes, err, want)
	}
	_, stderr := command(t, misuse, "-oracle", "python3.15", "-profile", "streams")
	mustContain(t, stderr, "python3.15: programs with streams need a native CPython 3.13 or later on Linux")
}

func TestStreamsWithoutAnOracleAreLeftOut(t *testing.T) {
	pretenders(t, map[string]string{"python3.15": python("3, 15, 0")})
	var notes strings.Builder
	o := oracle{python: "auto", count: 80, progress: &notes}
	shares, err := o.shares(t.Context(), "wasm.mjs")
	if err != nil || len(shares) != 1 || shares[0].count != 80 {
		t.Errorf("got %v, %v", shares, err)
	}
	mustContain(t, notes.String(), "no programs with streams are compared: programs with streams need a native CPython")
	pretenders(t, map[string]string{"python3.15": withSocketsToo("3, 15, 0")})
	shares, err = o.shares(t.Context(), "wasm.mjs")
	if err != nil || len(shares) != 2 || shares[0].count != 70 || shares[1].count != 10 || shares[1].profile != streamsProfile {
		t.Errorf("got %v, %v", shares, err)
	}
}

func TestOracleThatIsNotThereIsExplained(t *testing.T) {
	pretenders(t, map[string]string{
		"python3.13": shim,
		"python3":    python("3, 11, 2"),
		"node":       node("20", "", "exit 1"),
	})
	_, stderr := command(t, misuse, "-oracle", "auto")
	mustContain(t, stderr,
		"python3.13 cannot be run: exit status 127: it is a shim of pyenv",
		"set PYENV_VERSION to one of 3.13.0",
		"node could run CPython 3.14",
		"there is no CPython 3.13 or later here")
}

func TestOracleIsNamedInAnyWay(t *testing.T) {
	directory := pretenders(t, map[string]string{
		"python 3":   python("3, 14, 0"),
		"python3.14": python("3, 14, 1"),
		"env":        `[ "$1 $2" = "-i python" ] && ` + python("3, 14, 2"),
		"node":       node("20", "", `[ "$1 $2" = "wasm.mjs `+"$PACKAGE"+`" ] && `+python("3, 14, 3")),
	})
	pkg := files(t, map[string]string{"pyodide.mjs": ""})
	t.Setenv("PACKAGE", pkg)
	for text, want := range map[string]string{
		filepath.Join(directory, "python 3"): "CPython 3.14.0",
		"python3.14":                         "CPython 3.14.1",
		"env -i python":                      "CPython 3.14.2",
		pkg:                                  "CPython 3.14.3",
	} {
		found, notes, err := findOracle(t.Context(), text, "wasm.mjs", false)
		if err != nil || found.String() != want || len(notes) > 0 {
			t.Errorf("%s: got %v, %q, %v, want %s", text, found, notes, err, want)
		}
	}
}

func TestOracleThatCannotBeOneIsRefused(t *testing.T) {
	directory := pretenders(t, map[string]string{
		"old":    python("3, 12, 7"),
		"pypy":   `echo '["pypy", "", [3, 13, 0], false]'`,
		"hello":  "echo hello",
		"broken": "echo 'no encodings' >&2; exit 1",
	})
	for text, want := range map[string]string{
		"old":     "old is CPython 3.12.7: CPython 3.13 or later is needed",
		"pypy":    "pypy is pypy 3.13.0: CPython 3.13 or later is needed",
		"hello":   "does not tell its version",
		"broken":  "broken cannot be run: exit status 1: no encodings",
		"absent":  "absent cannot be run",
		" ":       "cannot be run",
		directory: "is not that of the npm package pyodide",
	} {
		_, stderr := command(t, misuse, "-oracle", text)
		mustContain(t, stderr, want)
	}
}

// A script of the oracle that fails must not look like one that has nothing to say.
func TestOracleThatFailsIsReported(t *testing.T) {
	probe := `if [ "$1" = -c ]; then ` + python("3, 14, 2") + `; else case "$1" in `
	for name, scripts := range map[string]string{
		"generate.py":  `*generate.py) echo 'generator: no' >&2; exit 1;; *) read line;; esac; fi`,
		"reference.py": `*reference.py) echo 'reference: no' >&2; exit 1;; *) while :; do echo {} || exit 1; done;; esac; fi`,
	} {
		pretenders(t, map[string]string{"python3": probe + scripts})
		_, stderr := command(t, misuse, "-oracle", "python3")
		mustContain(t, stderr, name+": exit status 1\n", strings.TrimSuffix(name, ".py")[:4])
	}
}
