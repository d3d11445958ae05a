package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// connectClock is a virtual clock that tells when it is released: then whoever has held it
// has posted what it had to tell.
type connectClock struct {
	*timers.Virtual
	mu      sync.Mutex
	changed sync.Cond
	holds   int
}

func newConnectClock() *connectClock {
	c := &connectClock{Virtual: timers.NewVirtual(time.Time{})}
	c.changed.L = &c.mu
	return c
}

func (c *connectClock) Hold() (release func()) {
	let := c.Virtual.Hold()
	c.change(1)
	return sync.OnceFunc(func() {
		let()
		c.change(-1)
	})
}

func (c *connectClock) change(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds += by
	c.changed.Broadcast()
}

// awaitHolds blocks until so many hold the clock.
func (c *connectClock) awaitHolds(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.holds != n {
		c.changed.Wait()
	}
}

func (c *connectClock) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holds
}

// connectGate is a dialer that succeeds when it is told to, whatever its context says.
type connectGate struct {
	conn   *connectConn
	peer   net.Conn
	called chan struct{} // closed when it was called
	open   chan struct{} // closed to let it return
	ended  chan struct{} // closed when its context is
}

func newConnectGate() *connectGate {
	g := &connectGate{called: make(chan struct{}), open: make(chan struct{}), ended: make(chan struct{})}
	g.conn, g.peer = newConnectConn()
	return g
}

func (g *connectGate) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	context.AfterFunc(ctx, func() { close(g.ended) })
	close(g.called)
	<-g.open
	return g.conn, nil
}

// connectSteps lets other tasks run so many times.
func connectSteps(ctx context.Context, n int) error {
	for range n {
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connectUntil lets other tasks run until all of that has happened.
func connectUntil(ctx context.Context, happened ...chan struct{}) error {
	for _, h := range happened {
		for {
			select {
			case <-h:
			default:
				if err := task.Yield(ctx); err != nil {
					return err
				}
				continue
			}
			break
		}
	}
	return nil
}

// connectOn runs fn on a loop with that clock, and closes the loop.
func connectOn(t *testing.T, c timers.Clock, fn func(ctx context.Context) error) {
	t.Helper()
	l := newLoop(loop.WithClock(c))
	if _, err := task.RunUntilComplete(l, task.Void(fn)); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// The connection is made before, in, and after the iteration of the cancellation.
func TestConnectCancelledAtEveryInstant(t *testing.T) {
	connected := 0
	for steps := range 12 {
		clock := newConnectClock()
		g := newConnectGate()
		connectOn(t, clock, func(ctx context.Context) error {
			connecting := task.Go(ctx, func(ctx context.Context) error {
				_, _, err := OpenConnection(ctx, "example.com:80", Dial(g))
				return err
			})
			if err := connectSteps(ctx, 1); err != nil {
				return err
			}
			<-g.called
			close(g.open)
			clock.awaitHolds(0) // the connection is on its way to the loop
			if err := connectSteps(ctx, steps); err != nil {
				return err
			}
			connecting.Cancel()
			err := connecting.Join(ctx)
			switch {
			case err == nil:
				connected++
			case future.IsCancelled(err):
				<-g.conn.closed
			default:
				t.Errorf("after %d steps: %v", steps, err)
			}
			return nil
		})
		<-g.conn.closed // by the loop if not before
		<-g.ended
		g.peer.Close()
	}
	if connected == 0 || connected > 9 {
		t.Errorf("%d of 12 connections came before the cancellation", connected)
	}
}

func TestConnectCancelledBeforeTheDialerReturns(t *testing.T) {
	clock := newConnectClock()
	g := newConnectGate()
	defer g.peer.Close()
	connectOn(t, clock, func(ctx context.Context) error {
		connecting := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "example.com:80", Dial(g))
			return err
		})
		if err := connectSteps(ctx, 1); err != nil {
			return err
		}
		<-g.called
		connecting.Cancel()
		if err := connecting.Join(ctx); !future.IsCancelled(err) {
			t.Errorf("the error is %v", err)
		}
		<-g.ended
		if clock.held() != 0 {
			t.Error("the clock is held for a connection that nobody waits for")
		}
		close(g.open)
		<-g.conn.closed
		return nil
	})
}

// The loop is closed before, in, and after the iteration in which the connection is made,
// and while the dialer is busy.
func TestConnectWhileTheLoopCloses(t *testing.T) {
	const running, resting, closed = 0, 1, 2 // the loop when the dialer returns
	for steps := range 12 {
		for when := running; when <= closed; when++ {
			clock := newConnectClock()
			g := newConnectGate()
			l := newLoop(loop.WithClock(clock))
			l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // a task is still pending
			_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
				task.Go(ctx, func(ctx context.Context) error {
					_, _, err := OpenConnection(ctx, "example.com:80", Dial(g))
					if err == nil { // keep it open
						return task.Sleep(ctx, time.Hour)
					}
					return err
				})
				if err := connectSteps(ctx, 1); err != nil {
					return err
				}
				<-g.called
				if when == running {
					close(g.open)
					clock.awaitHolds(0)
				}
				return connectSteps(ctx, steps)
			}))
			if err != nil {
				t.Error(err)
			}
			if when == resting {
				close(g.open)
				clock.awaitHolds(0)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if when == closed {
				close(g.open)
			}
			<-g.conn.closed
			<-g.ended
			g.peer.Close()
		}
	}
}

// The loop may be closed, and the task not yet unwound.
func TestConnectDropsWhatAClosedLoopRefuses(t *testing.T) {
	l := newLoop()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dropped := 0
	c := &call[int]{kernel: l.Kernel(), drop: func(n int) { dropped += n }, release: func() {}}
	c.run(context.Background(), func(context.Context) int { return 5 })
	if dropped != 5 {
		t.Errorf("%d was dropped", dropped)
	}
}

