package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// client asks the monitor of one program.
type client struct {
	base    url.URL
	http    *http.Client
	timeout time.Duration
	loop    int // 0 for all
	pid     int
	second  func() <-chan time.Time // after which the program has newer stats
	time    time.Time               // of the program, when it answered first
}

// mounted is where programs mount the handler, if they do as its documentation shows.
const mounted = "debug/asyncio/"

// connect finds the monitor that is meant, and makes sure that it answers.
func connect(ctx context.Context, o *options) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	p, err := locate(o.address, debughttp.Sockets)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{}
	if p.network != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, p.network, p.address)
		}
	}
	c := &client{base: p.base, http: &http.Client{Transport: transport}, timeout: o.timeout, loop: o.loop,
		second: func() <-chan time.Time { return time.After(time.Second) }}
	err = c.greet(ctx)
	if errors.Is(err, errNoMonitor) && p.guess {
		c.base.Path += mounted
		if c.greet(ctx) == nil {
			return c, nil
		}
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// greet asks who is there.
func (c *client) greet(ctx context.Context) error {
	loops, err := get[debughttp.Loops](ctx, c, "loops", nil)
	if err == nil && loops.V == 0 {
		err = fmt.Errorf("%s: %w", c.base.Redacted(), errNoMonitor)
	}
	c.pid, c.time = loops.PID, loops.Time
	return err
}

func (c *client) close() { c.http.CloseIdleConnections() }

// errNoMonitor means that something answers, but no monitor.
var errNoMonitor = errors.New("no monitor is served there")

// get asks for a document.
func get[T any](ctx context.Context, c *client, path string, query url.Values) (T, error) {
	var doc T
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.ask(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return doc, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&doc); err != nil {
		if ctx.Err() != nil {
			return doc, c.failure(path, err)
		}
		return doc, fmt.Errorf("%s%s: %w: %w", c.base.Redacted(), path, errNoMonitor, err)
	}
	return doc, nil
}

// ask sends a request. The answer's status is 200.
func (c *client) ask(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	u := c.base
	u.Path += path
	if c.loop != 0 {
		if query == nil {
			query = make(url.Values)
		}
		query.Set("loop", strconv.Itoa(c.loop))
	}
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, c.failure(path, err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	var said debughttp.Error
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said); err == nil && said.Error != "" {
		if said.Blocked != nil {
			return nil, &blockedError{said.Blocked}
		}
		return nil, fmt.Errorf("%s: %s", path, said.Error)
	}
	return nil, fmt.Errorf("%s%s: %w: %s", c.base.Redacted(), path, errNoMonitor, answer.Status)
}

// blockedError means that a loop could not answer, because something holds it.
type blockedError struct{ incident *monitor.Incident }

func (e *blockedError) Error() string {
	return fmt.Sprintf("loop %d can't answer: %s", e.incident.Loop, blockedText(e.incident))
}

// failure explains why there is no answer.
func (c *client) failure(path string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: no answer in %v", path, c.timeout)
	}
	return fmt.Errorf("%s: no answer: %w", path, err)
}

// cancel asks for the cancellation of a task.
func (c *client) cancel(ctx context.Context, t monitor.Task) error {
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	body, err := json.Marshal(debughttp.Cancel{Loop: t.Loop, Task: t.ID, Name: t.Name})
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, http.MethodPost, "cancel", nil, body)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// events calls fn for each event that the server sends, until fn or the connection fails.
func (c *client) events(ctx context.Context, fn func(event string, data []byte) error) error {
	answer, err := c.ask(ctx, http.MethodGet, "events", nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var event string
	var data []byte
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if len(data) > 0 {
				if err := fn(event, data); err != nil {
					return err
				}
			}
			event, data = "", nil
		case field == "event":
			event = value
		case field == "data":
			if len(data) > 0 {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
}
