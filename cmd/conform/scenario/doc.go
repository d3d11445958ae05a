// Package scenario runs programs of the scenario language on the library and
// records what they did.
//
// The language is defined in ../language/SPEC.md. A program is a JSON document
// of coroutines and callbacks; running it gives a trace, a list of lines that
// must equal, byte for byte, the trace that CPython's asyncio gives for the
// same program.
//
// The interpreter uses the public API of the library and nothing else, and it
// compensates for nothing: where the library behaves differently from asyncio
// the traces differ, which is what they are for. A statement is one entry of
// the table in operations.go and one short function in a statements_*.go file.
package scenario
