package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

const readerData = "line1\nline2\nline3\n"

// withReader runs a test of a reader that the test feeds.
func withReader(t *testing.T, limit int, main func(ctx context.Context, r *Reader)) {
	t.Helper()
	onVirtual(t, func(ctx context.Context) { main(ctx, newReader(t, ctx, limit)) })
}

// later calls fn in the next iteration, after the tasks that were started before.
func later(ctx context.Context, fn func()) { loop.Running(ctx).CallSoon(fn) }

func separators(texts ...string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

func TestReaderIsFed(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "")
		left(t, r, "")
		feed(r, readerData)
		left(t, r, readerData)
		feed(r, "")
		left(t, r, readerData)
	})
}

// Nothing fed wakes nobody.
func TestReaderIsNotWokenByNoData(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		feed(r, "")
		r.FeedData(nil)
		turns(t, ctx, 3)
		check.Equal(t, "woken", read.Done(), false)
		feed(r, "x\n")
		gives(t, "x\n")(read.Await(ctx))
	})
}

func TestReaderRefusesDataAfterEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "x")
		r.FeedEOF()
		r.FeedEOF()
		err := check.Panics(t, func() { feed(r, "y") })
		check.Is(t, err, ErrInvalidArgument)
		check.Says(t, err, "FeedData of <Reader 1 bytes eof>")
		left(t, r, "x")
	})
}

func TestReadZero(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, readerData)
		gives(t, "")(r.Read(ctx, 0))
		n, err := r.ReadInto(ctx, nil)
		check.NoError(t, err)
		check.Equal(t, "number", n, 0)
		left(t, r, readerData)
		feed(r)
		_, _ = r.Discard(len(readerData))
		gives(t, "")(r.Read(ctx, 0)) // does not wait
		r.FeedEOF()
		gives(t, "")(r.Read(ctx, 0))
	})
}

func TestRead(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 30) })
		later(ctx, func() { feed(r, readerData) })
		gives(t, readerData)(read.Await(ctx))
		left(t, r, "")
	})
}

func TestReadOfLessThanThereIs(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "line1", "line2")
		gives(t, "line1")(r.Read(ctx, 5))
		left(t, r, "line2")
		p := make([]byte, 3)
		n, err := r.ReadInto(ctx, p)
		check.NoError(t, err)
		check.Equal(t, "read", string(p[:n]), "lin")
		left(t, r, "e2")
	})
}

func TestReadAtEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 1024) })
		later(ctx, r.FeedEOF)
		p, err := read.Await(ctx)
		check.Equal(t, "error", err, io.EOF)
		check.Equal(t, "read", len(p), 0)
		_, err = r.ReadInto(ctx, make([]byte, 5))
		check.Equal(t, "error of ReadInto", err, io.EOF)
		_, err = r.ReadLine(ctx)
		check.Equal(t, "error of ReadLine", err, io.EOF)
	})
}

func TestReadAllUntilEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, r.ReadAll)
		later(ctx, func() {
			feed(r, "chunk1\n", "chunk2")
			r.FeedEOF()
		})
		gives(t, "chunk1\nchunk2")(read.Await(ctx))
		left(t, r, "")
		gives(t, "")(r.ReadAll(ctx)) // the end is no error
	})
}

func TestReadAllOfMoreThanTheLimit(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, r.ReadAll)
		turns(t, ctx, 1)
		want := ""
		for i := range 100 {
			feed(r, fmt.Sprint(i))
			want += fmt.Sprint(i)
			if i%7 == 0 {
				turns(t, ctx, 1)
			}
		}
		r.FeedEOF()
		gives(t, want)(read.Await(ctx))
	})
}

// What ReadAll had taken is put back in front, where CPython loses it.
func TestReadAllPutsBackWhatItHasTaken(t *testing.T) {
	withReader(t, 4, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, r.ReadAll)
		for _, text := range []string{"one", "two", "three"} {
			turns(t, ctx, 1)
			feed(r, text)
		}
		turns(t, ctx, 2)
		left(t, r, "")
		read.Cancel()
		feed(r, "four")
		_, err := read.Await(ctx)
		check.Equal(t, "cancelled", future.IsCancelled(err), true)
		left(t, r, "onetwothreefour")

		read = startRead(ctx, r.ReadAll)
		turns(t, ctx, 1)
		left(t, r, "")
		r.SetException(errCore)
		p, err := read.Await(ctx)
		check.Equal(t, "error", err, errCore)
		check.Equal(t, "read", string(p), "")
		left(t, r, "onetwothreefour")
	})
}

