package streams

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// connectTried returns what OpenConnection tries, with a dialer that refuses everything.
func connectTried(t *testing.T, ctx context.Context, address string, opts ...Option) []string {
	t.Helper()
	d := &connectDialer{dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }}
	_, _, err := OpenConnection(ctx, address, append(opts, Dial(d))...)
	if failed := (*ConnectError)(nil); !errors.As(err, &failed) {
		t.Errorf("%s: the error is %v", address, err)
	}
	return d.calls()
}

func TestResolvingOfLiteralAddressesAsksNobody(t *testing.T) {
	names := connectNames(&connectResolver{}) // knows no host
	run(t, func(ctx context.Context) error {
		for address, want := range map[string]string{
			"192.0.2.1:80":       "tcp 192.0.2.1:80",
			"[2001:db8::1]:8080": "tcp [2001:db8::1]:8080",
			"[fe80::1%1]:80":     "tcp [fe80::1%1]:80",
			"[fe80::1%eth0]:80":  "tcp [fe80::1%eth0]:80",
			":80":                "tcp [::1]:80, tcp 127.0.0.1:80",
			"192.0.2.1:":         "tcp 192.0.2.1:0",
		} {
			if got := strings.Join(connectTried(t, ctx, address, names), ", "); got != want {
				t.Errorf("%s: it has tried %s", address, got)
			}
		}
		return nil
	})
}

func TestResolvingOfServiceNames(t *testing.T) {
	run(t, func(ctx context.Context) error {
		got := connectTried(t, ctx, "192.0.2.1:http", connectNames(net.DefaultResolver))
		if !slices.Equal(got, []string{"tcp 192.0.2.1:80"}) {
			t.Errorf("it has tried %v", got)
		}
		_, _, err := OpenConnection(ctx, "192.0.2.1:nonsense")
		if unknown := (*net.DNSError)(nil); !errors.As(err, &unknown) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestResolvingOfUnknownHostsFails(t *testing.T) {
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, "example.com:80", connectNames(&connectResolver{}), Dial(connectRefusing()))
		if unknown := (*net.DNSError)(nil); !errors.As(err, &unknown) || unknown.Name != "example.com" {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestResolvingToNoAddressFails(t *testing.T) {
	names := connectNames(&connectResolver{hosts: map[string][]string{"none": {}, "six": {"2001:db8::1"}}})
	run(t, func(ctx context.Context) error {
		for _, address := range []string{"none:80", "six:80", "[2001:db8::1]:80"} {
			_, _, err := OpenConnection(ctx, address, names, Dial(connectRefusing()), Network("tcp4"))
			if unknown := (*net.DNSError)(nil); !errors.As(err, &unknown) || !unknown.IsNotFound {
				t.Errorf("%s: the error is %v", address, err)
			}
		}
		return nil
	})
}

func TestResolvingThatIsCancelledEndsAtOnce(t *testing.T) {
	names := &connectResolver{hosts: map[string][]string{"example.com": {"192.0.2.1"}}, block: make(chan struct{})}
	run(t, func(ctx context.Context) error {
		connecting := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "example.com:80", connectNames(names), Dial(connectRefusing()))
			return err
		})
		if err := task.Yield(ctx); err != nil {
			return err
		}
		connecting.Cancel()
		if err := connecting.Join(ctx); !future.IsCancelled(err) {
			t.Errorf("the error is %v", err)
		}
		close(names.block) // only now
		return nil
	})
}
