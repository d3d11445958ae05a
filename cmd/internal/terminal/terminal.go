// Package terminal tells commands what they write to.
package terminal

import (
	"io"
	"os"
)

// Is reports whether w is a terminal. It tests for a character device, which works on every system.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// HasColours reports whether to write colours to w. It does for terminals that have colours, unless the user wants none
// (see no-color.org).
func HasColours(w io.Writer) bool {
	return Is(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
