//go:build unix

package streams

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/goasyncio/asyncio/task"
)

// pipeSockets returns the two ends of a pair of sockets, as files.
func pipeSockets(t *testing.T) (a, b *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := make([]*os.File, 2)
	for i, fd := range fds {
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		files[i] = os.NewFile(uintptr(fd), "socket")
		t.Cleanup(func() { files[i].Close() })
	}
	return files[0], files[1]
}

// pipeKinds are files that can be pipes.
var pipeKinds = map[string]func(t *testing.T) (r, w *os.File){"pipe": pipeFiles, "socket": pipeSockets}

func TestWritePipeEndsWhenNobodyReads(t *testing.T) {
	for name, open := range pipeKinds {
		t.Run(name, func(t *testing.T) {
			r, w := open(t)
			run(t, func(ctx context.Context) error {
				writer, err := WritePipe(ctx, w)
				if err != nil {
					return err
				}
				if err := writer.WriteAll(ctx, []byte("1")); err != nil {
					return err
				}
				p := make([]byte, 1)
				if _, err := r.Read(p); err != nil || string(p) != "1" {
					t.Errorf("%q is read (%v)", p, err)
				}
				r.Close()
				return writer.WaitClosed(ctx)
			})
		})
	}
}

// The network poller has told of the end before anybody watches for it.
func TestWritePipeEndsIfNobodyReadsAtFirst(t *testing.T) {
	for name, open := range pipeKinds {
		t.Run(name, func(t *testing.T) {
			r, w := open(t)
			raw, err := w.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			waited := true
			if err := raw.Read(func(uintptr) bool {
				r.Close()
				waited = !waited
				return waited
			}); err != nil {
				t.Fatal(err)
			}
			run(t, func(ctx context.Context) error {
				writer, err := WritePipe(ctx, w)
				if err != nil {
					return err
				}
				return writer.WaitClosed(ctx)
			})
		})
	}
}

func TestWritePipeFailsWhenNobodyReadsWhatIsKept(t *testing.T) {
	for name, open := range pipeKinds {
		t.Run(name, func(t *testing.T) {
			r, w := open(t)
			run(t, func(ctx context.Context) error {
				writer, err := WritePipe(ctx, w)
				if err != nil {
					return err
				}
				if _, err := writer.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
				r.Close()
				if err := writer.WaitClosed(ctx); !IsDisconnect(err) {
					t.Errorf("the connection was closed with %v", err)
				}
				return nil
			})
		})
	}
}

func TestReadPipeOfASocket(t *testing.T) {
	r, w := pipeSockets(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte("data")); err != nil {
			return err
		}
		w.Close()
		if got, err := reader.ReadAll(ctx); err != nil || string(got) != "data" {
			t.Errorf("%q is read (%v)", got, err)
		}
		return nil
	})
}

func TestPipesOfACharacterDevice(t *testing.T) {
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	g, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, f)
		if err != nil {
			return err
		}
		if got, err := reader.ReadAll(ctx); err != nil || len(got) > 0 {
			t.Errorf("%q is read (%v)", got, err)
		}
		writer, err := WritePipe(ctx, g)
		if err != nil {
			return err
		}
		if err := writer.WriteAll(ctx, make([]byte, 1<<20)); err != nil {
			t.Error(err)
		}
		if writer.IsClosing() {
			t.Error("the writer is closed")
		}
		writer.Close()
		return writer.WaitClosed(ctx)
	})
}

// pipeBlocking returns the two ends of a pipe for which the system cannot wait.
func pipeBlocking(t *testing.T) (r, w *os.File) {
	t.Helper()
	fds := make([]int, 2)
	if err := syscall.Pipe(fds); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestPipesOfBlockingFiles(t *testing.T) {
	r, w := pipeBlocking(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		all := task.Create(ctx, reader.ReadAll)
		data := make([]byte, 1<<20) // more than the pipe holds: a write that waits
		if _, err := writer.Write(data); err != nil {
			return err
		}
		writer.Close()
		if got, err := all.Await(ctx); err != nil || len(got) != len(data) {
			t.Errorf("%d bytes are read (%v)", len(got), err)
		}
		return writer.WaitClosed(ctx)
	})
}

// Neither Close of the reader nor that of the loop waits for a read that nothing can
// interrupt.
func TestLoopDoesNotWaitForABlockingPipe(t *testing.T) {
	r, w := pipeBlocking(t)
	l := newLoop()
	_, err := task.RunUntilComplete(l, task.CreateOn(l, func(ctx context.Context) (struct{}, error) {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return struct{}{}, err
		}
		if _, err := w.Write([]byte("x")); err != nil {
			return struct{}{}, err
		}
		_, err = reader.ReadExactly(ctx, 1)
		return struct{}{}, err
	}))
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil { // which ends the goroutine
		t.Fatal(err)
	}
}

// What comes from the other side of a socket is no end of it.
func TestWritePipeToASocketThatAnswers(t *testing.T) {
	r, w := pipeSockets(t)
	if _, err := r.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	run(t, func(ctx context.Context) error {
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		if err := writer.WriteAll(ctx, []byte("x")); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		writer.Close()
		if err := writer.WaitClosed(ctx); err != nil {
			t.Error(err)
		}
		_, err = r.Read(make([]byte, 1))
		if err != io.EOF && !IsDisconnect(err) {
			t.Errorf("the other side is told %v", err)
		}
		return nil
	})
}
