package museum

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// In March 2023 users of ChatGPT were shown the titles of other users' chats. The client of
// a database gave a connection back to its pool when a request was cancelled, with the answer
// still on its way; whoever asked next got that answer (redis-py#2624).

// Client asks a server, over connections that its users share.
type Client struct {
	pool *sync.Queue[conn]
	dial func(ctx context.Context) conn
}

// Get returns the value of a key.
func (c *Client) Get(ctx context.Context, key string) (string, error) {
	conn, err := c.pool.Get(ctx)
	if err != nil {
		return "", err
	}
	defer c.pool.PutNowait(conn) // back it goes, with the answer still on its way
	if err := conn.send(ctx, key); err != nil {
		return "", err
	}
	return conn.reply(ctx)
}

// GetMended gives a connection back only if it has nothing under way.
func (c *Client) GetMended(ctx context.Context, key string) (value string, err error) {
	conn, err := c.pool.Get(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			conn.w.Abort()
			conn = c.dial(ctx)
		}
		_ = c.pool.PutNowait(conn) // there is room: it has been taken out
	}()
	if err := conn.send(ctx, key); err != nil {
		return "", err
	}
	return conn.reply(ctx)
}

// conn is a connection on which a line is answered by a line.
type conn struct {
	r *streams.Reader
	w *streams.Writer
}

func (c conn) send(ctx context.Context, line string) error {
	return c.w.WriteAll(ctx, []byte(line+"\n"))
}

func (c conn) reply(ctx context.Context) (string, error) {
	line, err := c.r.ReadLine(ctx)
	return strings.TrimSuffix(string(line), "\n"), err
}

// newClient returns a client with one connection. A new task of serve is at its other end.
func newClient(ctx context.Context, serve func(ctx context.Context, c conn)) *Client {
	client := &Client{pool: sync.NewQueue[conn](0)}
	client.dial = func(ctx context.Context) conn {
		near, far, _ := streams.Pair(ctx)
		serve(ctx, conn{far.R, far.W})
		return conn{near.R, near.W}
	}
	_ = client.pool.PutNowait(client.dial(ctx)) // the queue has no limit
	return client
}

// serve answers the requests of one connection, 10 ms each, until that is closed.
func serve(ctx context.Context, c conn) error {
	defer c.w.Close()
	for key, err := range c.r.Lines(ctx) {
		if err != nil {
			return nil // the client has hung up
		}
		if err := task.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if err := c.send(ctx, fmt.Sprintf("value of %s", strings.TrimSpace(string(key)))); err != nil {
			return nil
		}
	}
	return nil
}
