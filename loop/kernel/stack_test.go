package kernel

import (
	"fmt"
	"runtime"
	"testing"
)

// deep calls fn below more frames than OnLoop looks at in one go.
func deep(depth int, fn func()) {
	if depth == 0 {
		fn()
		return
	}
	func() { deep(depth-1, fn) }()
}

// depths returns depths around those to which OnLoop looks in one go, of two frames each.
func depths() (all []int) {
	for depth := range 600 {
		all = append(all, depth)
	}
	return append(all, 2040, 2044, 2048, 2052, 20_000)
}

func TestOnLoopIsTrueInsideOfARunOnly(t *testing.T) {
	k, _ := newKernel(t)
	check := func(where string, want bool) {
		t.Helper()
		for _, depth := range depths() {
			deep(depth, func() {
				if OnLoop() != want {
					t.Fatalf("OnLoop %s, %d frames down, is %t", where, depth, !want)
				}
			})
		}
	}
	check("before the run", false)
	soon(k, func() {
		check("in a callback", true)
		elsewhere(func() {
			if OnLoop() {
				t.Error("OnLoop in a goroutine that a callback started is true")
			}
		})
		k.Stop()
	})
	run(t, k)
	check("between runs", false)
	soon(k, func() { check("in a callback of RunOnce", true) })
	k.Begin()
	k.RunOnce()
	k.End()
	check("after the run", false)
}

func TestOnLoopIsTrueInACoroutine(t *testing.T) {
	ran := false
	elsewhere(Coroutine(func() {
		ran = true
		for _, depth := range depths() {
			deep(depth, func() {
				if !OnLoop() {
					t.Errorf("OnLoop, %d frames down, is false", depth)
				}
			})
		}
	}))
	if !ran {
		t.Error("it did not run")
	}
}

// OnLoop would give the right answers also if frames never found anything, but slowly.
func TestFramesReachTheBottomOfTheStack(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("frame pointers are followed on amd64 only")
	}
	deep(20, func() {
		var found [64]uintptr
		n, whole := frames(found[:])
		if !whole || n <= 20 { // the calls between may be inlined
			t.Fatalf("%d frames, all: %t", n, whole)
		}
		if n, whole = frames(found[:10]); whole || n != 10 {
			t.Errorf("of 10 places %d are used, and these are all: %t", n, whole)
		}
	})
}

func BenchmarkOnLoop(b *testing.B) {
	for _, depth := range []int{0, 15} {
		b.Run(fmt.Sprintf("frames=%d", 2*depth), func(b *testing.B) {
			deep(depth, func() {
				for b.Loop() {
					OnLoop()
				}
			})
		})
	}
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
