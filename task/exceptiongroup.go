package task

import (
	"fmt"
	"iter"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// ExceptionGroup is several errors at once: Python's ExceptionGroup. errors.Is and
// errors.As look at each of them, which tells whether there is one of some kind;
// [Except] and [ExceptionGroup.Split] take those of a kind out, as "except*" does.
//
// A group may have groups among its errors, by themselves or wrapped by single
// Unwrap steps, as by fmt.Errorf("...: %w", err). What is no group is a leaf, also
// what errors.Join has made.
type ExceptionGroup struct {
	Message string
	Errors  []error
}

// Error is the message, the number of errors, and the errors.
func (g *ExceptionGroup) Error() string {
	var b strings.Builder
	g.write(&b)
	return b.String()
}

// write spares nested groups from being copied once for each level.
func (g *ExceptionGroup) write(b *strings.Builder) {
	if g == nil {
		b.WriteString("<nil>")
		return
	}
	if g.Message != "" {
		b.WriteString(g.Message + " ")
	}
	plural := "s"
	if len(g.Errors) == 1 {
		plural = ""
	}
	fmt.Fprintf(b, "(%d sub-exception%s)", len(g.Errors), plural)
	separator := ": "
	for _, err := range g.Errors {
		b.WriteString(separator)
		separator = "; "
		switch err := err.(type) {
		case nil:
			b.WriteString("<nil>")
		case *ExceptionGroup:
			err.write(b)
		default:
			b.WriteString(err.Error())
		}
	}
}

// Unwrap returns the errors.
func (g *ExceptionGroup) Unwrap() []error { return g.Errors }

// Leaves ranges over the errors of the group and of the groups in it that are no
// groups themselves, in order. A nil group has none.
func (g *ExceptionGroup) Leaves() iter.Seq[error] {
	return func(yield func(error) bool) { g.leaves(yield) }
}

func (g *ExceptionGroup) leaves(yield func(error) bool) (more bool) {
	if g == nil {
		return true
	}
	for _, err := range g.Errors {
		if inner, ok := groupIn(err); ok {
			more = inner.leaves(yield)
		} else {
			more = err == nil || yield(err)
		}
		if !more {
			return false
		}
	}
	return true
}

// Split divides the group into the leaves for which match returns true, and the
// others: Python's BaseExceptionGroup.split. Both parts are built as the group is,
// with its message, its order and the groups in it, but without groups that would be
// empty. If nothing is left for a part it is nil, and the other one is g itself. The
// group is not changed.
//
// Only leaves are given to match. A test with errors.Is or errors.As is true of a
// group if it is true of any error in it, and would take the whole group; Python's
// test by type is not. A group that was wrapped is divided as well; its parts keep
// the text that the wrapper had put before it, and not the wrapper.
//
// The rest has the type error so that it can be returned as it is: nil is no error.
func (g *ExceptionGroup) Split(match func(error) bool) (matched *ExceptionGroup, rest error) {
	part, rest := g.split(g, match)
	matched, _ = part.(*ExceptionGroup)
	return matched, rest
}

// Except takes out of err what a clause "except*" of Python would handle: the
// leaves for which match returns true, as a group, nil if there are none. The rest is
// for the next clause, or for the caller; it is nil if nothing is left.
//
// If err is a group, or wraps one by single Unwrap steps, it is divided as by
// [ExceptionGroup.Split]. Any other error is a leaf: if it matches, it comes as the
// only error of a group without a message. [future.IsCancelled] and [loop.IsFatal]
// will do as match, and so will a test with errors.Is or errors.As.
func Except(err error, match func(error) bool) (matched *ExceptionGroup, rest error) {
	part, rest := divide(err, match)
	switch whole := part.(type) {
	case nil:
		return nil, rest
	case *ExceptionGroup:
		return whole, rest
	}
	if g, ok := groupIn(part); ok {
		return g.derive(part, g.Errors), rest
	}
	return &ExceptionGroup{Errors: []error{part}}, rest
}

// groupIn returns the group that err is, or that it wraps by single Unwrap steps.
func groupIn(err error) (*ExceptionGroup, bool) {
	for err != nil {
		if g, ok := err.(*ExceptionGroup); ok {
			return g, true
		}
		err = kernel.Unwrap(err)
	}
	return nil, false
}

// divide returns the parts of err, which may be a group or not.
func divide(err error, match func(error) bool) (matched, rest error) {
	if g, ok := groupIn(err); ok {
		return g.split(err, match)
	}
	if err == nil || match(err) {
		return err, nil
	}
	return nil, err
}

// split returns the parts of the group g, or of whole, which is g or wraps it.
func (g *ExceptionGroup) split(whole error, match func(error) bool) (matched, rest error) {
	if g == nil {
		return nil, nil
	}
	var in, out []error
	for _, err := range g.Errors {
		matched, rest := divide(err, match)
		if matched != nil {
			in = append(in, matched)
		}
		if rest != nil {
			out = append(out, rest)
		}
	}
	switch {
	case len(in) == 0:
		return nil, whole
	case len(out) == 0:
		return whole, nil
	}
	return g.derive(whole, in), g.derive(whole, out)
}

// derive returns a group of some of the errors of g, in place of whole, which is g
// or wraps it. What the wrapper says before the text of the group goes into the
// message; it would be lost otherwise.
func (g *ExceptionGroup) derive(whole error, errs []error) *ExceptionGroup {
	message := g.Message
	if whole != error(g) {
		if prefix, ok := strings.CutSuffix(whole.Error(), g.Error()); ok {
			message = strings.TrimSpace(prefix + message)
		}
	}
	return &ExceptionGroup{Message: message, Errors: errs}
}
