package debughttp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// running serves a monitor of a loop that runs coro, and calls client off the loop.
func running(t *testing.T, coro func(ctx context.Context, client func() error) error, client func(get func(path string) (int, string)) error) {
	t.Helper()
	m := monitor.New()
	defer m.Close()
	s := httptest.NewServer(debughttp.Handler(m, debughttp.Prefix("/"), debughttp.AllowCancel()))
	defer s.Close()
	get := func(path string) (int, string) {
		r, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		check.NoError(t, err)
		return r.StatusCode, string(body)
	}
	err := task.Main(t.Context(), func(ctx context.Context) error {
		return coro(ctx, func() error { return client(get) })
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}

// inThread calls fn off the loop, which runs meanwhile.
func inThread(ctx context.Context, fn func() error) error {
	_, err := task.ToThread(ctx, func(context.Context) (struct{}, error) { return struct{}{}, fn() })
	return err
}

func TestHandlerShowsARunningLoop(t *testing.T) {
	running(t, func(ctx context.Context, client func() error) error {
		forever := future.New[int](loop.Running(ctx))
		waiting := task.Create(ctx, func(ctx context.Context) (int, error) { return forever.Await(ctx) }, task.Name("waiting"))
		err := inThread(ctx, client)
		waiting.Cancel()
		_, _ = waiting.Await(ctx)
		return err
	}, func(get func(string) (int, string)) error {
		_, tree := get("/tree")
		check.Contains(t, tree, "Task-1 in ", "waiting in ", " at blocked_test.go:")
		_, table := get("/tasks?format=text")
		check.Contains(t, table, "future.(*Future).Await", "debughttp_test.TestHandlerShowsARunningLoop.")
		_, stacks := get("/stacks")
		check.Contains(t, stacks, "debughttp_test.TestHandlerShowsARunningLoop.")
		status, stack := get("/stacks?task=2&format=text")
		check.Equal(t, "status", status, http.StatusOK)
		check.Contains(t, stack, "blocked_test.go:")
		_, stats := get("/stats")
		check.Contains(t, stats, `"tasksCreated":2`)
		return nil
	})
}

func TestHandlerShowsAStuckSet(t *testing.T) {
	running(t, func(ctx context.Context, client func() error) error {
		var a, b *task.Task[int]
		a = task.Create(ctx, func(ctx context.Context) (int, error) { return b.Await(ctx) }, task.Name("a"))
		b = task.Create(ctx, func(ctx context.Context) (int, error) { return a.Await(ctx) }, task.Name("b"))
		check.NoError(t, task.Sleep(ctx, 0)) // they begin
		err := inThread(ctx, client)
		a.Cancel()
		_, _ = b.Await(ctx)
		return err
	}, func(get func(string) (int, string)) error {
		_, tree := get("/tree")
		check.Contains(t, tree, "stuck: a → b → a   (none can finish")
		_, stuck := get("/stuck")
		check.Contains(t, stuck, `"name":"a"`, `"name":"b"`)
		return nil
	})
}

// The loop goes on only when all is answered: who waited for it would wait forever.
func TestHandlerDoesNotWaitForABlockedLoop(t *testing.T) {
	running(t, func(_ context.Context, client func() error) error {
		return client() // on the loop
	}, func(get func(string) (int, string)) error {
		for _, path := range []string{"/", "/loops", "/stats", "/tasks", "/tree", "/groups", "/stacks", "/stacks?task=1", "/stuck", "/incidents"} {
			status, body := get(path)
			check.True(t, path+": "+body, status == http.StatusOK || status == http.StatusServiceUnavailable)
		}
		return nil
	})
}

func TestHandlerShowsABlockedLoopAsItWas(t *testing.T) {
	running(t, func(ctx context.Context, client func() error) error {
		if err := inThread(ctx, client); err != nil { // a snapshot is taken
			return err
		}
		return client()
	}, func(get func(string) (int, string)) error {
		var tasks debughttp.Tasks
		status, body := get("/tasks")
		check.Equal(t, "status", status, http.StatusOK)
		check.NoError(t, json.Unmarshal([]byte(body), &tasks))
		check.Equal(t, "tasks", tasks.Total, 1)
		check.True(t, "age", time.Duration(tasks.Age*float64(time.Second)) >= 0)
		return nil
	})
}

func TestHandlerCancelsATask(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	s := httptest.NewServer(debughttp.Handler(m, debughttp.AllowCancel()))
	defer s.Close()
	err := task.Main(t.Context(), func(ctx context.Context) error {
		forever := future.New[int](loop.Running(ctx))
		waiting := task.Create(ctx, func(ctx context.Context) (int, error) { return forever.Await(ctx) }, task.Name("waiting"))
		err := inThread(ctx, func() error {
			for name, status := range map[string]int{"other": http.StatusNotFound, "waiting": http.StatusOK} {
				body, write := io.Pipe()
				go func() {
					_ = write.CloseWithError(json.NewEncoder(write).Encode(debughttp.Cancel{Loop: 1, Task: 2, Name: name}))
				}()
				r, err := s.Client().Post(s.URL+"/debug/asyncio/cancel", "application/json", body)
				if err != nil {
					return err
				}
				check.Equal(t, "status for "+name, r.StatusCode, status)
				_ = r.Body.Close()
			}
			return nil
		})
		check.NoError(t, err)
		_, err = waiting.Await(ctx)
		check.Is(t, err, future.ErrCancelled, "cancelled by 127.0.0.1:", "through the debug handler")
		return nil
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}
