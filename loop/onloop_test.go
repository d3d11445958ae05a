package loop

import (
	"reflect"
	"runtime"
	"testing"
)

func TestOnLoopKnowsTheNameOfTheRunFunction(t *testing.T) {
	f := runtime.FuncForPC(reflect.ValueOf((*Loop).run).Pointer())
	if f.Name() != runFunction {
		t.Errorf("the function is called %q, OnLoop looks for %q", f.Name(), runFunction)
	}
}

// deep calls fn below more frames than OnLoop looks at in one go.
func deep(depth int, fn func()) {
	if depth == 0 {
		fn()
		return
	}
	func() { deep(depth-1, fn) }()
}

func TestOnLoopIsTrueInsideOfARunOnly(t *testing.T) {
	l := New()
	defer l.Close()
	check := func(where string, want bool) {
		t.Helper()
		for depth := range 200 {
			deep(depth, func() {
				if OnLoop() != want {
					t.Fatalf("OnLoop %s, %d frames down, is %t", where, depth, !want)
				}
			})
		}
	}
	check("before the run", false)
	l.CallSoon(func() {
		check("in a callback of RunForever", true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if OnLoop() {
				t.Error("OnLoop in a goroutine that a callback started is true")
			}
		}()
		<-done
		l.Stop()
	})
	if err := l.RunForever(); err != nil {
		t.Error(err)
	}
	check("between runs", false)
	l.CallSoon(func() { check("in a callback of Poll", true) })
	l.Poll()
	check("after the run", false)
}

func TestGoroutineTellsGoroutinesApart(t *testing.T) {
	mine := Goroutine()
	if mine == 0 || mine != Goroutine() {
		t.Fatalf("Goroutine is %d, then %d", mine, Goroutine())
	}
	others := make(chan uintptr)
	go func() { others <- Goroutine() }()
	if other := <-others; other == mine || other == 0 {
		t.Errorf("another goroutine has %d, this one %d", other, mine)
	}
}
