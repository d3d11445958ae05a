package streams

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// HappyEyeballs makes [OpenConnection] try the addresses of a name nearly at the same time,
// as RFC 8305 has it: each is tried when the one before it has failed or has not answered
// for delay, by the loop's clock. The first that answers is taken. Addresses of the two
// families take turns, unless [Interleave] says otherwise. RFC 8305 recommends a delay of
// 250 ms.
//
// A virtual clock does not jump while an attempt is being made, so the delay never passes
// there. The error matches [ErrInvalidArgument] if the delay is negative, and if [Dial]
// sets a dialer of the program, which chooses the address itself. It is asyncio's
// happy_eyeballs_delay.
func HappyEyeballs(delay time.Duration) Option {
	return option("HappyEyeballs", connecting, func(s *settings) error {
		if delay < 0 {
			return s.invalid("HappyEyeballs: the delay must not be negative")
		}
		s.happyEyeballs, s.racing = delay, true
		return nil
	})
}

// Interleave makes [OpenConnection] reorder the addresses of a name so that the families,
// IPv6 and IPv4, take turns, after n of the first. 0 leaves them in the order of the
// resolver. The default is 1 with [HappyEyeballs] and else 0.
//
// The error matches [ErrInvalidArgument] if n is negative, and if [Dial] sets a dialer of
// the program, which chooses the address itself. It is asyncio's interleave.
func Interleave(n int) Option {
	return option("Interleave", connecting, func(s *settings) error {
		if n < 0 {
			return s.invalid("Interleave: the number must not be negative")
		}
		s.interleave, s.ordered = n, true
		return nil
	})
}

// inOrder returns the addresses in the order in which to try them.
func (s *settings) inOrder(addresses []netip.AddrPort) []netip.AddrPort {
	first := s.interleave
	if s.racing && !s.ordered {
		first = 1
	}
	if first == 0 {
		return addresses
	}
	return interleaved(addresses, first)
}

// interleaved lets the families take turns, after so many of the first family.
func interleaved(addresses []netip.AddrPort, first int) []netip.AddrPort {
	var one, other, all []netip.AddrPort
	for _, a := range addresses {
		if a.Addr().Is4() == addresses[0].Addr().Is4() {
			one = append(one, a)
		} else {
			other = append(other, a)
		}
	}
	lead := min(first-1, len(one))
	all, one = append(all, one[:lead]...), one[lead:]
	for i := range max(len(one), len(other)) {
		if i < len(one) {
			all = append(all, one[i])
		}
		if i < len(other) {
			all = append(all, other[i])
		}
	}
	return all
}

// race makes the attempts nearly at the same time. Whatever they have opened beside the
// connection that it returns it closes: more than one may succeed at once, and a
// cancellation may come after the first has.
func (c *connector) race(ctx context.Context, attempts []attempt) (net.Conn, error) {
	opened := make([]dialed, len(attempts))
	failed := make([][]error, len(attempts))
	winner := -1
	defer func() {
		for i, d := range opened {
			if i != winner {
				d.drop()
			}
		}
	}()
	coros := make([]task.Coroutine[struct{}], len(attempts))
	for i, a := range attempts {
		coros[i] = task.Void(func(ctx context.Context) error {
			waiter, err := waitingTask(ctx, c.hub.kernel, c, c.operation)
			if err != nil {
				return err
			}
			d, err := c.try(ctx, waiter, a)
			switch {
			case d.conn != nil:
				opened[i] = d
				return nil
			case err == nil:
				failed[i] = d.errs
				return d.errs[0]
			case !future.IsCancelled(err):
				failed[i] = []error{err}
			}
			return err
		})
	}
	_, index, _, err := task.StaggeredRace(ctx, coros, c.happyEyeballs)
	if err == nil {
		winner = index
		return opened[index].conn, nil
	}
	if _, lost := err.(*task.ExceptionGroup); !lost {
		return nil, err
	}
	errs := slices.Concat(failed...)
	if len(errs) == 0 { // somebody has cancelled the attempts one by one
		errs = []error{&future.TimeoutError{}}
	}
	return nil, &ConnectError{Address: c.address, Errors: errs}
}
