package task_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// recordsOf returns what log writes as JSON, one object for each record, without the time.
func recordsOf(t *testing.T, log func(*slog.Logger)) (records []map[string]any) {
	t.Helper()
	var buf bytes.Buffer
	log(slog.New(task.LogHandler(slog.NewJSONHandler(&buf, nil))))
	for d := json.NewDecoder(&buf); ; {
		var r map[string]any
		switch err := d.Decode(&r); err {
		case nil:
			delete(r, "time")
			delete(r, "level")
			records = append(records, r)
		case io.EOF:
			return records
		default:
			t.Fatal(err)
		}
	}
}

// addressOf is the address that the description of a loop has.
func addressOf(l *loop.Loop) string { return strings.Fields(l.String())[1] }

func TestLogHandlerNamesTheTask(t *testing.T) {
	var address string
	got := recordsOf(t, func(log *slog.Logger) {
		runTest(t, func(ctx context.Context) {
			l := loop.Running(ctx)
			address = addressOf(l)
			check.NoError(t, task.Go(ctx, func(ctx context.Context) error {
				log.InfoContext(ctx, "in a task", "k", 1)
				return task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
					derived, cancel := context.WithCancel(ctx)
					defer cancel()
					log.InfoContext(derived, "in a scope")
					log.Info("without a context")
					return nil
				})
			}, task.Name("a")).Join(ctx))
			log.InfoContext(context.Background(), "with another context")
			log.InfoContext(loop.NewContext(context.Background(), l), "in a callback")
			log.DebugContext(ctx, "not enabled")
		})
	})
	a := map[string]any{"task": "a", "loop": address}
	check.Equal(t, "log", fmt.Sprint(got), fmt.Sprint([]map[string]any{
		{"msg": "in a task", "k": 1, "asyncio": a},
		{"msg": "in a scope", "asyncio": a},
		{"msg": "without a context"},
		{"msg": "with another context"},
		{"msg": "in a callback"},
	}))
}

func TestLogHandlerStaysWithinTheGroupsOfTheLogger(t *testing.T) {
	var own any
	got := recordsOf(t, func(log *slog.Logger) {
		runTest(t, func(ctx context.Context) {
			own = map[string]any{"task": "main", "loop": addressOf(loop.Running(ctx))}
			log.With("a", 1).WithGroup("g").With("b", 2).InfoContext(ctx, "m", "c", 3)
		})
	})
	check.Equal(t, "log", fmt.Sprint(got), fmt.Sprint([]map[string]any{
		{"msg": "m", "a": 1, "g": map[string]any{"b": 2, "c": 3, "asyncio": own}},
	}))
}

func TestLogHandlerInAThread(t *testing.T) {
	got := recordsOf(t, func(log *slog.Logger) {
		runTest(t, func(ctx context.Context) {
			renamed := make(chan struct{})
			f := task.Go(ctx, func(ctx context.Context) error {
				_, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
					for done := false; !done; { // while the task is renamed
						select {
						case <-renamed:
							done = true
						default:
						}
						log.InfoContext(ctx, "in a thread")
					}
					return 0, nil
				})
				return err
			}, task.Name("name 0"))
			tick(ctx)
			for i := range 100 {
				f.SetName(fmt.Sprint("name ", i))
			}
			close(renamed)
			check.NoError(t, f.Join(ctx))
		})
	})
	check.True(t, "something was logged", len(got) > 0)
	last := got[len(got)-1]["asyncio"].(map[string]any)["task"]
	check.Equal(t, "the name in the end", last, any("name 99"))
}

// A record belongs to who made it, who may pass it to several handlers.
func TestLogHandlerLeavesTheRecordAlone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var r slog.Record
		r.Add("a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "g", 7) // more than fit into the record itself
		var first, second bytes.Buffer
		check.NoError(t, task.LogHandler(slog.NewTextHandler(&first, nil)).Handle(ctx, r))
		r.Add("h", 8)
		check.NoError(t, task.LogHandler(slog.NewTextHandler(&second, nil)).Handle(ctx, r))
		check.Contains(t, first.String(), "g=7 asyncio.task=main")
		check.Contains(t, second.String(), "h=8 asyncio.task=main")
	})
}

func TestLogHandlerFollowsTheRulesOfSlog(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for name, carries := range map[string]context.Context{"a task": ctx, "no task": context.Background()} {
			t.Run(name, func(t *testing.T) {
				var buf bytes.Buffer
				h := task.LogHandler(slog.NewJSONHandler(&buf, nil))
				err := slogtest.TestHandler(withContext{h, carries}, func() (results []map[string]any) {
					for line := range bytes.Lines(buf.Bytes()) {
						var r map[string]any
						check.NoError(t, json.Unmarshal(line, &r))
						withoutOwn(r)
						results = append(results, r)
					}
					return results
				})
				check.NoError(t, err)
			})
		}
	})
}

// withContext handles all records as if they had that context.
type withContext struct {
	slog.Handler
	ctx context.Context
}

func (h withContext) Handle(_ context.Context, r slog.Record) error {
	return h.Handler.Handle(h.ctx, r)
}
func (h withContext) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withContext{h.Handler.WithAttrs(attrs), h.ctx}
}
func (h withContext) WithGroup(name string) slog.Handler {
	return withContext{h.Handler.WithGroup(name), h.ctx}
}

// withoutOwn removes the group that LogHandler has added, and groups that had been empty.
func withoutOwn(r map[string]any) {
	delete(r, "asyncio")
	for k, v := range r {
		if g, ok := v.(map[string]any); ok {
			if withoutOwn(g); len(g) == 0 {
				delete(r, k)
			}
		}
	}
}

func TestLogHandlerOfNil(t *testing.T) {
	check.Is(t, check.Panics(t, func() { task.LogHandler(nil) }), loop.ErrInvalidArgument, "LogHandler")
}
