// Package scenario runs programs of the scenario language on the library and
// records what they did.
//
// The language is defined in ../language/SPEC.md. A program is a JSON document
// of coroutines and callbacks. Running it produces a trace: a list of lines that
// must be the same, byte for byte, as those of CPython's asyncio.
//
// The interpreter uses only the public API of the library, and hides no
// difference: where the library behaves differently from asyncio, the traces
// differ, which is their purpose. A statement is one entry of the table in
// operations.go and one short function in a statements_*.go file.
package scenario
