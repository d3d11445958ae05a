// A CPython for Node.js, in the place of a native interpreter:
//
//     node wasm.mjs PACKAGE SCRIPT ARGUMENT...
//     node wasm.mjs PACKAGE -c CODE ARGUMENT...
//
// PACKAGE is the directory of the npm package pyodide: CPython compiled to
// WebAssembly. Its version says which one: 314.0.7 is CPython 3.14.2. It takes
// Node.js 20 or newer.
//
// The interpreter has a file system of its own; the machine's is mounted there
// at /host. Absolute paths among the arguments are translated, and the current
// directory is the same. It cannot start processes: subprocess.run, which the
// self-check of reference.py uses, starts this program again.

import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HOST = "/host";
const inside = (argument) => (path.isAbsolute(argument) ? HOST + argument : argument);
const outside = (argument) => (argument.startsWith(HOST + "/") ? argument.slice(HOST.length) : argument);

const [directory, ...argv] = process.argv.slice(2);
if (argv.length === 0) {
  console.error("usage: node wasm.mjs PACKAGE (SCRIPT | -c CODE) ARGUMENT...");
  process.exit(2);
}
const home = path.resolve(directory);
const { loadPyodide } = await import(pathToFileURL(path.join(home, "pyodide.mjs")).href);

const env = { TMPDIR: HOST + os.tmpdir() };
for (const name of ["PYTHONHASHSEED"]) {
  if (process.env[name] !== undefined) env[name] = process.env[name];
}
const python = await loadPyodide({ indexURL: home + path.sep, env });
for (const [fd, set] of [[1, "setStdout"], [2, "setStderr"]]) {
  python[set]({ write: (bytes) => writeSync(fd, bytes) });
}
python.FS.mkdirTree(HOST);
python.FS.mount(python.FS.filesystems.NODEFS, { root: "/" }, HOST);
python.FS.chdir(HOST + process.cwd());

python.registerJsModule("host", {
  // Runs a command of this interpreter in a process of its own.
  spawn(command, hashSeed) {
    const script = fileURLToPath(import.meta.url);
    const argv = [script, home, ...command.toJs().map(outside)];
    const options = { stdio: "inherit", env: { ...process.env, PYTHONHASHSEED: hashSeed } };
    return spawnSync(process.execPath, argv, options).status ?? 1;
  },
});
python.globals.set("argv", python.toPy(argv.map((a, i) => (argv[0] === "-c" && i < 2 ? a : inside(a)))));

// The package runs an event loop of the browser's kind on asyncio. What is run
// here gets an asyncio that nobody has touched.
let status = 1;
try {
  status = python.runPython(`
import asyncio, subprocess, sys, traceback
asyncio._set_running_loop(None)
for name in [n for n in sys.modules if n.partition(".")[0] in ("asyncio", "_asyncio")]:
    del sys.modules[name]

def run(command, *, env={}, check=False):
    import host
    status = host.spawn(command[1:], env.get("PYTHONHASHSEED", "random"))
    if check and status:
        raise subprocess.CalledProcessError(status, command)

def main():
    subprocess.run = run
    try:
        if argv[0] == "-c":
            sys.argv = ["-c", *argv[2:]]
            exec(argv[1], {"__name__": "__main__"})
        else:
            import runpy
            sys.argv = list(argv)
            sys.path.insert(0, argv[0].rpartition("/")[0] or ".")
            runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

status = main()
sys.stdout.flush()
status
`);
} catch (error) {
  console.error(error.message); // without the line of the package that threw it, which is a megabyte long
}
process.exit(status);