// So it does when a deadline ends it.
func TestReadAllPutsBackAtATimeout(t *testing.T) {
	withReader(t, 4, func(ctx context.Context, r *Reader) {
		feed(r, "some text")
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := r.ReadAll(ctx)
			return err
		})
		check.Is(t, err, context.DeadlineExceeded)
		left(t, r, "some text")
		gives(t, "some")(r.ReadExactly(ctx, 4))
	})
}

func TestReadFailsOnceThereIsAnException(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "line\nmore\n")
		gives(t, "li")(r.Read(ctx, 2))
		check.Equal(t, "Err", r.Err(), nil)
		r.SetException(errCore)
		check.Equal(t, "Err", r.Err(), errCore)
		for name, read := range everyRead(r) {
			if _, err := read(ctx); err != errCore {
				t.Errorf("%s: %v", name, err)
			}
		}
		for line, err := range r.Lines(ctx) {
			check.Equal(t, "line", len(line), 0)
			check.Equal(t, "error of Lines", err, errCore)
		}
		// The bytes are not lost.
		left(t, r, "ne\nmore\n")
		n, err := r.Discard(3)
		check.NoError(t, err)
		check.Equal(t, "discarded", n, 3)
		left(t, r, "more\n")
	})
}

// everyRead has each method that reads, as a function that wants more than one byte.
func everyRead(r *Reader) map[string]func(ctx context.Context) ([]byte, error) {
	return map[string]func(ctx context.Context) ([]byte, error){
		"Read":    func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 2) },
		"ReadAll": r.ReadAll,
		"ReadInto": func(ctx context.Context) ([]byte, error) {
			p := make([]byte, 9)
			n, err := r.ReadInto(ctx, p)
			return p[:n], err
		},
		"ReadExactly": func(ctx context.Context) ([]byte, error) { return r.ReadExactly(ctx, 9) },
		"ReadUntil":   func(ctx context.Context) ([]byte, error) { return r.ReadUntil(ctx, []byte("END")) },
		"ReadLine":    r.ReadLine,
		"IO": func(ctx context.Context) ([]byte, error) {
			p := make([]byte, 9)
			n, err := r.IO(ctx).Read(p)
			return p[:n], err
		},
	}
}

func TestNewReaderRefusesALimitThatIsNotPositive(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		for _, limit := range []int{0, -1} {
			r, err := NewReader(loop.Running(ctx), limit)
			check.Is(t, err, ErrInvalidArgument)
			check.Says(t, err, "limit")
			if r != nil {
				t.Error("there is a reader")
			}
		}
	})
}

func TestReadIsNotBoundedByTheLimit(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		feed(r, "chunk")
		gives(t, "chunk")(r.Read(ctx, 5))
		left(t, r, "")
		feed(r, "chunk")
		gives(t, "chunk")(r.ReadExactly(ctx, 5))
		left(t, r, "")
	})
}

func TestReadLine(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "chunk1 ")
		read := startReadLine(ctx, r)
		later(ctx, func() { feed(r, "chunk2 ", "chunk3 ", "\n chunk4") })
		gives(t, "chunk1 chunk2 chunk3 \n")(read.Await(ctx))
		left(t, r, " chunk4")
	})
}

// overrun checks an error of a line that is too long.
func overrun(t *testing.T, err error, consumed int, found bool) {
	t.Helper()
	var e *LimitOverrunError
	if !errors.As(err, &e) {
		t.Errorf("%v is no LimitOverrunError", err)
		return
	}
	check.Is(t, err, ErrLimitOverrun)
	check.Equal(t, "consumed", e.Consumed, consumed)
	check.Equal(t, "found", e.Found, found)
	text := "separator is not found, and chunk exceed the limit of "
	if found {
		text = "separator is found, but chunk is longer than limit of "
	}
	check.Says(t, err, text)
	check.Says(t, err, "streams.Limit")
}

