package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
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
