package interp

import (
	"slices"

	"github.com/goasyncio/asyncio/cmd/internal/interpreters"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
)

// CanRunPython reports whether an interpreter can run the embedded scripts: CPython, 3.11 or newer.
func CanRunPython(p interpreters.Python) bool { return p.CPython(3, 11) }

// HasEager reports whether asyncio has the eager task factory there.
func HasEager(p interpreters.Python) bool { return p.CPython(3, 12) }

// Python returns the command that runs the embedded scripts. The flavours are arguments: "uvloop", "eager".
func Python(p interpreters.Python, flavours ...string) Command {
	run := func(script string, args ...string) program.Command {
		all := append([]string{"-c", script}, args...)
		return program.Command{Path: p.Command[0], Args: append(slices.Clip(p.Command[1:]), all...)}
	}
	loop := "asyncio"
	if slices.Contains(flavours, "uvloop") {
		loop = "uvloop"
	}
	return Command{script: run(pythonScript, flavours...), server: run(pythonServer, loop)}
}

// CanRunNode reports whether Node.js can run the embedded scripts, which takes version 16.
func CanRunNode(n interpreters.Node) bool { return n.Version >= 16 }

// Node returns the command that runs the embedded scripts.
func Node(n interpreters.Node) Command {
	run := func(script string) program.Command {
		return program.Command{Path: n.Path, Args: []string{"--expose-gc", "-e", script}}
	}
	return Command{script: run(nodeScript), server: run(nodeServer)}
}
