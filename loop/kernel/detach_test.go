package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"
)

type ofContext struct{ ctx context.Context }

func (ofContext) Error() string { return "has a context" }

type ofText struct {
	text  string
	list  []string
	inner error
	bytes [3]byte
	next  *ofText
}

func (*ofText) Error() string { return "has text" }

// nameless contexts refer to nothing, but are contexts.
type nameless struct{ context.Context }

type (
	ofNameless        struct{ ctx nameless }
	ofNamelessPointer struct{ ctx *pointerOnly }
	ofErrors          struct{ list []error }
	ofNumbers         struct {
		complex complex128
		bool    bool
		bytes   []byte
	}
)

// pointerOnly is a context only by its pointer.
type pointerOnly struct{ name string }

func (*pointerOnly) Deadline() (_ time.Time, ok bool) { return time.Time{}, false }
func (*pointerOnly) Done() <-chan struct{}            { return nil }
func (*pointerOnly) Err() error                       { return nil }
func (*pointerOnly) Value(any) any                    { return nil }

func (ofNameless) Error() string        { return "has a context" }
func (ofNamelessPointer) Error() string { return "has a pointer" }
func (ofErrors) Error() string          { return "has errors" }
func (ofNumbers) Error() string         { return "has numbers" }

type ofFunc struct{ fn func() }

func (ofFunc) Error() string { return "has a function" }

type unprintable struct{ m map[int]int }

func (unprintable) Error() string { panic("no text") }

func TestDetachedErrorRefersToNothing(t *testing.T) {
	circle := &ofText{}
	circle.next = circle
	for _, test := range []struct {
		err  error
		kept bool
		text string
	}{
		{errors.New("plain"), true, "plain"},
		{fmt.Errorf("wrapped: %w", errors.New("plain")), true, "wrapped: plain"},
		{errors.Join(errors.New("a"), errors.New("b")), true, "a\nb"},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, true, "open x: file does not exist"},
		{&ofText{text: "a", list: []string{"b"}, inner: errors.New("c")}, true, "has text"},
		{ofFunc{}, true, "has a function"},
		{ofFunc{func() {}}, false, "has a function"},
		{ofContext{context.Background()}, false, "has a context"},
		{fmt.Errorf("wrapped: %w", ofContext{context.Background()}), false, "wrapped: has a context"},
		{ofNameless{}, false, "has a context"},
		{ofNamelessPointer{}, true, "has a pointer"},
		{ofNamelessPointer{&pointerOnly{}}, false, "has a pointer"},
		{ofErrors{[]error{errors.New("plain"), ofFunc{}}}, true, "has errors"},
		{ofErrors{[]error{errors.New("plain"), ofFunc{func() {}}}}, false, "has errors"},
		{ofNumbers{1i, true, make([]byte, 1000)}, true, "has numbers"},
		{circle, false, "has text"},
		{unprintable{}, true, ""},
		{unprintable{map[int]int{}}, false, "kernel.unprintable, which panics when it is printed"},
	} {
		got := detached(test.err)
		if _, replaced := got.(*lostError); test.kept == replaced {
			t.Errorf("the error %T is replaced: %t", test.err, replaced)
		}
		if !test.kept && got.Error() != test.text {
			t.Errorf("got text %q, want %q", got.Error(), test.text)
		}
	}
}