func TestConnectIsCancelledPromptly(t *testing.T) {
	clock := newConnectClock()
	g := newConnectGate()
	defer g.peer.Close()
	connectOn(t, clock, func(ctx context.Context) error {
		l := loop.Running(ctx)
		connecting := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "example.com:80", Dial(g))
			return err
		})
		if err := connectSteps(ctx, 1); err != nil {
			return err
		}
		l.CallSoon(func() { connecting.Cancel() })
		if err := connectSteps(ctx, 2); err != nil {
			return err
		}
		if !connecting.Cancelled() {
			t.Error("it is not cancelled in the iteration after the cancellation")
		}
		return nil
	})
	close(g.open)
	<-g.conn.closed
}

func TestConnectHoldsAVirtualClock(t *testing.T) {
	clock := newConnectClock()
	g := newConnectGate()
	defer g.peer.Close()
	names := &connectResolver{hosts: map[string][]string{"example.com": {"192.0.2.1"}}, block: make(chan struct{})}
	connectOn(t, clock, func(ctx context.Context) error {
		begin := loop.Running(ctx).Time()
		go func() {
			close(names.block)
			<-g.called
			close(g.open)
		}()
		return task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			_, w, err := OpenConnection(ctx, "example.com:80", connectNames(names), Dial(g))
			if err != nil {
				return err
			}
			if passed := loop.Running(ctx).Time().Sub(begin); passed != 0 || clock.held() != 0 {
				t.Errorf("%v have passed, %d hold the clock", passed, clock.held())
			}
			return w.Close()
		})
	})
	<-g.conn.closed
}

func TestConnectThatTakesTooLongIsClosed(t *testing.T) {
	g := newConnectGate()
	defer g.peer.Close()
	run(t, func(ctx context.Context) error {
		err := task.WithTimeout(ctx, time.Millisecond, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "example.com:80", Dial(g))
			return err
		})
		if !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	<-g.ended
	close(g.open)
	<-g.conn.closed
}

func TestConnectWithAContextThatEnds(t *testing.T) {
	g := newConnectGate()
	defer g.peer.Close()
	run(t, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			<-g.called
			cancel()
		}()
		if _, _, err := OpenConnection(ctx, "example.com:80", Dial(g)); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	<-g.ended
	close(g.open)
	<-g.conn.closed
}

// connectDescriptors returns the number of open descriptors.
func connectDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list descriptors")
	}
	return len(entries)
}

// connectSink accepts connections and closes them.
func connectSink(t *testing.T, network, address string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
	})
	return l.Addr()
}

func TestConnectsCancelledAtRandomLeaveNothingBehind(t *testing.T) {
	const atOnce = 50
	path := filepath.Join(t.TempDir(), "socket")
	connectSink(t, "unix", path)
	address := connectSink(t, "tcp", "127.0.0.1:0").String()
	names := &connectResolver{hosts: map[string][]string{"two": {"127.0.0.1", "127.0.0.2"}}}
	_, port, _ := net.SplitHostPort(address)
	for _, test := range []struct {
		name    string
		cancels int
		connect func(ctx context.Context) (*Reader, *Writer, error)
	}{
		{"unix", 8000, func(ctx context.Context) (*Reader, *Writer, error) {
			return OpenUnixConnection(ctx, path)
		}},
		{"tcp", 1000, func(ctx context.Context) (*Reader, *Writer, error) {
			return OpenConnection(ctx, address)
		}},
		{"happy eyeballs", 1000, func(ctx context.Context) (*Reader, *Writer, error) {
			return OpenConnection(ctx, "two:"+port, connectNames(names), Dial(new(net.Dialer)), HappyEyeballs(0))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, goroutines := connectDescriptors(t), runtime.NumGoroutine()
			random := rand.New(rand.NewPCG(1, 2))
			ended := map[string]int{}
			round := func(ctx context.Context) error {
				tasks := make([]*task.Task[struct{}], atOnce)
				for i := range tasks {
					tasks[i] = task.Go(ctx, func(ctx context.Context) error {
						_, w, err := test.connect(ctx)
						if err == nil {
							w.Abort()
						}
						return err
					})
				}
				for _, i := range random.Perm(atOnce) {
					if err := connectSteps(ctx, random.IntN(3)*random.IntN(2)); err != nil {
						return err
					}
					if random.IntN(4) == 0 {
						runtime.Gosched()
					}
					tasks[i].Cancel()
				}
				for _, connecting := range tasks {
					err := connecting.Join(ctx)
					switch {
					case err == nil:
						ended["connected"]++
					case future.IsCancelled(err):
						ended["cancelled"]++
					default:
						t.Error(err)
					}
				}
				return nil
			}
			cancels := test.cancels
			if testing.Short() {
				cancels /= 10
			}
			for ended["cancelled"] < cancels && !t.Failed() {
				run(t, round) // the loop is closed each time
			}
			t.Log(ended)
			connectSettle(t, "descriptors", before, func() int { return connectDescriptors(t) })
			connectSettle(t, "goroutines", goroutines, runtime.NumGoroutine)
		})
	}
}

// connectSettle waits until there are no more of something than before: goroutines that
// nobody waits for are about to end.
func connectSettle(t *testing.T, what string, before int, count func() int) {
	t.Helper()
	after := count()
	for deadline := time.Now().Add(20 * time.Second); after > before && time.Now().Before(deadline); after = count() {
		runtime.Gosched()
	}
	if after > before {
		stacks := make([]byte, 1<<16)
		fmt.Fprintf(t.Output(), "%s\n", stacks[:runtime.Stack(stacks, true)])
		t.Errorf("%d %s, %d before", after, what, before)
	}
}
