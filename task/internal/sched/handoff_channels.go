package sched

// channels is the default handoff. A goroutine without the baton waits on a channel
// with room for one wake-up, so that sending never blocks.
type channels struct {
	loop   chan struct{} // where the loop's goroutine waits
	caller chan struct{} // where the latest caller of call waits
	main   func()        // Sched.main
}

func newChannels(s *Sched) *channels {
	return &channels{loop: make(chan struct{}, 1), main: s.main()}
}

// spawn returns a worker without a channel. Its goroutine begins when it gets the
// baton for the first time.
func (*channels) spawn() worker { return worker{} }

func (*channels) begin() worker { return worker{wake: make(chan struct{}, 1)} }

func (c *channels) pass(w worker) {
	if w.wake != nil {
		w.wake <- struct{}{}
	} else {
		go c.main()
	}
}

func (c *channels) passToLoop() { c.loop <- struct{}{} }

func (c *channels) runStep(w worker) {
	c.pass(w)
	<-c.loop
}

func (c *channels) call(from, w worker) {
	back, caller := c.loop, c.caller
	if from.wake != nil {
		back = from.wake
	}
	c.caller = back
	c.pass(w)
	<-back
	c.caller = caller
}

func (c *channels) giveBack()      { c.caller <- struct{}{} }
func (*channels) wait(w worker)    { <-w.wake }
func (*channels) dismiss(w worker) { w.wake <- struct{}{} }
func (*channels) lends() bool      { return true }
