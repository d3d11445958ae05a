package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

var checks = []check{
	{name: "message", do: message},
	{name: "read_exactly", do: readExactly},
	{name: "lines", do: lines},
	{name: "separators", do: separators},
	{name: "read_into", do: readInto},
	{name: "IO", do: plainIO},
	{name: "echo", do: echo},
	{name: "much_in_both_directions", do: bothWays},
	{name: "write_and_close", do: writeAndClose},
	{name: "half_close", do: halfClose},
	{name: "flow_control", do: flowControl},
	{name: "pause", do: pause},
	{name: "cancelled_reads", do: cancelledReads},
	{name: "cancelled_read_all", do: cancelledReadAll},
	{name: "two_readers", do: twoReaders},
	{name: "own_close_ends_a_read", do: ownCloseEndsARead},
	{name: "close_ends_a_read_of_the_other", do: closeEndsARead},
	{name: "closed_twice", do: closedTwice},
	{name: "write_after_close", do: writeAfterClose},
	{name: "wait_closed_of_several", do: waitClosedOfSeveral},
	{name: "abort", do: abort},
	{name: "abort_of_much_unsent", do: abortOfMuchUnsent},
	{name: "write_to_a_closed_end", do: writeToAClosedEnd},
	{name: "left_open", do: leftOpen, open: true},
}

// pattern returns n bytes of which no two parts look alike.
func pattern(n int) []byte {
	p := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 0))
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

// equal says what is wrong with what was read.
func equal(what string, got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Errorf("%s: %d bytes, different from the %d expected at offset %d", what, len(got), len(want), at)
}

// expect says that err, which comes from what, is none of the wanted ones.
func expect(what string, err error, wanted ...error) error {
	for _, w := range wanted {
		if errors.Is(err, w) {
			return nil
		}
	}
	return fmt.Errorf("%s: the error is %v, want one of %v", what, err, wanted)
}

// start runs fn in a task, until it waits for the first time.
func start(ctx context.Context, fn func(ctx context.Context) error) (*task.Task[struct{}], error) {
	t := task.Go(ctx, fn)
	return t, task.Yield(ctx)
}

// atEOF checks that a stream is at its end, and says so each time.
func atEOF(ctx context.Context, r *streams.Reader) error {
	for range 2 {
		if p, err := r.Read(ctx, 10); len(p) > 0 || err != io.EOF {
			return fmt.Errorf("read at the end: %q, %v", p, err)
		}
		if p, err := r.ReadLine(ctx); len(p) > 0 || err != io.EOF {
			return fmt.Errorf("ReadLine at the end: %q, %v", p, err)
		}
		if p, err := r.ReadAll(ctx); len(p) > 0 || err != nil {
			return fmt.Errorf("ReadAll at the end: %q, %v", p, err)
		}
		_, err := r.ReadExactly(ctx, 1)
		if err := expect("ReadExactly at the end", err, io.ErrUnexpectedEOF); err != nil {
			return err
		}
	}
	if !r.AtEOF() {
		return errors.New("AtEOF is false at the end")
	}
	return nil
}

// closing closes an end and waits for that.
func closing(ctx context.Context, e streams.End) error {
	if err := e.W.Close(); err != nil {
		return err
	}
	return e.W.WaitClosed(ctx)
}

func message(ctx context.Context, a, b streams.End) error {
	want := pattern(100)
	if n, err := a.W.Write(want); n != len(want) || err != nil {
		return fmt.Errorf("write returned %d, %v", n, err)
	}
	var got []byte
	for len(got) < len(want) {
		p, err := b.R.Read(ctx, 64)
		if err != nil {
			return err
		}
		if len(p) == 0 || len(p) > 64 {
			return fmt.Errorf("read of 64 returned %d bytes", len(p))
		}
		got = append(got, p...)
	}
	return equal("what was read", got, want)
}

func readExactly(ctx context.Context, a, b streams.End) error {
	want := pattern(1000)
	writer, err := start(ctx, func(ctx context.Context) error { return a.W.WriteAll(ctx, want) })
	if err != nil {
		return err
	}
	for rest := want; len(rest) > 0; rest = rest[100:] {
		got, err := b.R.ReadExactly(ctx, 100)
		if err != nil {
			return err
		}
		if err := equal("what was read", got, rest[:100]); err != nil {
			return err
		}
	}
	return writer.Join(ctx)
}

