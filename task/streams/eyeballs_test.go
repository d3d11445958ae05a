package streams

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func TestInterleavingLetsFamiliesTakeTurns(t *testing.T) {
	for _, test := range []struct {
		first      int
		from, want string
	}{
		{1, "4a 4b 4c 6a 6b", "4a 6a 4b 6b 4c"},
		{1, "6a 4a 4b 4c", "6a 4a 4b 4c"},
		{2, "6a 6b 6c 4a 4b", "6a 6b 4a 6c 4b"},
		{3, "6a 6b 6c 4a 4b", "6a 6b 6c 4a 4b"},
		{9, "6a 6b 4a 4b", "6a 6b 4a 4b"},
		{1, "4a 4b", "4a 4b"},
	} {
		var from []netip.AddrPort
		names := map[netip.AddrPort]string{}
		for _, name := range strings.Fields(test.from) {
			host := map[byte]string{'4': "192.0.2.", '6': "2001:db8::"}[name[0]] + string(name[1]-'a'+'1')
			a := netip.AddrPortFrom(netip.MustParseAddr(host), 80)
			names[a] = name
			from = append(from, a)
		}
		var got []string
		for _, a := range interleaved(from, test.first) {
			got = append(got, names[a])
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s with %d first: %s", test.from, test.first, text)
		}
	}
}

func TestInterleaveChoosesTheOrder(t *testing.T) {
	names := connectNames(&connectResolver{hosts: map[string][]string{
		"h": {"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"},
	}})
	run(t, func(ctx context.Context) error {
		for want, opts := range map[string][]Option{
			"1 2 3 4 5":  {names},
			"1 4 2 5 3":  {names, Interleave(1)},
			"1 2 4 3 5":  {names, Interleave(2), HappyEyeballs(time.Hour)},
			"1 4 2 5 3 ": {names, HappyEyeballs(time.Hour)},
			"1 2 3 4 5 ": {names, HappyEyeballs(time.Hour), Interleave(0)},
		} {
			numbers := strings.NewReplacer("tcp ", "", "[2001:db8::1]:80", "1", "[2001:db8::2]:80", "2",
				"[2001:db8::3]:80", "3", "192.0.2.1:80", "4", "192.0.2.2:80", "5")
			got := numbers.Replace(strings.Join(connectTried(t, ctx, "h:80", opts...), " "))
			if got != strings.TrimSpace(want) {
				t.Errorf("it has tried %s, not %s", got, want)
			}
		}
		return nil
	})
}

// eyeballsNet is a network in which each address has a gate.
type eyeballsNet map[string]*connectGate

func newEyeballsNet(t *testing.T, hosts ...string) (n eyeballsNet, opts []Option) {
	n = eyeballsNet{}
	for _, host := range hosts {
		g := newConnectGate()
		n[host] = g
		t.Cleanup(func() { g.peer.Close() })
	}
	return n, []Option{Dial(n), connectNames(&connectResolver{hosts: map[string][]string{"h": hosts}})}
}

func (n eyeballsNet) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	return n[host].DialContext(ctx, network, address)
}

func TestHappyEyeballsTakesTheFirstThatAnswersAndClosesTheOthers(t *testing.T) {
	n, opts := newEyeballsNet(t, "192.0.2.1", "192.0.2.2", "192.0.2.3")
	first, second, third := n["192.0.2.1"], n["192.0.2.2"], n["192.0.2.3"]
	run(t, func(ctx context.Context) error {
		go func() {
			<-first.called
			<-second.called
			<-third.called
			close(second.open)
		}()
		_, w, err := OpenConnection(ctx, "h:80", append(opts, HappyEyeballs(time.Microsecond))...)
		if err != nil {
			return err
		}
		if w.NetConn() != second.conn {
			t.Error("it is not the second that has won")
		}
		<-first.ended
		<-third.ended
		close(first.open) // these did not heed their contexts
		close(third.open)
		<-first.conn.closed
		<-third.conn.closed
		select {
		case <-second.conn.closed:
			t.Error("the winner is closed")
		default:
		}
		return w.Close()
	})
}

