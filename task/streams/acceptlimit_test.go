//go:build unix

package streams

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// acceptLimitVariable tells the test that it is the child process.
const acceptLimitVariable = "ASYNCIO_TEST_ACCEPT_LIMIT"

// A server whose process has no descriptors left says so, goes on with the connections
// that it has, and accepts the others when it can. The server is a process of its own,
// which is the test again.
func TestAcceptWithoutDescriptors(t *testing.T) {
	if os.Getenv(acceptLimitVariable) != "" {
		serveWithoutDescriptors(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestAcceptWithoutDescriptors$", "-test.timeout=1m")
	child.Env = append(os.Environ(), acceptLimitVariable+"=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		rest, _ := io.ReadAll(stdout)
		if err := child.Wait(); err != nil {
			t.Errorf("the server ends with %v: %s", err, rest)
		}
	}()
	lines := bufio.NewScanner(stdout)
	next := func(prefix string) string {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				return text
			}
		}
		t.Fatalf("the server ends before it says %q", prefix)
		return ""
	}
	address := next("address ")
	var clients []net.Conn
	for range 30 {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
		clients = append(clients, nc)
	}
	report := next("report ")
	if want := "socket.accept() out of system resource: true <Listener " + address + ">"; report != want {
		t.Errorf("the report is %q, not %q", report, want)
	}
	first, last := clients[0], clients[len(clients)-1]
	acceptLimitEcho(t, first)
	for _, nc := range clients[:len(clients)-1] {
		nc.Close()
	}
	acceptLimitEcho(t, last)
	last.Close()
}

func acceptLimitEcho(t *testing.T, nc net.Conn) {
	t.Helper()
	_, _ = nc.Write([]byte("echo"))
	p := make([]byte, 4)
	if _, err := io.ReadFull(nc, p); string(p) != "echo" {
		t.Fatalf("the echo is %q, %v", p, err)
	}
}

// serveWithoutDescriptors is a server that has only a few descriptors, and ends with its
// standard input.
func serveWithoutDescriptors(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			fmt.Printf("report %s: %t %v\n", e.Message, isExhaustion(e.Err), e.Socket)
		})
		s, err := StartServer(ctx, echo, "127.0.0.1:0")
		if err != nil {
			return err
		}
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		limit := syscall.Rlimit{}
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
		limit.Cur = 10
		limit.Cur += limitOf(null.Fd(), limit.Cur)
		null.Close()
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
		fmt.Println("address", s.Addrs()[0])
		if _, err := task.ToThread(ctx, func(context.Context) ([]byte, error) { return io.ReadAll(os.Stdin) }); err != nil {
			return err
		}
		_, err = s.Shutdown(ctx, 30*time.Second)
		return err
	})
}

// limitOf is fd as a limit: the fields of syscall.Rlimit differ from system to system.
func limitOf[T int64 | uint64](fd uintptr, _ T) T { return T(fd) }