func lines(ctx context.Context, a, b streams.End) error {
	want := []string{"one\n", "\n", "a longer one, with \x00 and \xff\n", "the last has no newline"}
	for _, line := range want {
		if _, err := a.W.Write([]byte(line)); err != nil {
			return err
		}
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	i := 0
	for line, err := range b.R.Lines(ctx) {
		if err != nil {
			return err
		}
		if i == len(want) || string(line) != want[i] {
			return fmt.Errorf("line %d is %q", i, line)
		}
		i++
	}
	if i != len(want) {
		return fmt.Errorf("there were %d lines, want %d", i, len(want))
	}
	return atEOF(ctx, b.R)
}

func separators(ctx context.Context, a, b streams.End) error {
	if err := a.W.WriteLines([]byte("key"), nil, []byte(": value\r"), []byte("\nrest")); err != nil {
		return err
	}
	for _, want := range []string{"key: ", "value\r\n"} {
		got, err := b.R.ReadUntil(ctx, []byte(": "), []byte("\r\n"))
		if err != nil {
			return err
		}
		if err := equal("what was read", got, []byte(want)); err != nil {
			return err
		}
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	_, err := b.R.ReadUntil(ctx, []byte("\r\n"))
	var incomplete *streams.IncompleteReadError
	if !errors.As(err, &incomplete) || string(incomplete.Partial) != "rest" {
		return fmt.Errorf("ReadUntil at the end: %v", err)
	}
	return nil
}

func readInto(ctx context.Context, a, b streams.End) error {
	want := pattern(1000)
	if err := a.W.WriteAll(ctx, want); err != nil {
		return err
	}
	got := make([]byte, 0, 2000)
	for len(got) < len(want) {
		n, err := b.R.ReadInto(ctx, got[len(got):min(len(got)+77, cap(got))])
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("ReadInto read nothing")
		}
		got = got[:len(got)+n]
	}
	return equal("what was read", got, want)
}

func plainIO(ctx context.Context, a, b streams.End) error {
	want := pattern(300 << 10)
	writer, err := start(ctx, func(ctx context.Context) error {
		if n, err := io.Copy(a.W.IO(ctx), bytes.NewReader(want)); n != int64(len(want)) || err != nil {
			return fmt.Errorf("io.Copy to the writer: %d, %v", n, err)
		}
		return a.W.Close()
	})
	if err != nil {
		return err
	}
	got, err := io.ReadAll(b.R.IO(ctx))
	if err != nil {
		return err
	}
	if err := equal("what was read", got, want); err != nil {
		return err
	}
	return writer.Join(ctx)
}

// echoing sends back what arrives until the end.
func echoing(e streams.End) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for {
			p, err := e.R.Read(ctx, 4096)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := e.W.WriteAll(ctx, p); err != nil {
				return err
			}
		}
	}
}

func echo(ctx context.Context, a, b streams.End) error {
	server, err := start(ctx, echoing(b))
	if err != nil {
		return err
	}
	for _, size := range []int{1, 2, 1000, 1, 20000} {
		want := pattern(size)
		if err := a.W.WriteAll(ctx, want); err != nil {
			return err
		}
		got, err := a.R.ReadExactly(ctx, size)
		if err != nil {
			return err
		}
		if err := equal("the echo", got, want); err != nil {
			return err
		}
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	return server.Join(ctx)
}

func bothWays(ctx context.Context, a, b streams.End) error {
	want := pattern(1 << 20)
	return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
		for _, e := range []streams.End{a, b} {
			g.Go(func(ctx context.Context) error { return e.W.WriteAll(ctx, want) })
			g.Go(func(ctx context.Context) error {
				got, err := e.R.ReadExactly(ctx, len(want))
				if err != nil {
					return err
				}
				return equal("what was read", got, want)
			})
		}
		return nil
	})
}

