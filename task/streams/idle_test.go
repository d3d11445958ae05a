package streams

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// idlePair runs fn with a pair on a virtual clock, whose left end has an idle timeout of a
// minute. It returns how long fn took.
func idlePair(t *testing.T, fn func(ctx context.Context, left, right End) error, opts ...PairOption) (took time.Duration) {
	t.Helper()
	runVirtually(t, func(ctx context.Context) error {
		l := loop.Running(ctx)
		begin := l.Time()
		left, right, _ := Pair(ctx, opts...)
		left.W.conn.watchIdle(time.Minute)
		err := fn(ctx, left, right)
		took = l.Time().Sub(begin)
		return err
	})
	return took
}

// idleEnded checks the errors of a connection that was idle for too long.
func idleEnded(t *testing.T, ctx context.Context, end End) {
	t.Helper()
	_, readErr := end.R.Read(ctx, 1)
	for operation, err := range map[string]error{
		"Read":       readErr,
		"WaitClosed": end.W.WaitClosed(ctx),
		"Drain":      end.W.Drain(ctx),
		"Err":        end.R.Err(),
	} {
		var limit *future.TimeoutError
		if !errors.Is(err, future.ErrTimeout) || !errors.As(err, &limit) || limit.After != time.Minute {
			t.Errorf("%s: the error is %v", operation, err)
		} else if !strings.Contains(err.Error(), "IdleTimeout") {
			t.Errorf("%s: the text is %q", operation, err)
		}
	}
	if _, err := end.W.Write([]byte("x")); !errors.Is(err, ErrConnectionLost) || !errors.Is(err, future.ErrTimeout) {
		t.Errorf("Write: the error is %v", err)
	}
}

func TestIdleTimeoutEndsAConnectionOnWhichNothingHappens(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		idleEnded(t, ctx, left)
		if _, err := right.R.Read(ctx, 1); err != io.EOF {
			t.Errorf("the other side: %v", err)
		}
		return nil
	})
	if took != time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutBeginsAgainWithEachByte(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		for i := range 10 {
			if err := task.Sleep(ctx, 50*time.Second); err != nil {
				return err
			}
			from := []End{left, right}[i%2]
			if _, err := from.W.Write([]byte("x")); err != nil {
				return err
			}
		}
		for {
			if _, err := left.R.Read(ctx, 9); err != nil {
				idleEnded(t, ctx, left)
				return nil
			}
		}
	})
	if took != 10*50*time.Second+time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutIsNotForTheEndOfTheStream(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		if err := task.Sleep(ctx, 50*time.Second); err != nil {
			return err
		}
		if err := right.W.WriteEOF(); err != nil {
			return err
		}
		if err := left.W.WaitClosed(ctx); !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	if took != time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutEndsAConnectionWhoseReceiverTakesNothing(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		right.R.Pause()
		for range 3 { // what is kept does not count
			if _, err := left.W.Write(make([]byte, 1000)); err != nil {
				return err
			}
			if err := task.Sleep(ctx, 19*time.Second); err != nil {
				return err
			}
		}
		if left.W.WriteBufferSize() == 0 {
			t.Error("nothing is kept")
		}
		idleEnded(t, ctx, left)
		return nil
	}, Window(1000))
	if took != time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutEndsACloseThatCannotEnd(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		right.R.Pause()
		if _, err := left.W.Write(make([]byte, 3000)); err != nil {
			return err
		}
		left.W.Close()
		if err := left.W.WaitClosed(ctx); !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	}, Window(1000))
	if took != time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutCountsWhatIsSentLater(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		right.R.Pause()
		if _, err := left.W.Write(make([]byte, 2000)); err != nil {
			return err
		}
		if err := task.Sleep(ctx, 50*time.Second); err != nil {
			return err
		}
		right.R.Resume()
		if err := left.W.WaitClosed(ctx); !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	}, Window(1000))
	if took != 110*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutCountsWhatTheSystemSendsOfAFile(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		left.W.conn.transfer = new(transfer)
		if err := task.Sleep(ctx, 50*time.Second); err != nil {
			return err
		}
		left.W.conn.transfer.progress.Store(true)
		if err := left.W.WaitClosed(ctx); !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	if took != 2*time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutEndsWithTheConnection(t *testing.T) {
	took := idlePair(t, func(ctx context.Context, left, right End) error {
		watch := left.W.conn.idle
		left.W.Close()
		if err := left.W.WaitClosed(ctx); err != nil {
			return err
		}
		if left.W.conn.idle != nil || !watch.timer.Cancelled() {
			t.Error("the closed connection is still watched")
		}
		return task.Sleep(ctx, time.Hour)
	})
	if took != time.Hour {
		t.Errorf("it took %v", took)
	}
}

func TestIdleTimeoutIsAnOption(t *testing.T) {
	idle := IdleTimeout(time.Millisecond)
	for name, open := range map[string]func(ctx context.Context) (*Reader, *Writer, error){
		"OpenConnection": func(ctx context.Context) (*Reader, *Writer, error) {
			c, peer := newConnectConn()
			t.Cleanup(func() { peer.Close() })
			d := &connectDialer{dial: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
			return OpenConnection(ctx, "h:80", Dial(d), idle)
		},
		"FromConn": func(ctx context.Context) (*Reader, *Writer, error) {
			c, peer := newConnectConn()
			t.Cleanup(func() { peer.Close() })
			return FromConn(ctx, c, idle)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				r, _, err := open(ctx)
				if err != nil {
					return err
				}
				if _, err := r.Read(ctx, 1); !errors.Is(err, future.ErrTimeout) {
					t.Errorf("the error is %v", err)
				}
				return nil
			})
		})
	}
	run(t, func(ctx context.Context) error {
		c, peer := newConnectConn()
		defer peer.Close()
		_, w, err := FromConn(ctx, c, IdleTimeout(0))
		if err != nil {
			return err
		}
		if w.conn.idle != nil {
			t.Error("there is a limit of 0")
		}
		if l := loop.Running(ctx); w.Loop() != l {
			t.Error("it has another loop")
		}
		return w.Close()
	})
}
