package museum

import (
	"context"

	"github.com/goasyncio/asyncio/task"
)

// A cache that reads on a miss, and is invalidated while it reads, keeps a value for ever
// that was old when it was stored.

// Cache keeps what load has read.
type Cache struct {
	load     func() string // of the database; it blocks
	value    string
	valid    bool
	versions int // how often it was invalidated
}

// Get returns the value.
func (c *Cache) Get(ctx context.Context) (string, error) {
	if c.valid {
		return c.value, nil
	}
	value, err := c.read(ctx)
	if err == nil {
		c.value, c.valid = value, true // even if it was invalidated meanwhile
	}
	return value, err
}

// GetMended does not keep a value that may be old.
func (c *Cache) GetMended(ctx context.Context) (string, error) {
	if c.valid {
		return c.value, nil
	}
	version := c.versions
	value, err := c.read(ctx)
	if err == nil && version == c.versions {
		c.value, c.valid = value, true
	}
	return value, err
}

func (c *Cache) read(ctx context.Context) (string, error) {
	return task.ToThread(ctx, func(context.Context) (string, error) { return c.load(), nil })
}

// Invalidate says that the value has changed.
func (c *Cache) Invalidate() {
	c.valid = false
	c.versions++
}
