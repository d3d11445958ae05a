package streams_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
	"github.com/goasyncio/asyncio/timers"
)

// A test of a slow network that takes no time: what is sent arrives half a minute later,
// by a clock that jumps. Of a read that timed out nothing is lost.
func ExamplePair() {
	clock := loop.WithClock(timers.NewVirtual(time.Time{}))
	err := task.Main(context.Background(), func(ctx context.Context) error {
		client, server, _ := streams.Pair(ctx, streams.Latency(30*time.Second))
		defer client.W.Close()
		task.Go(ctx, func(ctx context.Context) error {
			defer server.W.Close()
			question, err := server.R.ReadLine(ctx)
			fmt.Printf("%s server: %s", timeOfDay(ctx), question)
			if err != nil {
				return err
			}
			return server.W.WriteAll(ctx, []byte("it is resting\n"))
		})

		if err := client.W.WriteAll(ctx, []byte("how is the parrot?\n")); err != nil {
			return err
		}
		_, err := task.WaitFor(ctx, task.Coro(client.R.ReadLine), 45*time.Second)
		fmt.Println(timeOfDay(ctx), "client: in time:", !errors.Is(err, context.DeadlineExceeded))
		answer, err := client.R.ReadLine(ctx)
		fmt.Printf("%s client: %s", timeOfDay(ctx), answer)
		return err
	}, task.WithLoopOptions(clock))
	if err != nil {
		fmt.Println("error:", err)
	}
	// Output:
	// 00:00:30 server: how is the parrot?
	// 00:00:45 client: in time: false
	// 00:01:00 client: it is resting
}

// timeOfDay is the time of day by the loop's clock.
func timeOfDay(ctx context.Context) string {
	return loop.Running(ctx).Time().UTC().Format(time.TimeOnly)
}

// A network that fails. Code under test cannot tell it from a real one.
func ExampleLink_Reset() {
	run(func(ctx context.Context) error {
		client, server, link := streams.Pair(ctx)
		defer client.W.Close()
		defer server.W.Close()
		if err := server.W.WriteAll(ctx, []byte("half a li")); err != nil {
			return err
		}
		reading := task.Create(ctx, client.R.ReadLine)
		for client.R.Buffered() == 0 {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		link.Reset(errors.New("somebody has stumbled over the cable"))
		_, err := reading.Await(ctx)
		fmt.Println(err)
		fmt.Printf("left: %q\n", client.R.Peek())
		return nil
	})
	// Output:
	// somebody has stumbled over the cable
	// left: "half a li"
}
