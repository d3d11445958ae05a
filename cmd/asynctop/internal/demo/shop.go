package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/streams"
)

// shop is the healthy part: customers put orders into a queue, clerks take them, ask a server for prices, look into the
// store, and have the goods packed.
type shop struct {
	loop    *loop.Loop
	orders  *sync.Queue[int]
	backlog *sync.Queue[int] // of letters that nobody answers: empty until it is told to grow
	prices  *streams.Server
	sold    int
	hold    time.Duration // how long a fault holds the loop
	rand    *rand.Rand
}

const clerks = 4

// open opens the shop, on the loop that ctx carries.
func open(ctx context.Context, m *monitor.Monitor, hold time.Duration) (*shop, error) {
	s := &shop{
		loop: loop.Running(ctx), orders: sync.NewQueue[int](100), backlog: new(sync.Queue[int]),
		rand: rand.New(rand.NewPCG(1, 2)), hold: hold,
	}
	sync.TrackHolders(s.loop, true) // so that tasks that wait for each other's locks are noticed
	m.Gauge("orders", s.orders.Size)
	m.Gauge("backlog", s.backlog.Size)
	var err error
	s.prices, err = streams.StartServer(ctx, s.price, "127.0.0.1:0",
		streams.TaskName(func(peer net.Addr) string { return "server-of-" + peer.String() }))
	return s, err
}

// run runs the shop until ctx ends. After some time it does the faults, one each second.
func (s *shop) run(ctx context.Context, faults []fault, after time.Duration, stdout io.Writer) error {
	defer s.prices.Close()
	return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
		g.Go(s.customers, task.Name("customers"))
		for n := range clerks {
			g.Go(s.clerk, task.Name(fmt.Sprintf("clerk-%d", n+1)))
		}
		for _, f := range faults {
			if err := task.Sleep(ctx, after); err != nil {
				return err
			}
			s.do(f, stdout)
			after = time.Second
		}
		return nil
	})
}

// some returns a time up to most.
func (s *shop) some(most time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(most)))
}

func (s *shop) customers(ctx context.Context) error {
	for number := 1; ; number++ {
		if err := task.Sleep(ctx, s.some(40*time.Millisecond)); err != nil {
			return err
		}
		if err := s.orders.Put(ctx, number); err != nil {
			return err
		}
	}
}

func (s *shop) clerk(ctx context.Context) error {
	r, w, err := streams.OpenConnection(ctx, s.prices.Addrs()[0].String())
	if err != nil {
		return err
	}
	defer w.Close()
	for order, err := range s.orders.All(ctx) {
		if err != nil {
			return err
		}
		if err := s.serve(ctx, order, r, w); err != nil {
			return err
		}
	}
	return nil
}

// serve looks up price and stock of an order at the same time, and has it packed on a thread.
func (s *shop) serve(ctx context.Context, order int, r *streams.Reader, w *streams.Writer) error {
	name := strconv.Itoa(order)
	err := task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
		g.Go(inquiry{name, r, w}.fetch, task.Name("price-"+name))
		g.Go(s.stock, task.Name("stock-"+name))
		return nil
	})
	if err != nil {
		return err
	}
	_, err = task.ToThread(ctx, pack)
	s.sold++
	return err
}

// inquiry is a question to the server.
type inquiry struct {
	what string
	r    *streams.Reader
	w    *streams.Writer
}

// fetch asks the server for a price.
func (i inquiry) fetch(ctx context.Context) error {
	if err := i.w.WriteAll(ctx, []byte(i.what+"\n")); err != nil {
		return err
	}
	_, err := i.r.ReadLine(ctx)
	return err
}

// price is the server's handler.
func (s *shop) price(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if err := task.Sleep(ctx, s.some(10*time.Millisecond)); err != nil {
			return err
		}
		if err := w.WriteAll(ctx, fmt.Appendf(nil, "%s costs %d\n", bytes.TrimSpace(line), s.rand.IntN(100))); err != nil {
			return err
		}
	}
	return nil
}

// stock looks into the store.
func (s *shop) stock(ctx context.Context) error { return task.Sleep(ctx, s.some(50*time.Millisecond)) }

// pack stands for a function that blocks, and so runs on a thread.
func pack(context.Context) (struct{}, error) {
	time.Sleep(5 * time.Millisecond)
	return struct{}{}, nil
}
