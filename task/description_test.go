package task_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/goasyncio/asyncio/task"
)

type client struct{ name string }

func (c *client) load(context.Context) (string, error) { return c.name, nil }
func (c *client) close(context.Context) error          { return nil }

func fetch[T any](context.Context) (v T, err error) { return v, nil }

func TestTaskDescriptionNamesTheFunctionOfTheProgram(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		c := &client{"a"}
		for _, test := range []struct {
			name string
			task task.Any
			coro string
		}{
			{"Create", task.Create(ctx, seven), `task_test\.seven at \w+\.go:\d+`},
			{"Coro", task.Create(ctx, task.Coro(seven)), `task_test\.seven at \w+\.go:\d+`},
			{"Go", task.Go(ctx, sleepsLong), `task_test\.sleepsLong at \w+\.go:\d+`},
			{"Void", task.Create(ctx, task.Void(sleepsLong)), `task_test\.sleepsLong at \w+\.go:\d+`},
			{"closure", task.Go(ctx, func(context.Context) error { return nil }), `task_test\.TestTaskDescription\w+\.func1\.1 at description_test\.go:\d+`},
			{"method", task.Create(ctx, c.load), `task_test\.\(\*client\)\.load`},
			{"method without a result", task.Go(ctx, c.close), `task_test\.\(\*client\)\.close`},
			{"Void of a method", task.Create(ctx, task.Void(c.close)), `task_test\.\(\*client\)\.close`},
			{"generic function", task.Create(ctx, fetch[int]), `task_test\.fetch\[\.\.\.\] at description_test\.go:\d+`},
		} {
			if text := test.task.String(); !regexp.MustCompile(`coro=<` + test.coro + `>`).MatchString(text) {
				t.Errorf("%s: %s does not match %s", test.name, text, test.coro)
			}
			test.task.Cancel()
		}
	})
}
