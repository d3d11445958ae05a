package kernel

import (
	"fmt"
	"path"
	"reflect"
)

// RunsCaller reports whether the loop is running the caller: whether the call comes from
// its callbacks or tasks. Any goroutine may call it.
func (k *Kernel) RunsCaller() bool { return k.owner.Load() == goroutine() }

// OwnsBaton reports whether the calling goroutine owns the baton. While the loop is not
// running, every goroutine does. Any goroutine may call it.
func (k *Kernel) OwnsBaton() bool {
	owner := k.owner.Load()
	return owner == goroutine() || owner == 0
}

// Check returns an error if the caller must not touch what belongs to the loop, because
// it does not own the baton. The error names the operation and the object, a pointer, of
// which it shows nothing that the loop may be changing.
//
// Each exported operation that has an effect on a loop begins with a Check: from a
// goroutine outside the loop it would not wake the loop, and corrupt it. Where identities
// are slow to find out (see Goroutine) only debug mode checks. Any goroutine may call it.
// On a nil Kernel, that of a zero Future, there is nothing to check.
func (k *Kernel) Check(operation string, object any) error {
	if k == nil || !identityIsCheap && !k.Debug() || k.OwnsBaton() {
		return nil
	}
	return k.wrongGoroutine(operation, object)
}

//go:noinline
func (k *Kernel) wrongGoroutine(operation string, object any) error {
	pkg := path.Base(reflect.TypeOf(object).Elem().PkgPath())
	return k.host.WrongGoroutine(fmt.Sprintf("%s: %s of %s", pkg, operation, Outline(object)))
}

// MustOwn is Check for operations that return no error: it panics.
func (k *Kernel) MustOwn(operation string, object any) {
	if err := k.Check(operation, object); err != nil {
		panic(err)
	}
}

// SetStepOwner sets the goroutine (see [Goroutine]) that runs the present step of a task, or
// an errand (see [Scheduler]).
func (k *Kernel) SetStepOwner(goroutine uintptr) { k.owner.Store(goroutine) }

// EndStep says that the loop's own goroutine owns the baton.
func (k *Kernel) EndStep() { k.owner.Store(k.loopGoroutine.Load()) }

// StepOwner returns the goroutine set by SetStepOwner. Any goroutine may call it.
func (k *Kernel) StepOwner() uintptr {
	if owner := k.owner.Load(); owner != k.loopGoroutine.Load() {
		return owner
	}
	return 0
}