func TestReadLineDropsALineThatIsTooLong(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		feed(r, "li", "ne1\nline2\n")
		_, err := r.ReadLine(ctx)
		overrun(t, err, 5, true)
		left(t, r, "line2\n")
		_, err = r.ReadLine(ctx)
		overrun(t, err, 5, true)
		left(t, r, "")

		feed(r, "li", "ne1", "li")
		_, err = r.ReadLine(ctx)
		overrun(t, err, 7, false)
		left(t, r, "")
		feed(r, "a\n")
		gives(t, "a\n")(r.ReadLine(ctx))
	})
}

func TestReadLineDropsALineThatBecomesTooLong(t *testing.T) {
	withReader(t, 7, func(ctx context.Context, r *Reader) {
		later(ctx, func() {
			feed(r, "chunk1", "chunk2", "chunk3\n")
			r.FeedEOF()
		})
		_, err := r.ReadLine(ctx)
		overrun(t, err, 18, true)
		left(t, r, "")
	})
	withReader(t, 7, func(ctx context.Context, r *Reader) {
		later(ctx, func() {
			feed(r, "chunk1", "chunk2\n", "chunk3\n")
			r.FeedEOF()
		})
		_, err := r.ReadLine(ctx)
		overrun(t, err, 12, true)
		left(t, r, "chunk3\n")
	})
}

func TestReadLineKeepsToItsLimitStrictly(t *testing.T) {
	withReader(t, 7, func(ctx context.Context, r *Reader) {
		feed(r, "1234567\n")
		gives(t, "1234567\n")(r.ReadLine(ctx))
		left(t, r, "")
		feed(r, "12345678\n")
		_, err := r.ReadLine(ctx)
		overrun(t, err, 8, true)
		left(t, r, "")
		feed(r, "12345678")
		_, err = r.ReadLine(ctx)
		overrun(t, err, 8, false)
		left(t, r, "")

		// So many without a newline are not too many yet.
		feed(r, "1234567")
		read := startReadLine(ctx, r)
		turns(t, ctx, 2)
		check.Equal(t, "done", read.Done(), false)
		feed(r, "\n")
		gives(t, "1234567\n")(read.Await(ctx))
	})
}

func TestAtEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		check.Equal(t, "AtEOF", r.AtEOF(), false)
		feed(r, "some data\n")
		check.Equal(t, "AtEOF", r.AtEOF(), false)
		gives(t, "some data\n")(r.ReadLine(ctx))
		check.Equal(t, "AtEOF", r.AtEOF(), false)
		feed(r, "some data\n")
		r.FeedEOF()
		check.Equal(t, "AtEOF", r.AtEOF(), false)
		gives(t, "some data\n")(r.ReadLine(ctx))
		check.Equal(t, "AtEOF", r.AtEOF(), true)
	})
}

func TestReadLineDoesNotWaitForMore(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, readerData[:6], readerData[6:])
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { gives(t, "line1\n")(r.ReadLine(ctx)) }), 0)
		left(t, r, "line2\nline3\n")
		gives(t, "line2\nl")(r.Read(ctx, 7))
		left(t, r, "ine3\n")
	})
}

func TestReadLineAtEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "some data")
		r.FeedEOF()
		gives(t, "some data")(r.ReadLine(ctx))
		_, err := r.ReadLine(ctx)
		check.Equal(t, "error", err, io.EOF)
	})
}

func TestLines(t *testing.T) {
	withReader(t, 10, func(ctx context.Context, r *Reader) {
		feed(r, "one\n", "a line that is too long\ntwo\nthe rest")
		r.FeedEOF()
		var got []string
		for line, err := range r.Lines(ctx) {
			if err != nil {
				overrun(t, err, 23, true)
				line = []byte("too long")
			}
			got = append(got, string(line))
		}
		check.Equal(t, "lines", strings.Join(got, "|"), "one\n|too long|two\n|the rest")
	})
}

