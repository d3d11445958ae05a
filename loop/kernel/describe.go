package kernel

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// String describes the future, or its owner.
func (f *Future) String() string {
	if f.owner != nil {
		return f.owner.DescribeFuture()
	}
	return f.Describe("Future", "", "")
}

// Text is the future's String in errors that may come on any goroutine: its Outline on one
// that does not own the baton.
func (f *Future) Text() string {
	if f.kernel == nil || f.kernel.OwnsBaton() {
		return f.String()
	}
	return f.Outline()
}

// Outline names the future without looking at anything that its loop may be changing, or
// about to change. Any goroutine may call it.
func (f *Future) Outline() string {
	if named, ok := f.owner.(interface{ Name() string }); ok {
		return "<" + f.owner.FutureKind() + " " + strconv.Quote(named.Name()) + ">"
	}
	return Outline(f)
}

// Outline is the type and the address of an object, which is a pointer: "<Queue 0xc000012345>"
// for any queue of package sync. Any goroutine may call it.
func Outline(object any) string {
	name, _, _ := strings.Cut(reflect.TypeOf(object).Elem().Name(), "[") // type arguments
	return fmt.Sprintf("<%s%s %p>", strings.ToUpper(name[:1]), name[1:], object)
}

// Describe is the text of a future of some kind, as asyncio's repr has it: the
// state, what the owner adds, the first and the last callback, the exception, and where it
// was created, if that was recorded.
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
		b.WriteString(" " + f.once("exception", func() string { return strconv.Quote(cut(OwnText(f.err))) }))
	}
	b.WriteString(createdAt(f.Created()) + ">")
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

// DescribeResult is the text of the future's result, for the details of Describe. It
// takes a pointer to the result: see Text.
func (f *Future) DescribeResult(p any) string {
	return f.once("result", func() string { return Text(p) })
}

// once returns what the future ended with as text. That may contain the future itself,
// whose description shows dots there, or futures that contain futures.
func (f *Future) once(what string, text func() string) string {
	k := f.kernel
	if f.shown || k.nested == maxNested {
		return what + "=..."
	}
	f.shown = true
	k.nested++
	defer func() {
		f.shown = false
		k.nested--
	}()
	return what + "=" + text()
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
