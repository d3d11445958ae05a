package task

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// LogHandler returns a handler that passes records on to h, and says which task each comes
// from: if the context of the record carries a task, it adds a group "asyncio" with the
// name of the task as "task" and the address of its loop, as [loop.Loop.String] has it, as
// "loop". They come after the attributes of the record, in the groups that the logger has
// opened.
//
//	slog.SetDefault(slog.New(task.LogHandler(slog.NewTextHandler(os.Stderr, nil))))
//	...
//	slog.InfoContext(ctx, "hello") // level=INFO msg=hello asyncio.task=Task-1 asyncio.loop=0xc000012345
//
// Functions in threads have the context of their task too. Any goroutine may use the
// handler, if it may use h. LogHandler panics if h is nil ([loop.ErrInvalidArgument]).
func LogHandler(h slog.Handler) slog.Handler {
	if h == nil {
		panic(fmt.Errorf("task: LogHandler: the handler is nil: %w", loop.ErrInvalidArgument))
	}
	return logHandler{h}
}

type logHandler struct{ next slog.Handler }

func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if t := sched.Running(ctx); t != nil {
		r = r.Clone() // the caller may go on with its own
		r.AddAttrs(slog.Attr{Key: "asyncio", Value: slog.GroupValue(
			slog.String("task", t.Name()), slog.String("loop", t.Sched().Address()))})
	}
	return h.next.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.next.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.next.WithGroup(name)}
}
