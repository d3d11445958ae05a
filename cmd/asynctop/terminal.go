package main

import (
	"io"
	"os"
	"strconv"
)

// The size of a terminal that does not tell.
const (
	usualWidth  = 100
	usualHeight = 40
)

// terminal reports whether w is a terminal. It tests for a character device, which works on every system.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colours reports whether to write colours to w. It does for terminals that have colours, unless the user wants none
// (see no-color.org).
func colours(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// lineLimit is how wide lines may be: as wide as the terminal, or as the variable COLUMNS says. It is 0, for any, in a
// file or pipe.
func lineLimit(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if !terminal(w) {
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
