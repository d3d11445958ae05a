package interp

import "github.com/goasyncio/asyncio/cmd/internal/interpreters"

// CanRunPython reports whether an interpreter can run the embedded script: CPython, 3.11 or newer.
func CanRunPython(p interpreters.Python) bool { return p.CPython(3, 11) }

// HasEager reports whether asyncio has the eager task factory there.
func HasEager(p interpreters.Python) bool { return p.CPython(3, 12) }

// Python returns the command that runs the embedded script. The flavours are its arguments: "uvloop", "eager".
func Python(p interpreters.Python, flavours ...string) Command {
	args := append([]string{"-c", pythonScript}, flavours...)
	return Command{Path: p.Command[0], Args: append(p.Command[1:len(p.Command):len(p.Command)], args...)}
}

// CanRunNode reports whether Node.js can run the embedded script, which takes version 16.
func CanRunNode(n interpreters.Node) bool { return n.Version >= 16 }

// Node returns the command that runs the embedded script.
func Node(n interpreters.Node) Command {
	return Command{Path: n.Path, Args: []string{"--expose-gc", "-e", nodeScript}}
}
