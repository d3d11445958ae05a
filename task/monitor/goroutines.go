package monitor

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"runtime/pprof"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// WriteGoroutines writes the stacks of the goroutines of all loops of the program, those
// that run coroutines and the loops' own, as a goroutine profile of runtime/pprof in its
// text form. It takes none of the loops' time, stops the program for some microseconds, and
// works while a loop is blocked. The error is that of w.
func (m *Monitor) WriteGoroutines(w io.Writer) error {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1) // a Buffer does not fail
	pkg := reflect.TypeFor[kernel.Kernel]().PkgPath()
	coroutine, loop := "\t"+pkg+".Coroutine.", "\t"+pkg+".(*Kernel).Run"
	_, profile, _ := strings.Cut(all.String(), "\n") // the first line counts what is left out too
	for stack := range strings.SplitSeq(profile, "\n\n") {
		if strings.Contains(stack, coroutine) || strings.Contains(stack, loop) {
			if _, err := fmt.Fprintf(w, "%s\n\n", strings.Trim(stack, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}
