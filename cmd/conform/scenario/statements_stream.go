package scenario

import (
	"context"
	"errors"
	"io"

	"github.com/goasyncio/asyncio/task/streams"
)

// kernelWindow is how much of a large block Linux takes at once from one end of a
// socketpair, which is a little more than the size of its buffer. Programs that leave a
// part of a block unread can tell.
const kernelWindow = 219264

// stream is one end of a pair.
type stream struct{ streams.End }

// endOfFile stands for io.EOF in a trace: asyncio has no such exception, but returns
// nothing.
const endOfFile = text("EOF")

func (a *activation) doPair(ctx context.Context, args []argument) (Value, error) {
	opts := []streams.PairOption{streams.Window(kernelWindow)}
	if args[2].given {
		opts = append(opts, streams.PairLimit(int(args[2].number)))
	}
	left, right, _ := streams.Pair(ctx, opts...)
	a.variables[args[0].text], a.variables[args[1].text] = stream{left}, stream{right}
	return silence{}, nil
}

func (a *activation) doRead(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return received(s.R.Read(ctx, int(args[1].number)))
}

// received is the result of a read, in which the end of the file is no exception.
func received(p []byte, err error) (Value, error) {
	if err == io.EOF {
		return endOfFile, nil
	}
	return octets(p), err
}

func (a *activation) doReadAll(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	p, err := s.R.ReadAll(ctx)
	return octets(p), err
}

func (a *activation) doReadExactly(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	p, err := s.R.ReadExactly(ctx, int(args[1].number))
	return octets(p), err
}

func (a *activation) doReadUntil(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	p, err := s.R.ReadUntil(ctx, args[1].chunks...)
	return octets(p), err
}

func (a *activation) doReadLine(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return received(s.R.ReadLine(ctx))
}

func (a *activation) flowLines(ctx context.Context, args []argument) (*returned, error) {
	label := "line " + args[0].text
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		a.log(ctx, label+" ! "+showException(err))
		return nil, err
	}
	for line, err := range s.R.Lines(ctx) {
		if err != nil {
			a.log(ctx, label+" ! "+showException(err))
			return nil, err
		}
		a.log(ctx, label+" = "+octets(line).show())
		if end, err := a.execute(ctx, args[1].body); err != nil || end != nil {
			return end, err
		}
	}
	a.log(ctx, label+" end")
	return nil, nil
}

func (a *activation) doWrite(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	_, err = s.W.Write(args[1].chunks[0])
	return written(err)
}

func (a *activation) doWriteLines(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return written(s.W.WriteLines(args[1].chunks...))
}

// written is the result of a write. That the connection is lost a write of asyncio does
// not tell.
func written(err error) (Value, error) {
	if errors.Is(err, streams.ErrConnectionLost) {
		err = nil
	}
	return nothing{}, err
}

func (a *activation) doDrain(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, s.W.Drain(ctx)
}

func (a *activation) doWriteEOF(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, s.W.WriteEOF()
}

func (a *activation) doWriteLimits(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	if err := s.W.SetWriteBufferLimits(mark(args[1]), mark(args[2])); err != nil {
		return nil, err
	}
	low, high := s.W.WriteBufferLimits()
	return array{integer(low), integer(high)}, nil
}

// mark is a water mark, or what stands for one that is missing.
func mark(a argument) int {
	if a.null {
		return -1
	}
	return int(a.number)
}

func (a *activation) doClose(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, s.W.Close()
}

func (a *activation) doAbort(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	s.W.Abort()
	return nothing{}, nil
}

func (a *activation) doWaitClosed(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, s.W.WaitClosed(ctx)
}

func (a *activation) doPauseReading(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	s.R.Pause()
	return nothing{}, nil
}

func (a *activation) doResumeReading(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	s.R.Resume()
	return nothing{}, nil
}

func (a *activation) doFailReading(ctx context.Context, args []argument) (Value, error) {
	s, err := lookUp[stream](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	s.R.SetException(args[1].err())
	return nothing{}, nil
}
