package task

import (
	"fmt"
	"strings"
)

// ExceptionGroup is several errors at once: Python's ExceptionGroup. errors.Is and
// errors.As look at each of them, which is what "except*" is for.
type ExceptionGroup struct {
	Message string
	Errors  []error
}

// Error is the message, the number of errors, and the errors.
func (g *ExceptionGroup) Error() string {
	plural := "s"
	if len(g.Errors) == 1 {
		plural = ""
	}
	texts := make([]string, len(g.Errors))
	for i, err := range g.Errors {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("%s (%d sub-exception%s): %s", g.Message, len(g.Errors), plural, strings.Join(texts, "; "))
}

// Unwrap returns the errors.
func (g *ExceptionGroup) Unwrap() []error { return g.Errors }
