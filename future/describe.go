package future

import (
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/loop"
)

// Describe is the text of a future of some kind, as asyncio's repr has it: the
// state, what the owner adds, the first and the last callback, the exception.
func (c *Core) Describe(kind, state, details string) string {
	var b strings.Builder
	if state == "" {
		state = c.state.String()
	}
	b.WriteString("<" + kind + " " + state)
	if details != "" {
		b.WriteString(" " + details)
	}
	if callbacks := c.callbacks(); len(callbacks) > 0 {
		if len(callbacks) > 2 {
			more := fmt.Sprintf("<%d more>", len(callbacks)-2)
			callbacks = []string{callbacks[0], more, callbacks[len(callbacks)-1]}
		}
		b.WriteString(" cb=[" + strings.Join(callbacks, ", ") + "]")
	}
	if c.state == Finished && c.err != nil {
		fmt.Fprintf(&b, " exception=%q", c.err.Error())
	}
	b.WriteString(">")
	return b.String()
}

func (c *Core) callbacks() []string {
	var all []string
	for cb := c.first; cb != nil; cb = cb.next {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(cb.Handle.String(), "<Handle "), ">"))
	}
	return all
}

// DescribeResult is the text of the future's result v, for the details of
// Describe. A result that contains the future itself comes to an end.
func (c *Core) DescribeResult(v any) string {
	if c.shown {
		return "result=..."
	}
	c.shown = true
	defer func() { c.shown = false }()
	return fmt.Sprintf("result=%v", v)
}

// Callbacks counts the callbacks that are registered.
func (c *Core) Callbacks() int {
	n := 0
	for cb := c.first; cb != nil; cb = cb.next {
		n++
	}
	return n
}

// Waiting calls visit with the runner of each registered callback that is one
// of the library's: this is how "who awaits this" is found.
func (c *Core) Waiting(visit func(loop.Runner)) {
	for cb := c.first; cb != nil; cb = cb.next {
		if r := cb.Handle.Runner(); r != nil {
			visit(r)
		}
	}
}