func TestLinesCanBeLeft(t *testing.T) {
	withReader(t, 10, func(ctx context.Context, r *Reader) {
		feed(r, readerData)
		for line, err := range r.Lines(ctx) {
			gives(t, "line1\n")(line, err)
			break
		}
		left(t, r, readerData[6:])
		read := task.Go(ctx, func(ctx context.Context) error {
			for range r.Lines(ctx) {
			}
			return nil
		})
		turns(t, ctx, 1)
		left(t, r, "")
		read.Cancel()
		check.Equal(t, "cancelled", future.IsCancelled(read.Join(ctx)), false) // the program swallowed it
	})
}

func TestReadUntilRefusesSeparatorsThatAreEmpty(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		for _, s := range [][][]byte{separators(""), {nil}, separators("a", "")} {
			_, err := r.ReadUntil(ctx, s...)
			check.Is(t, err, ErrInvalidArgument)
			check.Says(t, err, "a separator must have at least one byte")
		}
		_, err := r.ReadUntil(ctx)
		check.Is(t, err, ErrInvalidArgument)
		check.Says(t, err, "at least one separator")
	})
}

func TestReadUntil(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		for _, c := range []struct {
			fed       []string
			separator string
			want      string
			rest      string
		}{
			{[]string{"lineAAA"}, "AAA", "lineAAA", ""},
			{[]string{"lineAAAxxx"}, "AAA", "lineAAA", "xxx"},
			{[]string{"QWEaa", "XYaa", "a"}, "aaa", "QWEaaXYaaa", ""},
			{[]string{"QWEaa", "XYa", "aa"}, "aaa", "QWEaaXYaaa", ""},
			{[]string{"aaa"}, "aaa", "aaa", ""},
			{[]string{"Xaaa"}, "aaa", "Xaaa", ""},
			{[]string{"XXX", "a", "a", "a"}, "aaa", "XXXaaa", ""},
		} {
			for _, waiting := range []bool{false, true} {
				var read *reading
				if waiting {
					read = startRead(ctx, func(ctx context.Context) ([]byte, error) {
						return r.ReadUntil(ctx, []byte(c.separator))
					})
				}
				for _, text := range c.fed {
					if waiting {
						turns(t, ctx, 2)
					}
					feed(r, text)
				}
				if waiting {
					gives(t, c.want)(read.Await(ctx))
				} else {
					gives(t, c.want)(r.ReadUntil(ctx, []byte(c.separator)))
				}
				left(t, r, c.rest)
				_, _ = r.Discard(len(c.rest))
			}
		}
	})
}

func TestReadUntilEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "xAAA", "some dataAA")
		r.FeedEOF()
		gives(t, "xAAA")(r.ReadUntil(ctx, []byte("AAA"))) // complete: the end is not looked at
		_, err := r.ReadUntil(ctx, []byte("AAA"))
		var e *IncompleteReadError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		check.Equal(t, "partial", string(e.Partial), "some dataAA")
		check.Equal(t, "expected", e.Expected, -1)
		check.Equal(t, "text", err.Error(), "11 bytes read on a total of undefined expected bytes")
		check.Is(t, err, io.ErrUnexpectedEOF)
		check.Equal(t, "is EOF", errors.Is(err, io.EOF), false)
		left(t, r, "")
		_, err = r.ReadUntil(ctx, []byte("AAA"))
		check.Is(t, err, io.ErrUnexpectedEOF)
		check.Is(t, err, io.EOF)
	})
}

// Discard is the way out when a separator comes too late.
func TestReadUntilKeepsWhatIsTooLong(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		feed(r, "some dataAA")
		for range 2 {
			_, err := r.ReadUntil(ctx, []byte("AAA"))
			overrun(t, err, 9, false)
			left(t, r, "some dataAA")
		}
		feed(r, "A")
		for range 2 {
			_, err := r.ReadUntil(ctx, []byte("AAA"))
			overrun(t, err, 9, true)
			left(t, r, "some dataAAA")
		}
		n, err := r.Discard(9)
		check.NoError(t, err)
		check.Equal(t, "discarded", n, 9)
		gives(t, "AAA")(r.ReadUntil(ctx, []byte("AAA")))
	})
}

