package loop

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A Stack is where the program created something: its calls, innermost first, as
// runtime.Callers returns them. What they mean is found out when somebody asks. Any
// goroutine may ask. It is asyncio's source_traceback.
type Stack []uintptr

// Frames returns the calls, innermost first, without those of the library at the top and at
// the bottom.
func (s Stack) Frames() []runtime.Frame { return kernel.Frames(s) }

// String returns two lines for each call, as package runtime/debug does: the function, and
// its file and line after a tab. It is empty if there are none.
func (s Stack) String() string {
	var b strings.Builder
	for _, f := range s.Frames() {
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
