package interop

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for another program before it gives up.
const patience = time.Minute

// run runs main on a loop. All that the loop reports fails the test, such as the error of a handler.
func run(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := task.Main(ctx, func(ctx context.Context) error {
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			t.Errorf("the loop reports: %s: %v", e.Message, e.Err)
		})
		return main(ctx)
	}, task.WithHandoff(tasktest.DefaultHandoff()))
	if err != nil {
		t.Error(err)
	}
}

// serve calls visit with the address of a server, on another goroutine than that of the server's loop. No client may be
// left when it returns.
func serve(t *testing.T, handler streams.Handler, visit func(ctx context.Context, address string) error, opts ...streams.Option) {
	t.Helper()
	run(t, func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, handler, "127.0.0.1:0", opts...)
		if err != nil {
			return err
		}
		defer server.Close()
		address := server.Addrs()[0].String()
		_, err = task.ToThread(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, visit(ctx, address) })
		aborted, failure := server.Shutdown(ctx, patience/2)
		if aborted > 0 {
			t.Errorf("%d clients do not leave", aborted)
		}
		return errors.Join(err, failure)
	})
}

// program returns the path of a program, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// output runs a program to its end, and returns what it wrote to standard output and error.
func output(ctx context.Context, command ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err = cmd.Run(); err != nil {
		err = errors.Join(err, errors.New(complaint.String()))
	}
	return out.String(), complaint.String(), err
}
