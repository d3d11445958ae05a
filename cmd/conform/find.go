package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goasyncio/asyncio/cmd/internal/interpreters"
)

// The reference is CPython 3.14: that is what the recorded traces are of. CPython
// 3.13 can be the oracle too, but some programs differ there.
const (
	referenceMinor = 14
	leastMinor     = 13
)

// What runs CPython under Node.js.
const (
	wasmScript  = "wasm.mjs"
	wasmPackage = "pyodide"
	wasmInstall = "npm install --no-save pyodide@314.0.7" // CPython 3.14.2
	leastNode   = 20
)

// findOracle finds the interpreter that text describes, which must have sockets if the
// programs need them. It is one of
//
//   - "auto": the best that there is on this machine (see bestOracle)
//   - the directory of the npm package: CPython under Node.js
//   - the path of an interpreter, or its name on the PATH
//   - a command that runs one, with arguments that are separated by spaces
//
// script is the path of wasmScript. The notes are for people.
func findOracle(ctx context.Context, text, script string, sockets bool) (python interpreters.Python, notes []string, err error) {
	switch {
	case text == "auto" && sockets:
		python, err = bestWithSockets(ctx)
		return python, nil, err
	case text == "auto":
		return bestOracle(ctx, script)
	}
	command := strings.Fields(text)
	switch info, err := os.Stat(text); {
	case err == nil && info.IsDir():
		if command, err = wasmCommand(ctx, text, script); err != nil {
			return python, nil, err
		}
	case err == nil || len(command) == 0:
		command = []string{text} // a path may contain spaces
	}
	python, err = interpreters.ProbePython(ctx, command...)
	if err == nil && !python.CPython(3, leastMinor) {
		err = fmt.Errorf("%s is %v: CPython 3.%d or later is needed", text, python, leastMinor)
	}
	if err == nil && sockets && !python.Sockets {
		err = fmt.Errorf("%s: programs with streams need %s", text, withSockets)
	}
	if err == nil && !sockets && python.Older(3, referenceMinor) {
		notes = append(notes, olderNote(python))
	}
	return python, notes, err
}

// withSockets is what programs with streams need.
var withSockets = fmt.Sprintf("a native CPython 3.%d or later on Linux, with sockets and epoll", leastMinor)

// bestWithSockets returns the newest CPython on the PATH that has sockets. The streams of
// all versions that will do are alike.
func bestWithSockets(ctx context.Context) (interpreters.Python, error) {
	pythons, _ := interpreters.Pythons(ctx)
	for _, p := range pythons {
		if p.CPython(3, leastMinor) && p.Sockets {
			return p, nil
		}
	}
	return interpreters.Python{}, fmt.Errorf("programs with streams need %s: there is none here", withSockets)
}

// olderNote warns of differences that are not the library's.
func olderNote(python interpreters.Python) string {
	return fmt.Sprintf("%v is older than the reference, CPython 3.%d: expect programs with shield to differ", python, referenceMinor)
}

// bestOracle returns the newest CPython on the PATH if it is as new as the
// reference; otherwise the one that Node.js runs, if the package is installed;
// otherwise the newest on the PATH that will do.
func bestOracle(ctx context.Context, script string) (python interpreters.Python, notes []string, err error) {
	pythons, broken := interpreters.Pythons(ctx)
	var native *interpreters.Python
	for i, p := range pythons {
		if p.CPython(3, leastMinor) {
			native = &pythons[i]
			break
		}
	}
	if native != nil && native.CPython(3, referenceMinor) {
		return *native, nil, nil
	}
	for _, err := range broken {
		notes = append(notes, err.Error())
	}
	for _, node := range interpreters.Nodes(ctx, wasmPackage) {
		if node.Version < leastNode {
			notes = append(notes, fmt.Sprintf("%s is Node.js %d: CPython runs on %d or later", node.Path, node.Version, leastNode))
			continue
		}
		if node.Package == "" {
			notes = append(notes, fmt.Sprintf("%s could run CPython 3.%d if the npm package %s were there: %s", node.Path, referenceMinor, wasmPackage, wasmInstall))
			continue
		}
		python, err := interpreters.ProbePython(ctx, node.Path, script, node.Package)
		if err == nil && python.CPython(3, referenceMinor) {
			return python, nil, nil
		}
		if err == nil {
			err = fmt.Errorf("%s is %v, older than the reference, CPython 3.%d: %s", node.Package, python, referenceMinor, wasmInstall)
		}
		notes = append(notes, err.Error())
	}
	if native != nil {
		return *native, append(notes, olderNote(*native)), nil
	}
	return python, notes, fmt.Errorf("there is no CPython 3.%d or later here: install it, or Node.js %d and the npm package: %s", leastMinor, leastNode, wasmInstall)
}

// wasmCommand returns the command for the CPython in the directory of the npm
// package.
func wasmCommand(ctx context.Context, directory, script string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(directory, "pyodide.mjs")); err != nil {
		return nil, fmt.Errorf("the directory is not that of the npm package %s: %w", wasmPackage, err)
	}
	for _, node := range interpreters.Nodes(ctx, "") {
		if node.Version >= leastNode {
			return []string{node.Path, script, directory}, nil
		}
	}
	return nil, fmt.Errorf("%s: there is no Node.js %d or later on the PATH to run it", directory, leastNode)
}
