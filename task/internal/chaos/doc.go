// Package chaos is a test: random programs that use everything this module exports,
// and break everything a program can break.
//
// A program is a tree of coroutines, callbacks and foreign goroutines. Each of them does
// random operations, from one table, and then ends well or badly. It runs on a real or
// a virtual clock, with either handoff, in debug mode or not. When it has run for a while
// the loop is closed, in the middle of everything, and what must be true of any
// program is checked: see check_test.go.
//
// The seed of a program decides everything in it but the timing of the foreign
// goroutines and of the real clock.
package chaos
