package streams

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestKeepAlive(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	run(t, func(ctx context.Context) error {
		for _, test := range []struct {
			opts     []Option
			on, idle int
		}{
			{nil, 1, 15},
			{[]Option{KeepAlive(0)}, 1, 15},
			{[]Option{KeepAlive(42 * time.Second)}, 1, 42},
			{[]Option{KeepAlive(-1)}, 0, 0},
		} {
			_, w, err := OpenConnection(ctx, address, test.opts...)
			if err != nil {
				return err
			}
			raw, err := w.NetConn().(*net.TCPConn).SyscallConn()
			if err != nil {
				return err
			}
			_ = raw.Control(func(fd uintptr) {
				on, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
				idle, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
				if on != test.on || on != 0 && idle != test.idle {
					t.Errorf("keep-alive is %d after %d seconds, not %d after %d", on, idle, test.on, test.idle)
				}
			})
			w.Abort()
		}
		return nil
	})
}
