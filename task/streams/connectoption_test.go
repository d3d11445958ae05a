package streams

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// connectFreePort returns a local address whose port is free.
func connectFreePort(t *testing.T) (address, port string) {
	t.Helper()
	address = connectRefused(t)
	_, port, _ = net.SplitHostPort(address)
	return address, port
}

func TestLocalAddrIsWhereTheConnectionComesFrom(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	local, _ := connectFreePort(t)
	run(t, func(ctx context.Context) error {
		r, w, err := OpenConnection(ctx, address, LocalAddr(local))
		if err != nil {
			return err
		}
		if w.LocalAddr().String() != local {
			t.Errorf("it comes from %v, not %s", w.LocalAddr(), local)
		}
		connectTalk(t, ctx, r, w)
		return nil
	})
}

func TestLocalAddrOfAnotherFamilyIsSkipped(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	names := connectNames(&connectResolver{hosts: map[string][]string{"local": {"::1", "127.0.0.1"}}})
	run(t, func(ctx context.Context) error {
		r, w, err := OpenConnection(ctx, address, LocalAddr("local:0"), names)
		if err != nil {
			return err
		}
		if host, _, _ := net.SplitHostPort(w.LocalAddr().String()); host != "127.0.0.1" {
			t.Errorf("it comes from %v", w.LocalAddr())
		}
		connectTalk(t, ctx, r, w)
		return nil
	})
}

func TestLocalAddrOfNoMatchingFamilyIsAnError(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, address, LocalAddr("[::1]:0"))
		var failed *ConnectError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "no matching local address") {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestLocalAddrInUseIsAnError(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, address, LocalAddr(address))
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), address) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestLocalAddrThatCannotBeBoundIsNotTheLast(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	// These are addresses of documentation, which no machine has.
	names := connectNames(&connectResolver{hosts: map[string][]string{
		"good": {"198.51.100.1", "127.0.0.1"}, "bad": {"198.51.100.1", "198.51.100.2"},
	}})
	run(t, func(ctx context.Context) error {
		r, w, err := OpenConnection(ctx, address, LocalAddr("good:0"), names)
		if err != nil {
			return err
		}
		connectTalk(t, ctx, r, w)

		_, _, err = OpenConnection(ctx, address, LocalAddr("bad:0"), names)
		var failed *ConnectError
		if !errors.As(err, &failed) || len(failed.Errors) != 2 || !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("the error is %v", err)
		}

		_, _, err = OpenConnection(ctx, connectRefused(t), LocalAddr("good:0"), names)
		if !errors.As(err, &failed) || len(failed.Errors) != 2 ||
			!errors.Is(failed.Errors[0], syscall.EADDRNOTAVAIL) || !errors.Is(failed.Errors[1], syscall.ECONNREFUSED) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestLocalAddrThatWasBoundIsTheLast(t *testing.T) {
	names := connectNames(&connectResolver{hosts: map[string][]string{"two": {"127.0.0.1", "127.0.0.2"}}})
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, connectRefused(t), LocalAddr("two:0"), names)
		var failed *ConnectError
		if !errors.As(err, &failed) || len(failed.Errors) != 1 || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestLocalAddrThatCannotBeLookedUpIsAnError(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, address, LocalAddr("none:0"), connectNames(&connectResolver{}))
		if unknown := (*net.DNSError)(nil); !errors.As(err, &unknown) || unknown.Name != "none" {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestDialWithANetDialerUsesItsSettings(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	_, port, _ := net.SplitHostPort(address)
	var controlled []string
	d := &net.Dialer{Control: func(network, address string, _ syscall.RawConn) error {
		controlled = append(controlled, network+" "+address)
		return nil
	}}
	names := connectNames(&connectResolver{hosts: map[string][]string{"two": {"127.0.0.2", "127.0.0.1"}}})
	run(t, func(ctx context.Context) error {
		r, w, err := OpenConnection(ctx, "two:"+port, names, Dial(d))
		if err != nil {
			return err
		}
		connectTalk(t, ctx, r, w)
		return nil
	})
	if want := []string{"tcp4 127.0.0.2:" + port, "tcp4 127.0.0.1:" + port}; !slices.Equal(controlled, want) {
		t.Errorf("it has tried %v", controlled)
	}
}
