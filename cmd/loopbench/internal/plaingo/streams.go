package plaingo

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// Services returns the servers of the stream workloads: a goroutine for each connection, which closes it.
func Services() map[string]serve.Func {
	return map[string]serve.Func{
		"echo":     each(echo),
		"lines":    each(lines),
		"bulk":     each(bulk),
		"bulk_tls": each(bulk),
		"byte":     each(oneByte),
	}
}

// each serves each connection by a goroutine that calls handle. What handle returns is the end of that connection.
func each(handle func(net.Conn) error) serve.Func {
	return func(ctx context.Context, config *tls.Config, ready func(address string)) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
		address := listener.Addr().String()
		if config != nil {
			listener = tls.NewListener(listener, config)
		}
		ready(address)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return err
			}
			go func() {
				defer conn.Close()
				_ = handle(conn)
			}()
		}
	}
}

func echo(conn net.Conn) error {
	message := make([]byte, bench.MessageSize)
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			return err
		}
		if _, err := conn.Write(message); err != nil {
			return err
		}
	}
}

func lines(conn net.Conn) error {
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if _, err := conn.Write(line); err != nil {
			return err
		}
	}
}

func bulk(conn net.Conn) error {
	var request [8]byte
	block := make([]byte, bench.BlockSize)
	for {
		if _, err := io.ReadFull(conn, request[:]); err != nil {
			return err
		}
		for range binary.BigEndian.Uint64(request[:]) {
			if _, err := conn.Write(block); err != nil {
				return err
			}
		}
	}
}

func oneByte(conn net.Conn) error {
	var b [1]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		return err
	}
	_, err := conn.Write(b[:])
	return err
}

// streamCancel reads with a deadline, and moves the deadline on until the byte comes.
func streamCancel(p bench.Params, watch *bench.Stopwatch) error {
	near, far, err := bench.SocketPairs(p.Width)
	if err != nil {
		return err
	}
	defer bench.CloseAll(near, far)
	read := func(conn net.Conn) error {
		if err := conn.SetReadDeadline(time.Now().Add(p.Span)); err != nil {
			return err
		}
		_, err := conn.Read(make([]byte, 1))
		return err
	}
	var waited, finished sync.WaitGroup
	waited.Add(p.Width)
	timedOut, failed := make([]int, p.Width), make([]error, p.Width)
	watch.Start()
	for i, conn := range near {
		finished.Go(func() {
			for range p.Batches() {
				if errors.Is(read(conn), os.ErrDeadlineExceeded) {
					timedOut[i]++
				}
			}
			waited.Done()
			for failed[i] = read(conn); errors.Is(failed[i], os.ErrDeadlineExceeded); failed[i] = read(conn) {
			}
		})
	}
	waited.Wait()
	sum := 0
	for i, conn := range far {
		sum += timedOut[i]
		if _, err := conn.Write([]byte{1}); err != nil {
			return err
		}
	}
	finished.Wait()
	watch.Stop(sum)
	return errors.Join(failed...)
}

// pairEcho is a round trip on the two ends of net.Pipe.
func pairEcho(p bench.Params, watch *bench.Stopwatch) error {
	trips, end, err := echoes(p.Ops, watch.Start)
	watch.Stop(trips)
	return errors.Join(err, end())
}

// echoes calls begin and then has n messages echoed on a pipe, which end closes.
func echoes(n int, begin func()) (trips int, end func() error, err error) {
	left, right := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- echo(right) }()
	end = func() error {
		err := left.Close()
		if failed := <-ended; !errors.Is(failed, io.EOF) {
			err = errors.Join(err, failed)
		}
		return errors.Join(err, right.Close())
	}
	message, answer := make([]byte, bench.MessageSize), make([]byte, bench.MessageSize)
	begin()
	for range n {
		if _, err := left.Write(message); err != nil {
			return trips, end, err
		}
		if _, err := io.ReadFull(left, answer); err != nil {
			return trips, end, err
		}
		trips++
	}
	return trips, end, nil
}
