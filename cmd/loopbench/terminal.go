package main

import (
	"io"
	"os"
)

// terminal tells whether w is one: a character device, which is as good a test as can be had without knowing the
// system.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colours tells whether to write colours to w: to a terminal that has them, unless the user wants none anywhere
// (see no-color.org).
func colours(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
