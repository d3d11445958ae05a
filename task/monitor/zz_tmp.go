package monitor

// to be replaced when merged: watch's send, snap's symbols
import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

func (w *watched) send(run, drop func()) bool {
	s := &sent{run: run, drop: drop}
	s.handle.Init(kernel.OnLoopGoroutine, s)
	return w.loop.Kernel().Post(&s.handle)
}

type sent struct {
	handle    kernel.Handle
	run, drop func()
}

func (s *sent) Run()         { s.run() }
func (s *sent) Drop()        { s.drop() }
func (*sent) String() string { return "a monitor" }

func calledIn(stack []runtime.Frame) string {
	in := ""
	for _, f := range stack {
		if !strings.HasPrefix(f.Function, "github.com/goasyncio/asyncio/") || strings.Contains(f.Function, "_test") || strings.Contains(f.Function, "monitor") {
			break
		}
		in = f.Function
	}
	if i := strings.IndexByte(in, '['); i >= 0 {
		in = in[:i] + in[strings.LastIndexByte(in, ']')+1:]
	}
	if in == "" {
		return ""
	}
	return strings.ReplaceAll(path.Base(in), "(*queue)", "(*Queue)")
}

func newFrames(stack []runtime.Frame) (frames []Frame) {
	for _, f := range stack {
		frames = append(frames, Frame{Func: path.Base(f.Function), File: f.File, Line: f.Line})
	}
	return frames
}

func (w *watched) describe(t *sched.Task) *Task {
	return &Task{ID: uint64(t.Serial()), Loop: w.number, Name: t.Name(), State: StateWaiting, Cancelling: t.Cancelling(),
		Created: newFrames(kernel.Frames(t.Created()))}
}

func lasting(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
