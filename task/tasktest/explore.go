package tasktest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// Explore runs fn under many schedules.
func Explore(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	s := newSettings(opts)
	search(t, fn, s)
}

// CancelEverywhere runs fn once for each place at which one of its tasks can be cancelled.
func CancelEverywhere(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	s := newSettings(opts)
	s.cancelOnly, s.cancel, s.search = true, true, Deepening()
	search(t, fn, s)
}

// search is what they have in common.
func search(t *testing.T, fn func(ctx context.Context, t *T), s settings) {
	t.Helper()
	labelled(t, &s, func() {
		start := time.Now()
		type todo struct {
			schedule choice.Schedule
		}
		queue := []choice.Schedule{nil}
		ran := 0
		for ; len(queue) > 0 && ran < s.schedules && time.Since(start) < s.budget; ran++ {
			schedule := queue[0]
			queue = queue[1:]
			o := explore1(t, fn, s, schedule, true)
			if o.failure != nil {
				explore1(t, fn, s, schedule, false)
				fmt.Fprintf(t.Output(), "schedule %d, after %v: %v\n", ran+1, time.Since(start), schedule)
				return
			}
			if s.cancelOnly && len(schedule) > 0 {
				continue
			}
			from := 0
			if n := len(schedule); n > 0 {
				from = schedule[n-1].Index + 1
			}
			for i := from; i < len(o.taken); i++ {
				for v := 1; v < o.taken[i].N; v++ {
					queue = append(queue, append(schedule[:len(schedule):len(schedule)], choice.Deviation{Index: i, Value: v}))
				}
			}
		}
		if len(queue) == 0 {
			t.Logf("complete: all %d schedules at level %v", ran, s.level)
		}
	})
}

// outcome is what a run under a schedule has shown.
type outcome struct {
	failure *failure
	taken   []choice.Taken
	digest  uint64
	trace   []traceLine
}

func explore1(t *testing.T, fn func(ctx context.Context, t *T), s settings, schedule choice.Schedule, quiet bool) outcome {
	r := newRun(t, s)
	r.quiet = quiet
	e := &explorer{run: r}
	e.recorder.Source = schedule.Replay()
	r.explorer = e
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.do(fn)
	}()
	<-done
	return outcome{r.failure, e.recorder.Taken, e.digest, e.trace.lines}
}

var _ loop.Executor
