package streams

import (
	"context"
	"sync"
	"testing"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// What a message costs in objects: what is handed to the program, and nothing else.
func TestMessagesAllocateOnlyWhatTheReaderGets(t *testing.T) {
	if testing.AllocsPerRun(1, func() { kernel.Goroutine() }) > 0 {
		t.Skip("on this processor telling goroutines apart allocates")
	}
	transports := map[string]func(ctx context.Context, t *testing.T) (left, right End){
		"pair": func(ctx context.Context, t *testing.T) (left, right End) {
			left, right, _ = Pair(ctx)
			return left, right
		},
		"TCP": func(ctx context.Context, t *testing.T) (left, right End) {
			if poolForgets() {
				t.Skip("the race detector makes sync.Pool forget, at random, what it was given")
			}
			client, server := tcpPair(t)
			var err error
			if left.R, left.W, err = FromConn(ctx, client); err != nil {
				t.Fatal(err)
			}
			if right.R, right.W, err = FromConn(ctx, server); err != nil {
				t.Fatal(err)
			}
			return left, right
		},
	}
	message := append(make([]byte, 63), '\n')
	into := make([]byte, len(message))
	reads := map[string]struct {
		read func(ctx context.Context, r *Reader) error
		want float64
	}{
		"ReadInto": {func(ctx context.Context, r *Reader) error { _, err := r.ReadInto(ctx, into); return err }, 0},
		"Read":     {func(ctx context.Context, r *Reader) error { _, err := r.Read(ctx, len(message)); return err }, 1},
		"ReadExactly": {func(ctx context.Context, r *Reader) error {
			_, err := r.ReadExactly(ctx, len(message))
			return err
		}, 1},
		"ReadLine": {func(ctx context.Context, r *Reader) error { _, err := r.ReadLine(ctx); return err }, 1},
	}
	writes := map[string]func(ctx context.Context, w *Writer) error{
		"Write":    func(_ context.Context, w *Writer) error { _, err := w.Write(message); return err },
		"WriteAll": func(ctx context.Context, w *Writer) error { return w.WriteAll(ctx, message) },
		"Drain": func(ctx context.Context, w *Writer) error {
			if _, err := w.Write(message); err != nil {
				return err
			}
			return w.Drain(ctx)
		},
	}
	for transport, open := range transports {
		for reading, c := range reads {
			for writing, write := range writes {
				t.Run(transport+"/"+writing+"/"+reading, func(t *testing.T) {
					run(t, func(ctx context.Context) error {
						left, right := open(ctx, t)
						defer left.W.Close()
						defer right.W.Close()
						n := testing.AllocsPerRun(100, func() {
							// The message has not arrived yet, so the reader waits for it.
							if err := write(ctx, left.W); err != nil {
								t.Error(err)
							}
							if err := c.read(ctx, right.R); err != nil {
								t.Error(err)
							}
						})
						if n != c.want {
							t.Errorf("%v allocations, want %v", n, c.want)
						}
						return nil
					})
				})
			}
		}
	}
}

// poolForgets reports whether a pool loses things though nothing is short.
func poolForgets() bool {
	var pool sync.Pool
	for range 100 {
		pool.Put(new(int))
		if pool.Get() == nil {
			return true
		}
	}
	return false
}