// All attempts succeed in the same iteration, and in those around it.
func TestHappyEyeballsClosesThoseThatSucceedAtTheSameTime(t *testing.T) {
	for steps := range 6 {
		n, opts := newEyeballsNet(t, "192.0.2.1", "192.0.2.2")
		one, other := n["192.0.2.1"], n["192.0.2.2"]
		clock := newConnectClock()
		connectOn(t, clock, func(ctx context.Context) error {
			var won *Writer
			connecting := task.Go(ctx, func(ctx context.Context) (err error) {
				_, won, err = OpenConnection(ctx, "h:80", append(opts, HappyEyeballs(0))...)
				return err
			})
			if err := connectUntil(ctx, one.called, other.called); err != nil {
				return err
			}
			close(other.open)
			clock.awaitHolds(1)
			if err := connectSteps(ctx, steps); err != nil {
				return err
			}
			close(one.open)
			if err := connecting.Join(ctx); err != nil {
				return err
			}
			loser := one.conn
			if won.NetConn() == one.conn {
				loser = other.conn
			}
			<-loser.closed
			return won.Close()
		})
		<-one.conn.closed
		<-other.conn.closed
	}
}

// The calling task is cancelled around the time when an attempt succeeds.
func TestHappyEyeballsCancelledAtEveryInstant(t *testing.T) {
	cancelled := 0
	for steps := range 16 {
		n, opts := newEyeballsNet(t, "192.0.2.1", "192.0.2.2")
		one, other := n["192.0.2.1"], n["192.0.2.2"]
		clock := newConnectClock()
		connectOn(t, clock, func(ctx context.Context) error {
			connecting := task.Go(ctx, func(ctx context.Context) (err error) {
				_, _, err = OpenConnection(ctx, "h:80", append(opts, HappyEyeballs(0))...)
				return err
			})
			if err := connectUntil(ctx, one.called, other.called); err != nil {
				return err
			}
			close(one.open)
			close(other.open)
			clock.awaitHolds(0)
			if err := connectSteps(ctx, steps); err != nil {
				return err
			}
			connecting.Cancel()
			if err := connecting.Join(ctx); future.IsCancelled(err) {
				cancelled++
				<-one.conn.closed
				<-other.conn.closed
			} else if err != nil {
				t.Error(err)
			}
			return nil
		})
		<-one.conn.closed
		<-other.conn.closed
	}
	if cancelled < 3 || cancelled > 15 {
		t.Errorf("%d of 16 connects were cancelled", cancelled)
	}
}

func TestHappyEyeballsWhileTheLoopCloses(t *testing.T) {
	for steps := range 12 {
		n, opts := newEyeballsNet(t, "192.0.2.1", "192.0.2.2")
		one, other := n["192.0.2.1"], n["192.0.2.2"]
		clock := newConnectClock()
		l := newLoop(loop.WithClock(clock))
		l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // tasks are still pending
		_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			task.Go(ctx, func(ctx context.Context) error {
				_, _, err := OpenConnection(ctx, "h:80", append(opts, HappyEyeballs(0))...)
				if err == nil {
					return task.Sleep(ctx, time.Hour)
				}
				return err
			})
			if err := connectUntil(ctx, one.called, other.called); err != nil {
				return err
			}
			close(one.open)
			clock.awaitHolds(1)
			return connectSteps(ctx, steps)
		}))
		if err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		close(other.open)
		<-one.conn.closed
		<-other.conn.closed
	}
}

func TestHappyEyeballsReportsAllErrorsInOrder(t *testing.T) {
	names := connectNames(&connectResolver{hosts: map[string][]string{"h": {"192.0.2.1", "192.0.2.2", "192.0.2.3"}}})
	errs := map[string]error{"192.0.2.1:80": syscall.ECONNREFUSED, "192.0.2.2:80": syscall.EHOSTUNREACH, "192.0.2.3:80": syscall.ETIMEDOUT}
	d := &connectDialer{dial: func(_ context.Context, _, address string) (net.Conn, error) { return nil, errs[address] }}
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, "h:80", names, Dial(d), HappyEyeballs(time.Hour))
		var failed *ConnectError
		want := []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ETIMEDOUT}
		if !errors.As(err, &failed) || !slices.Equal(failed.Errors, want) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestHappyEyeballsWhoseAttemptsAreAllCancelledTimesOut(t *testing.T) {
	n, opts := newEyeballsNet(t, "192.0.2.1", "192.0.2.2")
	connectOn(t, newConnectClock(), func(ctx context.Context) error {
		connecting := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "h:80", append(opts, HappyEyeballs(0))...)
			return err
		})
		if err := connectUntil(ctx, n["192.0.2.1"].called, n["192.0.2.2"].called); err != nil {
			return err
		}
		for _, other := range task.All(ctx) {
			if other != task.Current(ctx) && other.Name() != connecting.Name() {
				other.Cancel()
			}
		}
		err := connecting.Join(ctx)
		var failed *ConnectError
		if !errors.As(err, &failed) || len(failed.Errors) != 1 || !errors.Is(err, future.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	for _, g := range n {
		close(g.open)
		<-g.conn.closed
	}
}
