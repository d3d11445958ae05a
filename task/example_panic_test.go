package task_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/task"
)

type directory struct{ users map[string]int }

func (d *directory) load(ctx context.Context) error {
	d.users["alice"] = 1
	return nil
}

// A panic ends its task and nothing else. It is the task's exception, which says
// where it was.
func ExamplePanicError() {
	runVirtually(func(ctx context.Context) error {
		err := task.Go(ctx, new(directory).load).Join(ctx)
		fmt.Println(err)

		var p *task.PanicError
		fmt.Println("the stack is there:", errors.As(err, &p) && len(p.Stack) > 0)
		return nil
	})
	// Output:
	// panic: assignment to entry in nil map [task_test.(*directory).load at example_panic_test.go:14]
	// the stack is there: true
}
