package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestReceiveOfWhatIsThereDoesNotSuspend(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ran := false
		loop.Running(ctx).CallSoon(func() { ran = true })
		ch := make(chan int, 1)
		ch <- 7
		v, ok, err := task.Receive(ctx, ch)
		check.NoError(t, err)
		check.Equal(t, "value", v, 7)
		check.Equal(t, "ok", ok, true)
		close(ch)
		v, ok, err = task.Receive(ctx, ch)
		check.NoError(t, err)
		check.Equal(t, "value", v, 0)
		check.Equal(t, "ok", ok, false)
		check.Equal(t, "an iteration has passed", ran, false)
	})
}

func TestReceiveWaitsWithoutBlockingTheLoop(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int)
		others := 0
		task.Go(ctx, func(ctx context.Context) error {
			others++
			go func() {
				ch <- 1
				close(ch)
			}()
			return nil
		})
		v, ok, err := task.Receive(ctx, ch)
		check.NoError(t, err)
		check.Equal(t, "value", v, 1)
		check.Equal(t, "ok", ok, true)
		check.Equal(t, "others ran", others, 1)
		_, ok, err = task.Receive(ctx, ch)
		check.NoError(t, err)
		check.Equal(t, "ok", ok, false)
	})
}

func TestReceiveThatIsCancelledTakesNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int, 1)
		tk := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := task.Receive(ctx, ch)
			return err
		})
		tick(ctx)
		tk.Cancel("no")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "no")
		ch <- 1
		check.Equal(t, "left in the channel", len(ch), 1)
	})
}

func TestReceiveIsCancelledAtOnce(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		input := make(chan []byte) // on which nothing ever comes
		tk := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := task.Receive(ctx, input)
			return err
		})
		tick(ctx)
		tk.Cancel()
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

// The value was received when the task is cancelled: it is returned, and the
// cancellation comes with the next await.
func TestReceiveLosesNothingWhenItIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int)
		var got int
		var next error
		tk := task.Go(ctx, func(ctx context.Context) error {
			v, _, err := task.Receive(ctx, ch)
			got = v
			next = task.Sleep(ctx, time.Hour)
			return err
		})
		tick(ctx)
		ch <- 5 // the goroutine has it when this returns
		tk.Cancel("late")
		_, err := tk.Await(ctx)
		check.Equal(t, "received", got, 5)
		check.NoError(t, err)
		check.Cancelled(t, next, "late")
	})
}

// A task that ends with what it received has a result: the cancellation came too late.
func TestReceiveAsTheLastAwaitOfATaskLosesNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int)
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			v, _, err := task.Receive(ctx, ch)
			return v, err
		})
		tick(ctx)
		ch <- 5
		tk.Cancel()
		gives(t, ctx, tk, 5)
	})
}

// What the task asks of itself afterwards is not too late.
func TestReceiveThatLostNothingAndThenCancelsItsTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int)
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			v, _, err := task.Receive(ctx, ch)
			task.Current(ctx).Cancel("by itself")
			return v, err
		})
		tick(ctx)
		ch <- 5
		tk.Cancel()
		check.Cancelled(t, second(tk.Await(ctx)), "by itself")
	})
}

func TestReceiveEndsWithItsContext(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancelCause(ctx)
		loop.Running(ctx).CallLater(time.Second, func() { cancel(errTest) })
		_, ok, err := task.Receive(derived, make(chan int))
		check.Is(t, err, errTest)
		check.Equal(t, "ok", ok, false)
		tick(ctx)
	})
}

// Whatever comes first, each value is received or still there.
func TestReceiveAndCancellationAtTheSameTimeLoseNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ch := make(chan int, 1)
		for i := range 500 {
			got := 0
			tk := task.Go(ctx, func(ctx context.Context) error {
				v, _, err := task.Receive(ctx, ch)
				got = v
				return err
			})
			tick(ctx)
			sent := make(chan struct{})
			go func() {
				ch <- i + 1
				close(sent)
			}()
			tk.Cancel()
			err := tk.Join(ctx)
			<-sent
			if err != nil {
				check.Cancelled(t, err, "")
				got = <-ch // or it would block for ever
			}
			check.Equal(t, "value", got, i+1)
		}
	})
}
