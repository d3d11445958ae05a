package museum

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// In March 2023 users of ChatGPT were shown the titles of other users' chats. The client of
// a database gave a connection back to its pool when a request was cancelled, with the answer
// still on its way; whoever asked next got that answer (redis-py#2624).

// Client asks a server, over connections that its users share. Requests and answers are lines.
type Client struct {
	pool *sync.Queue[streams.End]
	dial func(ctx context.Context) streams.End
}

// Get returns the value of a key.
func (c *Client) Get(ctx context.Context, key string) (string, error) {
	conn, err := c.pool.Get(ctx)
	if err != nil {
		return "", err
	}
	defer c.pool.PutNowait(conn) // back it goes, with the answer still on its way
	if err := conn.W.WriteAll(ctx, []byte(key+"\n")); err != nil {
		return "", err
	}
	line, err := conn.R.ReadLine(ctx)
	return string(line), err
}

// GetMended gives a connection back only if nothing is on its way.
func (c *Client) GetMended(ctx context.Context, key string) (value string, err error) {
	conn, err := c.pool.Get(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			conn.W.Abort()
			conn = c.dial(ctx)
		}
		_ = c.pool.PutNowait(conn) // the queue has no limit
	}()
	if err := conn.W.WriteAll(ctx, []byte(key+"\n")); err != nil {
		return "", err
	}
	line, err := conn.R.ReadLine(ctx)
	return string(line), err
}

// newClient returns a client with one connection. The function serve is called with the other
// end of each of its connections.
func newClient(ctx context.Context, serve func(ctx context.Context, conn streams.End)) *Client {
	client := &Client{pool: sync.NewQueue[streams.End](0)}
	client.dial = func(ctx context.Context) streams.End {
		near, far, _ := streams.Pair(ctx)
		serve(ctx, far)
		return near
	}
	_ = client.pool.PutNowait(client.dial(ctx)) // the queue has no limit
	return client
}

// serve answers the requests of one connection, 10 ms each, until that is closed.
func serve(ctx context.Context, conn streams.End) error {
	defer conn.W.Close()
	for key, err := range conn.R.Lines(ctx) {
		if err != nil {
			return nil // the client has hung up
		}
		if err := task.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if err := conn.W.WriteAll(ctx, append([]byte("value of "), key...)); err != nil {
			return nil
		}
	}
	return nil
}
