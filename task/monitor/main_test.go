package monitor

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a monitor whose time is the test's.
type scene struct {
	t     *testing.T
	m     *Monitor
	ticks *ticks

	mu    sync.Mutex
	time  time.Time
	told  []Incident
	steps sync.WaitGroup // loops that run
}

const period = 25 * time.Millisecond

// newScene returns a scene whose monitor tells of blocked loops. It is closed at the end of
// the test.
func newScene(t *testing.T, opts ...Option) *scene {
	s := &scene{t: t, ticks: &ticks{make(chan time.Time), make(chan struct{})}, time: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	own := func(o *settings) {
		o.ticks, o.now = s.ticks, s.now
		o.onBlocked = func(i Incident) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, i)
		}
	}
	s.m = New(append([]Option{own}, opts...)...)
	t.Cleanup(func() {
		s.steps.Wait()
		check.NoError(t, s.m.Close())
	})
	return s
}

func (s *scene) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time
}

// pass lets time go by without a tick.
func (s *scene) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(d)
}

// tick has the watchdog look n times, one period apart.
func (s *scene) tick(n int) {
	for range n {
		s.tickAfter(period)
	}
}

func (s *scene) tickAfter(d time.Duration) {
	s.pass(d)
	s.ticks.next <- s.now()
	<-s.ticks.done
}

// taken returns what was told since it was called last.
func (s *scene) taken() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

// one returns the only incident, which must be there.
func (s *scene) one() Incident {
	s.t.Helper()
	told := s.taken()
	if len(told) != 1 {
		s.t.Fatalf("there are %d incidents: %v", len(told), told)
	}
	return told[0]
}

func (s *scene) none() {
	s.t.Helper()
	if told := s.taken(); len(told) > 0 {
		s.t.Fatalf("there is %v", told)
	}
}

// run runs main on a new loop, in the background until the end of the test.
func (s *scene) run(h task.Handoff, main func(ctx context.Context), opts ...loop.Option) *loop.Loop {
	l := loop.New(append(opts, s.m.Watch())...)
	task.SetHandoff(l, h)
	s.start(l, main)
	return l
}

// start runs main on a loop, in the background, and closes it then.
func (s *scene) start(l *loop.Loop, main func(ctx context.Context)) {
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // of tasks that sleep at the end
	s.steps.Add(1)
	go func() {
		defer s.steps.Done()
		_, err := task.RunUntilComplete(l, task.Void(begin(main)))
		check.NoError(s.t, err)
		check.NoError(s.t, l.Close())
	}()
}

// begin is the coroutine of a loop's main task.
//
//go:noinline
func begin(main func(ctx context.Context)) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		main(ctx)
		return nil
	}
}

// door is where a step waits for the test.
type door struct{ entered, open chan struct{} }

func newDoor() *door { return &door{make(chan struct{}), make(chan struct{})} }

// pass holds whoever calls it until the test lets it go on.
func (d *door) pass() {
	d.entered <- struct{}{}
	<-d.open
}

// through lets through whoever is at the door, or comes.
func (d *door) through() { d.open <- struct{}{} }

func eachHandoff(t *testing.T, test func(t *testing.T, h task.Handoff)) {
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(h.String(), func(t *testing.T) { test(t, h) })
	}
}
