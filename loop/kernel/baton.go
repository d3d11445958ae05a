package kernel

// OwnsBaton reports whether the caller owns the baton, or may take it: whether the
// loop is running the calling goroutine, or is not running. Any goroutine may ask.
func (k *Kernel) OwnsBaton() bool {
	if !k.running.Load() {
		return true
	}
	owner := k.stepOwner.Load()
	if owner == 0 {
		owner = k.loopGoroutine.Load()
	}
	return goroutine() == owner
}

// SetStepOwner notes which goroutine, see [Goroutine], runs a task's step; 0 if the
// baton is the loop's own.
func (k *Kernel) SetStepOwner(goroutine uintptr) { k.stepOwner.Store(goroutine) }

// StepOwner is what SetStepOwner was told last. Any goroutine may ask.
func (k *Kernel) StepOwner() uintptr { return k.stepOwner.Load() }

// checkBaton has the host refuse a caller that does not own the baton.
func (k *Kernel) checkBaton(operation string) {
	if !k.OwnsBaton() {
		k.host.WrongGoroutine(operation)
	}
}
