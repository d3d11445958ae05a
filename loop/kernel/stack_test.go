package kernel

import "testing"

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