func TestReadUntilSeveralSeparators(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "line 1\nline 2\r")
		gives(t, "line 1\n")(r.ReadUntil(ctx, separators("\r", "\n")...))
		gives(t, "line 2\r")(r.ReadUntil(ctx, separators("\r", "\n")...))
		left(t, r, "")
		// The one that ends first counts, even if it is the longer one.
		feed(r, "ABCDEFG")
		gives(t, "ABCDE")(r.ReadUntil(ctx, separators("DEF", "BCDE")...))
		left(t, r, "FG")
	})
}

// Of two that end at the same place the shorter counts.
func TestReadUntilSeveralSeparatorsAndTheLimit(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		feed(r, "some dataA")
		for _, s := range [][][]byte{separators("A", "ome dataA"), separators("ome dataA", "A")} {
			_, err := r.ReadUntil(ctx, s...)
			overrun(t, err, 9, true)
			left(t, r, "some dataA")
		}
	})
}

func TestReadUntilWithASeparatorThatIsLongerThanTheData(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "data")
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) {
			return r.ReadUntil(ctx, separators("A", "long sep")...)
		})
		later(ctx, func() { feed(r, "Z") })
		later(ctx, func() { feed(r, "Aaaa") })
		gives(t, "dataZA")(read.Await(ctx))
		left(t, r, "aaa")
	})
}

// While a call waits for a separator, a task that need not wait takes what it had searched.
func TestReadUntilWhileAnotherTaskReads(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, "0123456789")
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		gives(t, "01234567")(r.Read(ctx, 8))
		feed(r, "\n")
		gives(t, "89\n")(read.Await(ctx))
		left(t, r, "")
	})
}

func TestReadExactlyZeroOrLess(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		feed(r, readerData)
		gives(t, "")(r.ReadExactly(ctx, 0))
		left(t, r, readerData)
		_, err := r.ReadExactly(ctx, -1)
		check.Is(t, err, ErrInvalidArgument)
		check.Says(t, err, "must not be negative")
		_, err = r.Read(ctx, -1)
		check.Is(t, err, ErrInvalidArgument)
		_, err = r.Discard(-1)
		check.Is(t, err, ErrInvalidArgument)
		left(t, r, readerData)
	})
}

func TestReadExactly(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		n := 2 * len(readerData)
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadExactly(ctx, n) })
		later(ctx, func() { feed(r, readerData, readerData, readerData) })
		gives(t, readerData+readerData)(read.Await(ctx))
		left(t, r, readerData)
	})
}

func TestReadExactlyAtEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		n := 2 * len(readerData)
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadExactly(ctx, n) })
		later(ctx, func() {
			feed(r, readerData)
			r.FeedEOF()
		})
		_, err := read.Await(ctx)
		var e *IncompleteReadError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		check.Equal(t, "partial", string(e.Partial), readerData)
		check.Equal(t, "expected", e.Expected, n)
		check.Equal(t, "text", err.Error(), "18 bytes read on a total of 36 expected bytes")
		left(t, r, "")
		_, err = r.ReadExactly(ctx, 1)
		check.Is(t, err, io.EOF)
	})
}

// CPython looks at the exception only when the call begins, and goes on waiting.
func TestReadExactlyThatWaitsFails(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		for name, read := range everyRead(r) {
			r.err = nil
			_, _ = r.Discard(100)
			waiting := startRead(ctx, read)
			turns(t, ctx, 1)
			if name != "Read" && name != "ReadInto" && name != "IO" {
				feed(r, "abc")
			}
			r.SetException(errCore) // in the same iteration
			if _, err := waiting.Await(ctx); err != errCore {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A read that has its data before the exception gets them, as in CPython.
func TestReadThatIsFedBeforeTheExceptionGetsItsData(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		feed(r, "abc\n")
		r.SetException(errCore)
		gives(t, "abc\n")(read.Await(ctx))
		_, err := r.ReadLine(ctx)
		check.Equal(t, "error", err, errCore)
	})
}

func TestExceptionEndsAReadThatWaits(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startReadLine(ctx, r)
		set := task.Go(ctx, func(context.Context) error {
			r.SetException(errCore)
			return nil
		})
		check.NoError(t, set.Join(ctx))
		_, err := read.Await(ctx)
		check.Equal(t, "error", err, errCore)
	})
}

