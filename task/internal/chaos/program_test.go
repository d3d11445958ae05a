package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// limits of a program.
const (
	maxNodes   = 40  // coroutines
	maxForeign = 6   // foreign goroutines
	maxDepth   = 4   // coroutines and bodies in each other
	maxTurns   = 12  // runs of the loop
	maxPolls   = 300 // to come to rest
	lifetime   = 60  // of a program, in units of time
)

// program is one random program: its loop, what its coroutines share, and what is known
// about them.
type program struct {
	seed     uint64
	logf     func(string, ...any) // nil unless the program is to be logged
	loop     *loop.Loop
	unit     time.Duration // most operations take a few of them
	virtual  bool
	pull     bool
	debug    bool
	runner   *task.Runner // nil if the program runs the loop itself
	eager    bool         // there are eager tasks
	exits    bool         // coroutines call runtime.Goexit
	executor *executor    // besides the default one
	base     int          // goroutines before it began

	// The loop's own. Nothing here is synchronized, so that the race detector sees two
	// who run at once.
	rounds   int  // of cancelForever
	exited   bool // the handler ended the goroutine that closes the loop
	inside   bool // program code is running
	touched  int
	over     bool // the time is up
	nodes    []*node
	futures  []*future.Future[int]
	objects  *objects
	lives    *lives // nil if nobody watches them
	timers   []*loop.TimerHandle
	received map[*kernel.Future]bool // tasks whose cancellation Receive may have put off

	// Of all goroutines.
	calm     atomic.Bool    // the handler does no harm any more
	foreign  sync.WaitGroup // foreign goroutines
	foreigns atomic.Int32
	channel  chan int // that foreign goroutines send to
	mu       sync.Mutex
	harm     *rand.Rand // of the handler
	reports  []loop.ExceptionContext
	wrong    []string
}

func newProgram(seed uint64, logf func(string, ...any)) *program {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &program{seed: seed, logf: logf}
	p.virtual = r.IntN(2) == 0
	p.pull = r.IntN(2) == 0
	p.debug = r.IntN(4) == 0
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		p.debug = true // without it most foreign goroutines are not refused there
	}
	p.eager = r.IntN(3) > 0
	p.exits = r.IntN(3) == 0
	p.unit = 20 * time.Microsecond
	clock := timers.System()
	if p.virtual {
		p.unit = time.Millisecond
		clock = timers.NewVirtual(time.Time{})
	}
	p.received = map[*kernel.Future]bool{}
	p.harm = split(r)
	p.channel = make(chan int, 1)
	p.executor = &executor{p: p, r: split(r)}
	options := []loop.Option{loop.WithClock(clock), loop.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))}
	if p.debug {
		options = append(options, loop.WithDebug())
	}
	if r.IntN(4) == 0 {
		options = append(options, loop.WithExecutor(loop.NewPool(2)))
	}
	p.loop = loop.New(options...)
	if p.debug {
		p.loop.SetSlowCallbackDuration(p.unit)
	}
	if p.pull {
		task.SetHandoff(p.loop, task.IterPull)
	}
	p.loop.SetExceptionHandler(p.handle)
	if r.IntN(2) == 0 {
		p.lives = p.watchLives()
	}
	p.objects = newObjects(r)
	if r.IntN(4) == 0 {
		p.runner = task.NewRunner(task.WithLoopFactory(func() *loop.Loop { return p.loop }))
	}
	return p
}

func (p *program) String() string {
	clock, handoff, mode, by := "real clock", task.Channels, "", "the loop"
	if p.virtual {
		clock = "virtual clock"
	}
	if p.pull {
		handoff = task.IterPull
	}
	if p.debug {
		mode = ", debug mode"
	}
	if p.runner != nil {
		by = "a Runner"
	}
	return fmt.Sprintf("program %d (%s, %v%s, run by %s)", p.seed, clock, handoff, mode, by)
}

// run runs the program to its end.
func (p *program) run() {
	p.base = runtime.NumGoroutine()
	r := rand.New(rand.NewPCG(p.seed, 2))
	for range r.IntN(4) {
		p.startForeign(split(r))
	}
	root := p.newNode(split(r))
	if r.IntN(2) == 0 { // before the loop runs
		p.keep(root, task.CreateOn(p.loop, root.coroutine()))
	} else {
		p.loop.CallSoon(func() { p.keep(root, task.CreateOn(p.loop, root.coroutine())) })
	}
	p.loop.CallLater(lifetime*p.unit, func() {
		p.over = true
		p.loop.Stop()
		if p.runner != nil {
			p.cancelForever()
		}
	})
	p.turns(r)
	p.close()
	p.foreign.Wait()
	p.checkEnd()
}

// cancelForever cancels all tasks again and again: a Runner's Close waits until the last one
// has had enough.
//
// One kind of program never has: a task holds the lock and awaits another one that wants it
// back for its condition. To get it back, that one swallows every cancellation, in asyncio
// too. Such a program is stopped.
func (p *program) cancelForever() {
	if p.rounds++; p.rounds > 1000 && p.objects.lock.Locked() {
		p.loop.Stop()
		return
	}
	for _, t := range task.AllOn(p.loop) {
		t.Cancel()
	}
	p.loop.CallLater(5*p.unit, p.cancelForever)
}