// What was written before Close is sent.
func writeAndClose(ctx context.Context, a, b streams.End) error {
	for _, size := range []int{0, 1, 600 << 10} {
		if size > 0 {
			if _, err := a.W.Write(pattern(size)); err != nil {
				return err
			}
		}
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	got, err := b.R.ReadAll(ctx)
	if err != nil {
		return err
	}
	if err := equal("what was read", got, append(pattern(1), pattern(600<<10)...)); err != nil {
		return err
	}
	if err := atEOF(ctx, b.R); err != nil {
		return err
	}
	if err := closing(ctx, b); err != nil {
		return err
	}
	return a.W.WaitClosed(ctx)
}

func halfClose(ctx context.Context, a, b streams.End) error {
	if !a.W.CanWriteEOF() {
		return expect("WriteEOF", a.W.WriteEOF(), errors.ErrUnsupported)
	}
	request, answer := pattern(400<<10), pattern(300<<10)
	if _, err := a.W.Write(request); err != nil {
		return err
	}
	for range 2 {
		if err := a.W.WriteEOF(); err != nil {
			return err
		}
	}
	if _, err := a.W.Write([]byte("more")); err == nil || a.W.IsClosing() {
		return fmt.Errorf("write after WriteEOF: %v", expect("Write", err, streams.ErrWriteAfterEOF))
	}
	got, err := b.R.ReadAll(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(equal("the request", got, request), atEOF(ctx, b.R)); err != nil {
		return err
	}
	if b.W.IsClosing() {
		return errors.New("the end of one direction has closed the other")
	}
	writer, err := start(ctx, func(ctx context.Context) error {
		if err := b.W.WriteAll(ctx, answer); err != nil {
			return err
		}
		return closing(ctx, b)
	})
	if err != nil {
		return err
	}
	got, err = a.R.ReadAll(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(equal("the answer", got, answer), atEOF(ctx, a.R), writer.Join(ctx)); err != nil {
		return err
	}
	return closing(ctx, a)
}

// enough is more than can be on its way.
const enough = 64 << 20

// fill writes until more is kept than the high-water mark.
func fill(ctx context.Context, w *streams.Writer) (written int, err error) {
	_, high := w.WriteBufferLimits()
	for w.WriteBufferSize() <= high {
		n, err := w.Write(make([]byte, 32<<10))
		if err != nil {
			return 0, err
		}
		if written += n; written > enough {
			return 0, fmt.Errorf("%d bytes are on their way, and nobody reads", written)
		}
		if err := task.Yield(ctx); err != nil {
			return 0, err
		}
	}
	return written, nil
}

func flowControl(ctx context.Context, a, b streams.End) error {
	written, err := fill(ctx, a.W)
	if err != nil {
		return err
	}
	drains := make([]*task.Task[struct{}], 3)
	for i := range drains {
		drains[i] = task.Go(ctx, a.W.Drain)
	}
	reader, err := start(ctx, func(ctx context.Context) error {
		for left, p := written, make([]byte, 10000); left > 0; {
			n, err := b.R.ReadInto(ctx, p[:min(len(p), left)])
			if err != nil {
				return err
			}
			left -= n
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range drains {
		if err := d.Join(ctx); err != nil {
			return err
		}
	}
	return reader.Join(ctx)
}

// Pause and Resume lose nothing.
func pause(ctx context.Context, a, b streams.End) error {
	want := pattern(500 << 10)
	writer, err := start(ctx, func(ctx context.Context) error {
		if err := a.W.WriteAll(ctx, want); err != nil {
			return err
		}
		return a.W.Close()
	})
	if err != nil {
		return err
	}
	var got []byte
	for {
		b.R.Pause()
		b.R.Pause()
		if b.R.IsReading() {
			return errors.New("IsReading is true after Pause")
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		b.R.Resume()
		p, err := b.R.Read(ctx, 50000)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		got = append(got, p...)
	}
	if err := equal("what was read", got, want); err != nil {
		return err
	}
	return writer.Join(ctx)
}

// A read that is cancelled, at whatever moment, leaves everything to the next.
func cancelledReads(ctx context.Context, a, b streams.End) error {
	want := pattern(3000)
	rng := rand.New(rand.NewPCG(1, 2))
	writer, err := start(ctx, func(ctx context.Context) error {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+rng.IntN(20))
			if _, err := a.W.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
			for range rng.IntN(3) {
				if err := task.Yield(ctx); err != nil {
					return err
				}
			}
		}
		return a.W.Close()
	})
	if err != nil {
		return err
	}
	var got []byte
	for {
		read := task.Create(ctx, func(ctx context.Context) ([]byte, error) {
			switch rng.IntN(3) {
			case 0:
				return b.R.ReadExactly(ctx, 1+rng.IntN(30))
			case 1:
				return b.R.ReadUntil(ctx, []byte{byte(rng.Uint32())})
			}
			return b.R.Read(ctx, 1+rng.IntN(30))
		})
		for range rng.IntN(5) {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		read.Cancel()
		p, err := read.Await(ctx)
		if errors.Is(err, streams.ErrLimitOverrun) { // the reader has a small limit
			p, err = b.R.Read(ctx, 10)
		}
		var incomplete *streams.IncompleteReadError
		switch {
		case errors.As(err, &incomplete):
			got = append(got, incomplete.Partial...)
			if err := equal("what was read", got, want); err != nil {
				return err
			}
			return writer.Join(ctx)
		case err == io.EOF:
			if err := equal("what was read", got, want); err != nil {
				return err
			}
			return writer.Join(ctx)
		case err != nil && !future.IsCancelled(err):
			return err
		}
		got = append(got, p...)
	}
}

func cancelledReadAll(ctx context.Context, a, b streams.End) error {
	want := pattern(100 << 10)
	writer, err := start(ctx, func(ctx context.Context) error {
		for _, part := range [][]byte{want[:50<<10], want[50<<10:]} {
			if err := a.W.WriteAll(ctx, part); err != nil {
				return err
			}
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return a.W.Close()
	})
	if err != nil {
		return err
	}
	for i := range 20 {
		read := task.Create(ctx, b.R.ReadAll)
		for range i {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		read.Cancel()
		if got, err := read.Await(ctx); err == nil {
			if err := equal("what was read", got, want); err != nil {
				return err
			}
			return writer.Join(ctx)
		} else if !future.IsCancelled(err) {
			return err
		}
	}
	got, err := b.R.ReadAll(ctx)
	if err != nil {
		return err
	}
	if err := equal("what was read", got, want); err != nil {
		return err
	}
	return writer.Join(ctx)
}

// The second reader is refused, and the first undisturbed.
func twoReaders(ctx context.Context, a, b streams.End) error {
	var got []byte
	first, err := start(ctx, func(ctx context.Context) (err error) {
		got, err = b.R.ReadExactly(ctx, 6)
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.R.Read(ctx, 1)
	if err := expect("Read of a second task", err, streams.ErrBusy); err != nil {
		return err
	}
	if _, err := a.W.Write([]byte("abcdef")); err != nil {
		return err
	}
	if err := first.Join(ctx); err != nil {
		return err
	}
	return equal("what the first has read", got, []byte("abcdef"))
}

// A read that waits when its own end is closed meets the end of the stream.
func ownCloseEndsARead(ctx context.Context, a, _ streams.End) error {
	read, err := start(ctx, func(ctx context.Context) error {
		_, err := a.R.Read(ctx, 1)
		return expect("a read that waits", err, io.EOF)
	})
	if err != nil {
		return err
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	if a.R.IsReading() {
		return errors.New("IsReading is true after Close")
	}
	if err := read.Join(ctx); err != nil {
		return err
	}
	return atEOF(ctx, a.R)
}

func closeEndsARead(ctx context.Context, a, b streams.End) error {
	read, err := start(ctx, func(ctx context.Context) error {
		_, err := b.R.ReadExactly(ctx, 2)
		var incomplete *streams.IncompleteReadError
		if !errors.As(err, &incomplete) || string(incomplete.Partial) != "x" {
			return fmt.Errorf("a read of more than there was: %v", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := a.W.Write([]byte("x")); err != nil {
		return err
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	if err := read.Join(ctx); err != nil {
		return err
	}
	return atEOF(ctx, b.R)
}

func closedTwice(ctx context.Context, a, b streams.End) error {
	if a.W.IsClosing() || b.W.IsClosing() {
		return errors.New("IsClosing is true before Close")
	}
	for range 2 {
		if err := a.W.Close(); err != nil {
			return err
		}
		if !a.W.IsClosing() {
			return errors.New("IsClosing is false after Close")
		}
	}
	if err := closing(ctx, b); err != nil {
		return err
	}
	for range 2 {
		if err := a.W.WaitClosed(ctx); err != nil {
			return err
		}
		if err := a.W.Close(); err != nil {
			return err
		}
		a.W.Abort()
	}
	return nil
}

func writeAfterClose(ctx context.Context, a, b streams.End) error {
	if err := a.W.Close(); err != nil {
		return err
	}
	for range 2 {
		_, err := a.W.Write([]byte("x"))
		if err := expect("Write after Close", err, streams.ErrConnectionLost); err != nil {
			return err
		}
		if err := closing(ctx, b); err != nil {
			return err
		}
		if err := a.W.WaitClosed(ctx); err != nil {
			return err
		}
		if err := expect("Drain after Close", a.W.Drain(ctx), streams.ErrConnectionLost); err != nil {
			return err
		}
	}
	return nil
}

// Each has a wait of its own.
func waitClosedOfSeveral(ctx context.Context, a, b streams.End) error {
	var all []*task.Task[struct{}]
	for range 4 {
		waiting, err := start(ctx, a.W.WaitClosed)
		if err != nil {
			return err
		}
		all = append(all, waiting)
	}
	all[1].Cancel()
	if err := all[1].Join(ctx); !future.IsCancelled(err) {
		return fmt.Errorf("a WaitClosed that is cancelled: %v", err)
	}
	if all[0].Done() {
		return errors.New("WaitClosed has returned before Close")
	}
	if err := a.W.Close(); err != nil {
		return err
	}
	if err := closing(ctx, b); err != nil {
		return err
	}
	for _, i := range []int{0, 2, 3} {
		if err := all[i].Join(ctx); err != nil {
			return err
		}
	}
	return a.W.WaitClosed(ctx)
}

// ends reads until the end, which may be that of a connection that was cut.
func ends(ctx context.Context, r *streams.Reader) {
	for {
		if _, err := r.Read(ctx, 1<<20); err != nil {
			return
		}
	}
}

func abort(ctx context.Context, a, b streams.End) error {
	a.W.Abort()
	a.W.Abort()
	if !a.W.IsClosing() {
		return errors.New("IsClosing is false after Abort")
	}
	if err := a.W.WaitClosed(ctx); err != nil {
		return err
	}
	if err := atEOF(ctx, a.R); err != nil {
		return err
	}
	ends(ctx, b.R)
	return nil
}

// Abort does not wait for a receiver that takes nothing, and lets those go on that do.
func abortOfMuchUnsent(ctx context.Context, a, b streams.End) error {
	if _, err := fill(ctx, a.W); err != nil {
		return err
	}
	drain, err := start(ctx, a.W.Drain)
	if err != nil {
		return err
	}
	a.W.Abort()
	if n := a.W.WriteBufferSize(); n != 0 {
		return fmt.Errorf("%d bytes are kept after Abort", n)
	}
	if err := a.W.WaitClosed(ctx); err != nil {
		return err
	}
	if err := drain.Join(ctx); err != nil {
		return err
	}
	ends(ctx, b.R)
	return nil
}

// Who writes to an end that is closed learns of it, sooner or later.
func writeToAClosedEnd(ctx context.Context, a, b streams.End) error {
	b.W.Abort()
	if err := b.W.WaitClosed(ctx); err != nil {
		return err
	}
	for written := 0; written < enough; written += 1000 {
		if err := a.W.WriteAll(ctx, pattern(1000)); err != nil {
			if !a.W.IsClosing() {
				return fmt.Errorf("IsClosing is false after %w", err)
			}
			return nil
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
	return errors.New("writing to a closed end never fails")
}

// The loop closes what is left, also while tasks wait and bytes are kept.
func leftOpen(ctx context.Context, a, b streams.End) error {
	if _, err := fill(ctx, a.W); err != nil {
		return err
	}
	for _, wait := range []func(ctx context.Context) error{
		a.W.Drain, b.W.WaitClosed, func(ctx context.Context) error { _, err := a.R.Read(ctx, 1); return err },
	} {
		if _, err := start(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}
