#!/usr/bin/env python3
"""Write the golden traces: programs/*.trace and *.jsonl.gz in ../testdata.

    make_corpus.py [--count N] [--seed S]               all but those of streams
    make_corpus.py --streams [--count N] [--seed S]     those of streams

corpus.jsonl.gz holds N generated programs with their traces, one
{"program": ..., "trace": [...]} a line, the profiles in turn.  Programs whose
trace is shorter than LEAST_LINES or longer than MOST_LINES are passed over.
Use the interpreter that the traces are to be golden for: CPython 3.14.2.

streams.jsonl.gz is the same of the profile streams, for which a native CPython
is needed, on Linux: 3.13 or later.
"""

import argparse
import gc
import gzip
import json
import pathlib

import generate
import reference

TESTDATA = pathlib.Path(__file__).resolve().parent.parent / "testdata"
LEAST_LINES, MOST_LINES = 30, 160


def write_golden_traces(streams):
    for path in sorted((TESTDATA / "programs").glob("*.json")):
        [program] = reference.load_programs(path)
        assert program["name"] == path.stem, path
        if reference.needs_sockets(program) != streams:
            continue
        trace = reference.run_program(program)
        path.with_suffix(".trace").write_text("\n".join(trace) + "\n")


def write_corpus(file, profiles, seed, count):
    positions = dict.fromkeys(profiles, 0)
    # No name and no time in the header: the same corpus is the same file.
    with (
        open(TESTDATA / file, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as out,
    ):
        for number in range(count):
            profile = profiles[number % len(profiles)]
            while True:
                program = generate.generate(seed, positions[profile], profile)
                positions[profile] += 1
                trace = reference.run_program(program)
                if LEAST_LINES <= len(trace) <= MOST_LINES:
                    break
            line = {"program": program, "trace": trace}
            out.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            if number % 100 == 0:
                gc.collect()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", action="store_true")
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", default="corpus")
    arguments = parser.parse_args()
    reference.quiet_process()
    write_golden_traces(arguments.streams)
    if arguments.streams:
        file, profiles, count = "streams.jsonl.gz", ["streams"], 300
    else:
        file, profiles, count = "corpus.jsonl.gz", generate.PROFILES, 1500
    write_corpus(file, profiles, arguments.seed, arguments.count or count)


if __name__ == "__main__":
    main()
