package kernel

// OwnsBaton reports whether the calling goroutine owns the baton. While the loop is not
// running, every goroutine does. Any goroutine may call it.
func (k *Kernel) OwnsBaton() bool {
	if !k.IsRunning() {
		return true
	}
	owner := k.stepOwner.Load()
	if owner == 0 {
		owner = k.loopGoroutine.Load()
	}
	return goroutine() == owner
}

// SetStepOwner sets the goroutine (see [Goroutine]) that runs the present step of a
// task. It is 0 while the loop's own goroutine owns the baton.
func (k *Kernel) SetStepOwner(goroutine uintptr) { k.stepOwner.Store(goroutine) }

// StepOwner returns the goroutine set by SetStepOwner. Any goroutine may call it.
func (k *Kernel) StepOwner() uintptr { return k.stepOwner.Load() }

// checkBaton panics if the caller does not own the baton.
func (k *Kernel) checkBaton(operation string) {
	if !k.OwnsBaton() {
		k.host.WrongGoroutine(operation)
	}
}
