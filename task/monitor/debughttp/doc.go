// Package debughttp shows a monitor of package monitor by HTTP: to a browser, to the command
// asynctop, to scripts.
//
// Names of tasks and texts of errors are what the program makes them, and may be personal
// data: see [Handler] about who may look.
package debughttp
