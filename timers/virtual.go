package timers

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Virtual is a clock for tests and simulations. It stands still while its loop has
// something to do. When the loop has nothing to do, the clock jumps to the next
// deadline.
//
// A clock that is held does not jump: see [Virtual.Hold].
//
// Use a Virtual clock for one loop. The zero Virtual begins at the Unix epoch. Any
// goroutine may call its methods.
type Virtual struct {
	mu       sync.Mutex
	now      time.Time
	holds    map[*hold]struct{}
	freed    chan struct{} // closed when the last hold is released; nil if there is none
	patience time.Duration // for waits in real time
	stuck    func()        // is called when one takes longer; nil if nobody asks
	idle     IdleFunc      // nil if nobody asks
}

// hold is who holds the clock: the calls that led to Hold.
type hold struct {
	calls [16]uintptr
	n     int
}

// NewVirtual returns a clock that begins at start. The zero start stands for the Unix
// epoch, since the zero time means "no deadline" to [Clock.Sleep].
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{now: start}
}

// lock locks the clock. It begins at the Unix epoch if no other time was given.
func (v *Virtual) lock() {
	v.mu.Lock()
	if v.now.IsZero() {
		v.now = time.Unix(0, 0).UTC()
	}
}

// Now returns the virtual time.
func (v *Virtual) Now() time.Time {
	v.lock()
	defer v.mu.Unlock()
	return v.now
}

// Advance moves the clock on by d. It does not wake a sleeping loop, so it is for
// callbacks, and for programs that run their loop with Poll. It panics if d is negative
// ([ErrInvalidArgument]).
func (v *Virtual) Advance(d time.Duration) {
	if d < 0 {
		panic(fmt.Errorf("timers: virtual clock: Advance by %v: time does not go back: %w", d, ErrInvalidArgument))
	}
	v.lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// Hold keeps the clock from jumping until release is called. Hold the clock while
// another goroutine works on something that the loop waits for. An idle loop then waits,
// in real time, until it is woken or the last hold is released. Calling release again
// does nothing.
func (v *Virtual) Hold() (release func()) {
	h := new(hold)
	h.n = runtime.Callers(2, h.calls[:])
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.holds) == 0 {
		v.freed = make(chan struct{})
		v.holds = make(map[*hold]struct{})
	}
	v.holds[h] = struct{}{}
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.holds, h)
		if len(v.holds) == 0 {
			close(v.freed)
			v.freed = nil
		}
	})
}

// Holders returns where the clock is held from, sorted: the innermost call outside of this
// module that led to each [Virtual.Hold], such as "main.load at main.go:7".
func (v *Virtual) Holders() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var places []string
	for h := range v.holds {
		places = append(places, h.place())
	}
	slices.Sort(places)
	return places
}

func (h *hold) place() string {
	frames := runtime.CallersFrames(h.calls[:h.n])
	for {
		f, more := frames.Next()
		pkg := f.Function[:strings.LastIndexByte(f.Function, '/')+1]
		name := f.Function[len(pkg):]
		pkg += name[:max(strings.IndexByte(name, '.'), 0)]
		if dir, own := strings.CutPrefix(pkg, module+"/"); !more || !own || !slices.Contains([]string{"loop", "task"}, dir) {
			return fmt.Sprintf("%s at %s:%d", name, path.Base(f.File), f.Line)
		}
	}
}

// module is the path of this module.
var module = path.Dir(reflect.TypeFor[Virtual]().PkgPath())

// Watch makes the clock call stuck, on another goroutine, when its loop has waited for d
// of real time for anything to happen. A nil stuck ends that. It is for the packages of
// this module: there is no promise of compatibility.
func (v *Virtual) Watch(d time.Duration, stuck func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.patience, v.stuck = d, stuck
}

// An IdleFunc is asked before a clock jumps to the time until, which is zero if there is no
// deadline and the clock is going to wait for wake. If it returns false, Sleep returns at
// once, and the loop looks again for something to do. It is called on the goroutine that
// runs the loop, and may use the loop as callbacks do. It may wait for wake itself.
type IdleFunc func(until time.Time, wake <-chan struct{}) (jump bool)

// SetIdle makes the clock ask f each time that its loop has nothing to do, while nobody
// holds the clock. It is for test harnesses. A nil f ends that.
func (v *Virtual) SetIdle(f IdleFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.idle = f
}

// ask asks the function of SetIdle.
func (v *Virtual) ask(until time.Time, wake <-chan struct{}) (goOn bool) {
	v.mu.Lock()
	idle, held := v.idle, v.freed != nil
	v.mu.Unlock()
	if idle == nil || held || len(wake) > 0 {
		return true
	}
	return idle(until, wake)
}

// Sleep jumps to until, or returns at once if it can receive from wake. If until is zero
// it waits for wake. If the clock is held it waits for wake or the end of the last hold,
// and does not jump.
func (v *Virtual) Sleep(until time.Time, wake <-chan struct{}) {
	if !v.ask(until, wake) {
		return
	}
	v.lock()
	freed, blocks := v.freed, v.freed != nil || until.IsZero()
	patience, stuck, asks := v.patience, v.stuck, v.idle != nil
	if !blocks {
		select {
		case <-wake: // a holder has passed something to the loop, and released the clock
		default:
			if until.After(v.now) {
				v.now = until
			}
		}
	}
	v.mu.Unlock()
	if !blocks {
		return
	}
	if stuck != nil {
		defer time.AfterFunc(patience, stuck).Stop()
	}
	if until.IsZero() && !asks {
		freed = nil // there is nothing to jump to
	}
	select {
	case <-wake:
	case <-freed:
		// No jump yet: the holder may have passed something to the loop. The loop
		// looks for it, and calls Sleep again if there is nothing.
	}
}
