package sched_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// notedLog keeps what is logged, and tells of each message.
type notedLog struct {
	text  bytes.Buffer
	noted chan struct{}
}

func (l *notedLog) Write(text []byte) (int, error) {
	n, err := l.text.Write(text)
	l.noted <- struct{}{}
	return n, err
}

// A deferred function that waits for what never comes would make Close hang without a
// word. It is named, and once.
func TestCloseSaysWhichTaskItWaitsFor(t *testing.T) {
	for name, handoff := range map[string]task.Handoff{"channels": task.Channels, "pull": task.IterPull} {
		t.Run(name, func(t *testing.T) {
			log := &notedLog{noted: make(chan struct{}, 10)}
			l := loop.New(loop.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
			l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // of destroyed tasks
			task.SetHandoff(l, handoff)
			sched.Of(l.Kernel()).SetPatience(time.Nanosecond)
			release := make(chan struct{})
			_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
				task.Go(ctx, func(ctx context.Context) error {
					defer func() { <-release }()
					return task.Sleep(ctx, time.Hour)
				}, task.Name("slow one"))
				return task.Yield(ctx)
			}))
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				<-log.noted
				close(release)
			}()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			got := log.text.String()
			if strings.Count(got, "Close has waited") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "slow one") || !strings.Contains(got, "close_test.go") {
				t.Errorf("the log has %q", got)
			}
		})
	}
}
