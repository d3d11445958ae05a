package streams

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestServerConnectionsHaveKeepAlive(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, test := range []struct {
			opts     []Option
			on, idle int
		}{
			{nil, 1, 15},
			{[]Option{KeepAlive(42 * time.Second)}, 1, 42},
			{[]Option{KeepAlive(-1)}, 0, 0},
		} {
			looked := false
			s, err := StartServer(ctx, func(_ context.Context, _ *Reader, w *Writer) error {
				raw, err := w.NetConn().(*net.TCPConn).SyscallConn()
				if err != nil {
					return err
				}
				looked = true
				return raw.Control(func(fd uintptr) {
					on, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
					idle, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
					if on != test.on || on != 0 && idle != test.idle {
						t.Errorf("keep-alive is %d after %d seconds, not %d after %d", on, idle, test.on, test.idle)
					}
				})
			}, "127.0.0.1:0", test.opts...)
			if err != nil {
				return err
			}
			serverDial(t, s)
			serverUntil(t, ctx, func() bool { return looked })
			if _, err := s.Shutdown(ctx, time.Minute); err != nil {
				return err
			}
		}
		return nil
	})
}
