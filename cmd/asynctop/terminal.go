package main

import (
	"io"
	"os"
	"strconv"

	"github.com/goasyncio/asyncio/cmd/internal/terminal"
)

// The size of a terminal that does not tell.
const (
	usualWidth  = 100
	usualHeight = 40
)

// lineLimit is how wide lines may be: as wide as the terminal, or as the variable COLUMNS says. It is 0, for any, in a
// file or pipe.
func lineLimit(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if !terminal.Is(w) {
		return 0
	}
	width, _ := sizeOf(w)
	return width
}

// sizeOf returns the width and height of a terminal.
func sizeOf(w io.Writer) (width, height int) {
	width, height = usualWidth, usualHeight
	if file, ok := w.(*os.File); ok {
		if cols, rows := windowSize(file); cols > 0 && rows > 0 {
			width, height = cols, rows
		}
	}
	return width, height
}