// turns runs the loop, in several ways, until the time is up or the program has had
// enough.
func (p *program) turns(r *rand.Rand) {
	for range maxTurns {
		way := r.IntN(8)
		switch {
		case p.over || way == 0:
		case p.runner != nil:
			p.apart("Runner.Run", func() error {
				return p.runner.Run(context.Background(), func(ctx context.Context) error { return task.Sleep(ctx, lifetime*p.unit) })
			})
		case way == 1:
			p.apart("RunUntilComplete", func() error {
				n := p.newNode(split(r))
				n.detached = true
				_, err := task.RunUntilComplete(p.loop, n.coroutine())
				return err
			})
		case way == 2:
			for range 1 + r.IntN(20) {
				p.apart("Poll", func() error { _, _, err := p.loop.Poll(); return err })
			}
		default:
			p.apart("RunForever", p.loop.RunForever)
		}
		if r.IntN(3) == 0 && p.rest() {
			p.checkRest()
		}
		if p.over || way == 0 {
			break
		}
	}
	if p.rest() {
		p.checkRest()
	}
}

// rest runs the loop until nothing in it is ready, and reports whether it came to that.
func (p *program) rest() bool {
	for range maxPolls {
		ready := true
		p.apart("Poll", func() error {
			next, ok, err := p.loop.Poll()
			ready = err != nil || ok && !next.After(p.loop.Time())
			return err
		})
		if !ready {
			return true
		}
	}
	return false
}

// apart runs the loop on a goroutine of its own, which a coroutine may end.
func (p *program) apart(what string, run func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := errGoexit
		defer func() {
			// CPython lets the exception of a factory out, too.
			if value := recover(); value != nil && value != errFactory {
				p.fault("%s panicked: %s", what, text(value))
			}
			if err == errGoexit && what == "Close" && !p.exited {
				p.fault("Close did not return")
			}
			p.log("%s: %s", what, text(err))
		}()
		err = run()
		if err != nil && !loop.IsFatal(err) && what == "RunForever" {
			p.fault("%s: %s", what, text(err))
		}
	}()
	<-done
	if p.loop.IsRunning() {
		p.fault("%s has ended and the loop is running", what)
	}
	if p.inside {
		p.fault("%s has ended inside program code", what)
		p.inside = false
	}
}

// close closes the loop in the middle of everything.
func (p *program) close() {
	for _, n := range p.nodes {
		if n.task != nil {
			n.retrieved = n.task.Retrieved()
		}
	}
	if p.runner != nil {
		p.apart("Runner.Close", p.runner.Close)
	}
	p.apart("Close", p.loop.Close)
	p.calm.Store(true)
	if !p.loop.IsClosed() {
		p.fault("the loop is not closed")
	}
}

var errGoexit = errors.New("it called runtime.Goexit")

// enter begins program code that runs on the loop, and leave ends it.
func (p *program) enter() {
	if p.inside {
		p.fault("two run at once: %s", stack())
	}
	p.inside = true
	p.touched++
}

func (p *program) leave() {
	if !p.inside {
		p.fault("it was left already: %s", stack())
	}
	p.inside = false
	p.touched++
}

// outside calls a function of the library that may suspend, or call program code.
func (p *program) outside(fn func()) {
	p.leave()
	defer p.enter() // also if the coroutine is unwound
	fn()
}

// fault notes what is wrong.
func (p *program) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wrong) < 20 {
		p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
	}
}

func (p *program) faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *program) log(format string, args ...any) {
	if p.logf != nil {
		p.logf(format, args...)
	}
}

// handle is the exception handler.
func (p *program) handle(l *loop.Loop, e loop.ExceptionContext) {
	p.mu.Lock()
	p.reports = append(p.reports, e)
	harm := p.harm.IntN(8)
	p.mu.Unlock()
	if p.calm.Load() || onCollector() {
		return
	}
	p.touched++
	p.log("report: %s: %s", e.Message, text(e.Err))
	closed := l.IsClosed()
	switch {
	case harm == 0:
		panic(&fault{name: "of the handler"})
	case harm == 1 && !closed:
		panic(loop.ErrKeyboardInterrupt)
	case harm == 2 && (closed || p.mayExit()):
		p.exited = p.exited || closed
		runtime.Goexit()
	case harm == 3 && !closed:
		task.FormatTaskTree(loop.NewContext(context.Background(), l))
	case harm == 4:
		l.DefaultExceptionHandler(e)
	case harm == 5 && !closed:
		l.CallSoon(func() { p.touched++ })
	}
}

// onCollector reports whether the caller is a goroutine of the garbage collector, which
// reports what was not retrieved once the loop is closed.
func onCollector() bool { return strings.Contains(stack(), "kernel.lost(") }

// mayExit reports whether the exception handler may call runtime.Goexit: for a coroutine
// that has it called, that is as if it did so itself.
func (p *program) mayExit() bool {
	return p.exits || task.CurrentOn(p.loop) == nil
}

// split makes a source of random numbers for a part of the program, so that what the part
// does does not depend on the timing of others.
func split(r *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }

// pick returns one of all.
func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// stack is what the calling goroutine is doing.
func stack() string {
	text := make([]byte, 1<<14)
	return string(text[:runtime.Stack(text, false)])
}
