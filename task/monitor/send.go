package monitor

import "github.com/goasyncio/asyncio/loop/kernel"

// send has the loop call run on its own goroutine, between two steps or callbacks, or drop
// if it is closed before. It reports false if the loop is closed already. Nobody waits for it.
func (w *watched) send(run, drop func()) bool {
	s := &sent{run: run, drop: drop}
	s.handle.Init(kernel.OnLoopGoroutine, s) // visits need it
	return w.loop.Kernel().Post(&s.handle)
}

// sent is the job of send.
type sent struct {
	handle    kernel.Handle
	run, drop func()
}

func (s *sent) Run()         { s.run() }
func (s *sent) Drop()        { s.drop() }
func (*sent) String() string { return "a monitor" }
