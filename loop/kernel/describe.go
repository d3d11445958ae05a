package kernel

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// String describes the future, or its owner.
func (f *Future) String() string {
	if f.owner != nil {
		return f.owner.DescribeFuture()
	}
	return f.Describe("Future", "", "")
}

// Describe is the text of a future of some kind, as asyncio's repr has it: the
// state, what the owner adds, the first and the last callback, the exception.
func (f *Future) Describe(kind, state, details string) string {
	var b strings.Builder
	if state == "" {
		state = f.state.String()
	}
	b.WriteString("<" + kind + " " + state)
	if details != "" {
		b.WriteString(" " + details)
	}
	if callbacks := f.describeCallbacks(); callbacks != "" {
		b.WriteString(" cb=[" + callbacks + "]")
	}
	if f.Failed() {
		fmt.Fprintf(&b, " exception=%q", f.err) // fmt survives an Error method that panics
	}
	b.WriteString(">")
	return b.String()
}

func (f *Future) describeCallbacks() string {
	first, last := f.callbacks.first, f.callbacks.last
	if first == nil {
		return ""
	}
	texts := []string{first.Value.handle.Describe()}
	if between := f.callbacks.count() - 2; between > 0 {
		texts = append(texts, fmt.Sprintf("<%d more>", between))
	}
	if last != first {
		texts = append(texts, last.Value.handle.Describe())
	}
	return strings.Join(texts, ", ")
}

func (l *List[T]) count() (n int) {
	for node := l.first; node != nil; node = node.next {
		n++
	}
	return n
}

// DescribeResult is the text of the future's result v, for the details of
// Describe. A result that contains the future itself comes to an end.
func (f *Future) DescribeResult(v any) string {
	if f.shown {
		return "result=..."
	}
	f.shown = true
	defer func() { f.shown = false }()
	return fmt.Sprintf("result=%v", v)
}

// FuncName is the name of a function for messages, with its file and line, such as
// "main.say at main.go:7" or "main.main.func1 at main.go:12". A bound method has no
// line: "main.(*client).load".
func FuncName[F any](fn F) string {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return fmt.Sprintf("%T", fn)
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return "func"
	}
	name, bound := strings.CutSuffix(afterSlash(f.Name()), "-fm") // the compiler's mark
	if bound {
		return name
	}
	file, line := f.FileLine(f.Entry())
	return fmt.Sprintf("%s at %s:%d", name, afterSlash(file), line)
}

// EntryOf is where the code of a function begins: closures of one function literal
// have the same.
func EntryOf[F any](fn F) uintptr { return reflect.ValueOf(fn).Pointer() }

func afterSlash(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
