package kernel

import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// newTracedKernel returns a kernel that records where things are created, and the futures
// whose creation it remembers.
func newTracedKernel(t *testing.T) (k *Kernel, remembered func() int) {
	k, _ = newKernel(t)
	k.Attend(AttendStacks)
	return k, func() int {
		k.creations.mu.Lock()
		defer k.creations.mu.Unlock()
		return len(k.creations.futures)
	}
}

func newTracedFuture(k *Kernel) *Promise {
	p := new(Promise)
	p.Init(k, nil)
	if k.RecordsCreation() {
		k.NoteCreation(&p.Future)
	}
	return p
}

func TestCreationsOfFuturesGoAwayWithThem(t *testing.T) {
	k, remembered := newTracedKernel(t)
	kept := newTracedFuture(k)
	for range 100 {
		newTracedFuture(k)
	}
	guard := time.Now().Add(20 * time.Second)
	for remembered() > 1 && time.Now().Before(guard) {
		runtime.GC()
		runtime.Gosched()
	}
	if n := remembered(); n != 1 {
		t.Errorf("%d futures are remembered, and one is left", n)
	}
	if kept.Created() == nil {
		t.Error("what is known of the one that is left was forgotten")
	}
}

func TestCreationsKeepNoLoopAlive(t *testing.T) {
	gone := make(chan struct{})
	func() {
		k := New(timers.NewVirtual(start), &testHost{}, nil)
		k.Attend(AttendStacks)
		p := newTracedFuture(k)
		timer := new(Timer)
		timer.InitCallback(func() { p.Wake() }) // the loop refers to the future
		k.PushTimer(timer, time.Hour)
		runtime.AddCleanup(k, func(c chan struct{}) { close(c) }, gone)
	}()
	guard := time.Now().Add(20 * time.Second)
	for {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
		}
		if time.Now().After(guard) {
			t.Fatal("the loop is not collected")
		}
		runtime.Gosched()
	}
}

func TestCreationIsNotRecordedUnlessSomebodyWantsIt(t *testing.T) {
	k, _ := newKernel(t)
	if k.RecordsCreation() {
		t.Error("it is recorded")
	}
	for _, a := range []Attention{AttendDebug, AttendStacks} {
		k.Attend(a)
		if !k.RecordsCreation() {
			t.Errorf("it is not recorded with attention %b", a)
		}
		k.Ignore(a)
	}
	p := newTracedFuture(k)
	if p.Created() != nil || p.String() != "<Future pending>" {
		t.Errorf("%v was created at %v", p, p.Created())
	}
	if created := new(Future).Created(); created != nil {
		t.Errorf("the zero Future was created at %v", created)
	}
}

// Calls of this package are the library's: the first one of another package is that of
// package testing.
func TestCreationStackHasNoCallsOfTheLibraryAtItsTop(t *testing.T) {
	k, _ := newTracedKernel(t)
	for _, level := range []int{0, 1, 5, 1000} {
		var stack []uintptr
		deep(level, func() { stack = k.Calls(0) })
		frames := Frames(stack)
		if len(frames) == 0 || frames[0].Function != "testing.tRunner" {
			t.Errorf("below %d calls of the library there is %v", level, frames)
		}
	}
}

func TestCreationStackBeginsAfterWhatIsSkipped(t *testing.T) {
	k, _ := newTracedKernel(t)
	if frames := Frames(k.Calls(1)); len(frames) != 1 || frames[0].Function != "testing.tRunner" {
		t.Errorf("after the test itself: %v", frames)
	}
	if frames := Frames(k.Calls(2)); len(frames) != 0 {
		t.Errorf("after testing.tRunner: %v", frames)
	}
}

func TestCreationStackHasSoManyCalls(t *testing.T) {
	k, _ := newTracedKernel(t)
	for depth, want := range map[int]int{1: 1, 2: 2, 10: 2} { // testing.tRunner and runtime.goexit
		k.SetCreationDepth(depth)
		if stack := k.Calls(0); len(stack) != want {
			t.Errorf("%d calls of %d at most", len(stack), depth)
		}
	}
	k.SetCreationDepth(10)
	if frames := Frames(k.Calls(0)); len(frames) != 1 {
		t.Errorf("the runtime is shown: %v", frames)
	}
	if n := len(Frames(nil)); n != 0 {
		t.Errorf("no calls have %d frames", n)
	}
}

func TestCreationOfACallbackIsReportedWithItsPanic(t *testing.T) {
	k := New(timers.NewVirtual(start), &creationHost{t: t}, nil)
	k.Attend(AttendStacks)
	h := new(Handle)
	h.InitCallback(func() { panic("oops") })
	k.NoteCallback(h)
	if text := h.String(); !strings.HasPrefix(text, "<Handle kernel.TestCreationOfACallback") || !strings.Contains(text, " created at testing.go:") {
		t.Errorf("String: %s", text)
	}
	if text := h.Describe(); strings.Contains(text, "created at") {
		t.Errorf("Describe: %s", text)
	}
	k.Push(h)
	runOnce(t, k)
	host := k.host.(*creationHost)
	if len(host.created) == 0 || path.Base(host.created[0].Function) != "testing.tRunner" {
		t.Errorf("created at %v", host.created)
	}
	if text := h.String(); text != "<Handle done>" {
		t.Errorf("String afterwards: %s", text)
	}
	k.Close()
}

// creationHost notes where the callback that failed was created.
type creationHost struct {
	testHost
	t       *testing.T
	created []runtime.Frame
}

func (h *creationHost) CallbackFailed(_ *Handle, description string, created []uintptr, value any) {
	h.created = Frames(created)
	if strings.Contains(description, "created") {
		h.t.Errorf("the description is %s", description)
	}
	if fmt.Sprint(value) != "oops" {
		h.t.Errorf("the panic is %v", value)
	}
}