// The exception counts, though the end comes before the task goes on.
func TestExceptionAndThenEOF(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		r.SetException(errCore)
		r.FeedEOF()
		_, err := read.Await(ctx)
		check.Equal(t, "error", err, errCore)
	})
}

func TestExceptionAfterACancelledRead(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		read.Cancel()
		turns(t, ctx, 1)
		r.SetException(errCore)
		turns(t, ctx, 1)
		check.Equal(t, "waiting", r.waiting, false)
		_, err := read.Await(ctx)
		check.Equal(t, "cancelled", future.IsCancelled(err), true)
	})
}

// Cancelled in the iteration in which its data come, a read leaves them in the buffer.
func TestCancelledReadTakesNothing(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		for name, read := range everyRead(r) {
			for _, first := range []string{"fed", "cancelled"} {
				_, _ = r.Discard(100)
				waiting := startRead(ctx, read)
				turns(t, ctx, 1)
				if first == "cancelled" {
					waiting.Cancel()
				}
				feed(r, "a line with its END and\n")
				if first == "fed" {
					waiting.Cancel()
				}
				if _, err := waiting.Await(ctx); !future.IsCancelled(err) {
					t.Errorf("%s: %v", name, err)
				}
				left(t, r, "a line with its END and\n")
			}
		}
	})
}

// The same for the end of a context of package context.
func TestReadWhoseContextEndsTakesNothing(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		for name, read := range everyRead(r) {
			_, _ = r.Discard(100)
			before := ""
			if name != "Read" && name != "ReadInto" && name != "IO" {
				before = "some "
			}
			feed(r, before)
			waiting := startRead(ctx, func(ctx context.Context) ([]byte, error) {
				ctx, cancel := context.WithCancelCause(ctx)
				later(ctx, func() { cancel(errCore) })
				return read(ctx)
			})
			if _, err := waiting.Await(ctx); !errors.Is(err, errCore) {
				t.Errorf("%s: %v", name, err)
			}
			left(t, r, before)
			feed(r, "text")
			gives(t, before+"text")(r.Read(ctx, 100))
		}
	})
}

// A read that was woken waits again if another task has taken the bytes. CPython's read
// returns b” then, as at the end.
func TestReadWaitsAgain(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 9) })
		turns(t, ctx, 1)
		feed(r, "first")
		gives(t, "first")(r.Read(ctx, 9))
		turns(t, ctx, 3)
		check.Equal(t, "done", read.Done(), false)
		feed(r, "second")
		gives(t, "second")(read.Await(ctx))
	})
}

// The second reader is refused when it would have to wait, and not before.
func TestReadOfASecondTaskIsRefused(t *testing.T) {
	names := map[string]string{"IO": "ReadInto"}
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		first := startReadLine(ctx, r)
		turns(t, ctx, 1)
		for name, read := range everyRead(r) {
			_, err := read(ctx)
			check.Is(t, err, ErrBusy)
			if names[name] != "" {
				name = names[name]
			}
			check.Says(t, err, "streams: "+name+" of <Reader waiting>: another task is already waiting")
		}
		feed(r, "ab")
		gives(t, "a")(r.Read(ctx, 1))
		turns(t, ctx, 2)
		gives(t, "b")(r.ReadExactly(ctx, 1))
		feed(r, "cd\n")
		gives(t, "cd\n")(first.Await(ctx))
	})
}

// What ReadAll has taken before it would have to wait is put back when that is refused.
func TestReadAllOfASecondTaskLosesNothing(t *testing.T) {
	withReader(t, 3, func(ctx context.Context, r *Reader) {
		feed(r, "0123456")
		first := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadUntil(ctx, []byte("a long separator")) })
		turns(t, ctx, 1)
		_, err := r.ReadAll(ctx)
		check.Is(t, err, ErrBusy)
		left(t, r, "0123456")
		r.FeedEOF()
		_, err = first.Await(ctx)
		check.Is(t, err, io.ErrUnexpectedEOF)
	})
}

