// Package streamtest checks that two connected streams behave as streams must, whatever
// carries their bytes. It is for tests of connections that a program provides: a net.Conn
// of its own, a tunnel, a multiplexer.
package streamtest

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// Check runs a battery of subtests, each on a loop of its own and with new streams, which
// makePair connects to each other. They transfer lines, blocks and megabytes in both
// directions; end one direction, if that can be done; write faster than the other end
// reads; cancel reads; close, abort, and close again; and leave streams open when the loop
// is closed. None depends on how many iterations anything takes.
//
// What one end writes must arrive at the other without any further action, and no more
// than some megabytes may be on their way. After trio's check_half_closeable_stream; asyncio
// has nothing of the kind.
func Check(t *testing.T, makePair func(ctx context.Context) (a, b streams.End, err error)) {
	checkWith(t, makePair)
}

func checkWith(t *testing.T, makePair func(ctx context.Context) (a, b streams.End, err error), opts ...task.RunOption) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, direction := range []string{"a to b", "b to a"} {
				if err := play(makePair, direction == "b to a", c, opts); err != nil {
					t.Errorf("%s: %v", direction, err)
				}
			}
		})
	}
}

// A check lets a do something and looks at what becomes of it at b.
type check struct {
	name string
	do   func(ctx context.Context, a, b streams.End) error
	open bool // it leaves the streams to the loop
}

// patience is how long a check may take. It takes milliseconds, unless something hangs.
const patience = time.Minute

func play(makePair func(ctx context.Context) (a, b streams.End, err error), swapped bool, c check, opts []task.RunOption) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return task.Main(ctx, func(ctx context.Context) error {
		a, b, err := makePair(ctx)
		if err != nil {
			return err
		}
		if swapped {
			a, b = b, a
		}
		if !c.open {
			defer a.W.Abort()
			defer b.W.Abort()
		}
		return c.do(ctx, a, b)
	}, opts...)
}