// Between the cancellation of a read and the moment when its task runs, the place is
// taken, as in CPython.
func TestReadIsBusyUntilTheCancelledTaskHasRun(t *testing.T) {
	withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
		first := startReadLine(ctx, r)
		turns(t, ctx, 1)
		first.Cancel()
		_, err := r.ReadLine(ctx)
		check.Is(t, err, ErrBusy)
		turns(t, ctx, 1)
		second := startReadLine(ctx, r)
		turns(t, ctx, 1)
		feed(r, "x\n")
		gives(t, "x\n")(second.Await(ctx))
	})
}

// Between the feeding and the task that waits there is one iteration.
func TestReadResumesInTheNextIteration(t *testing.T) {
	for name, end := range map[string]func(r *Reader){
		"data":      func(r *Reader) { feed(r, "END\n1234567") },
		"exception": func(r *Reader) { r.SetException(errCore) },
		"eof":       (*Reader).FeedEOF,
	} {
		for method := range everyRead(new(Reader)) {
			t.Run(name+"/"+method, func(t *testing.T) {
				if name == "data" && method == "ReadAll" {
					t.Skip("ReadAll goes on to wait")
				}
				withReader(t, DefaultLimit, func(ctx context.Context, r *Reader) {
					var order []string
					read := task.Go(ctx, func(ctx context.Context) error {
						_, _ = everyRead(r)[method](ctx)
						order = append(order, "read")
						return nil
					})
					turns(t, ctx, 1)
					later(ctx, func() {
						order = append(order, "before")
						later(ctx, func() { order = append(order, "next, before") })
						end(r)
						later(ctx, func() { order = append(order, "next, after") })
					})
					check.NoError(t, read.Join(ctx))
					turns(t, ctx, 1)
					check.Equal(t, "order", strings.Join(order, ", "), "before, next, before, read, next, after")
				})
			})
		}
	}
}

func TestNewReaderBelongsToItsLoop(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		r := newReader(t, ctx, 5)
		check.Equal(t, "kernel", r.kernel, loop.Running(ctx).Kernel())
	})
	err := check.Panics(t, func() { _, _ = NewReader(nil, 5) })
	check.Is(t, err, loop.ErrNotRunning)
	check.Says(t, err, "NewReader: the loop is nil")
}

// A reader that nobody feeds can be paused, without effect.
func TestNewReaderHasNoConnectionToPause(t *testing.T) {
	withReader(t, 1, func(ctx context.Context, r *Reader) {
		r.Pause()
		r.Resume()
		check.Equal(t, "reading", r.IsReading(), false)
		feed(r, "more than twice the limit")
		gives(t, "more than twice the limit")(r.Read(ctx, 100))
	})
}

func TestReaderString(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		r := newReader(t, ctx, DefaultLimit)
		check.Equal(t, "text", r.String(), "<Reader>")
		check.Equal(t, "text", newReader(t, ctx, 123).String(), "<Reader limit=123>")
		feed(r, "data")
		check.Equal(t, "text", r.String(), "<Reader 4 bytes>")
		_, _ = r.Discard(4)
		read := startReadLine(ctx, r)
		turns(t, ctx, 1)
		check.Equal(t, "text", r.String(), "<Reader waiting>")
		r.FeedEOF()
		_, err := read.Await(ctx)
		check.Equal(t, "error", err, io.EOF)
		check.Equal(t, "text", r.String(), "<Reader eof>")
		r = newReader(t, ctx, DefaultLimit)
		r.SetException(errCore)
		check.Equal(t, "text", r.String(), "<Reader exception=test error>")
		check.Equal(t, "text", (*Reader)(nil).String(), "<nil>")

		l, _, _ := Pair(ctx, PairLimit(1))
		check.Equal(t, "text", l.R.String(), "<Reader limit=1 transport=<Connection pair left>>")
		l.W.Abort()
		turns(t, ctx, 2)
		check.Equal(t, "text", l.R.String(), "<Reader eof limit=1 transport=<Connection pair left closed>>")
	})
}
