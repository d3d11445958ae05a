package streams_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// The examples of the asyncio documentation, and some more. Client and server are in one
// program here, and so in one loop; they need not be. Servers take a port that is free.

// run is task.Main of an example.
func run(main func(ctx context.Context) error) {
	if err := task.Main(context.Background(), main); err != nil {
		fmt.Println("error:", err)
	}
}

// handleEcho is called for each client, in a task of its own. When it returns, the
// connection is closed.
func handleEcho(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	message, err := r.Read(ctx, 100)
	if err != nil {
		return err
	}
	fmt.Printf("server received %q\n", message)
	return w.WriteAll(ctx, message)
}

// echoClient says something and listens.
func echoClient(ctx context.Context, address, message string) error {
	r, w, err := streams.OpenConnection(ctx, address)
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Printf("client sends %q\n", message)
	if err := w.WriteAll(ctx, []byte(message)); err != nil {
		return err
	}
	answer, err := r.Read(ctx, 100)
	fmt.Printf("client received %q\n", answer)
	return err
}

// The documentation's TCP echo server and TCP echo client.
func Example_echo() {
	run(func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, handleEcho, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		return echoClient(ctx, server.Addrs()[0].String(), "Hello World!")
	})
	// Output:
	// client sends "Hello World!"
	// server received "Hello World!"
	// client received "Hello World!"
}

// printHTTPHeaders asks a web server for the headers of a page. For an address that begins
// with https it would give OpenConnection the option streams.TLS(&tls.Config{}).
func printHTTPHeaders(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	r, w, err := streams.OpenConnection(ctx, u.Host)
	if err != nil {
		return err
	}
	defer w.Close() // the body is not read
	query := fmt.Sprintf("HEAD %s HTTP/1.0\r\nHost: %s\r\n\r\n", u.Path, u.Hostname())
	if err := w.WriteAll(ctx, []byte(query)); err != nil {
		return err
	}
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			fmt.Printf("HTTP header> %s\n", line)
		}
	}
	return nil
}

// The documentation's "get HTTP headers", with a web server that has one page.
func Example_httpHeaders() {
	web := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		if _, err := r.ReadUntil(ctx, []byte("\r\n\r\n")); err != nil {
			return err
		}
		return w.WriteAll(ctx, []byte("HTTP/1.0 200 OK\r\nServer: asyncio for Go\r\nContent-Length: 6\r\n\r\n"))
	}
	run(func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, web, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		return printHTTPHeaders(ctx, "http://"+server.Addrs()[0].String()+"/")
	})
	// Output:
	// HTTP header> HTTP/1.0 200 OK
	// HTTP header> Server: asyncio for Go
	// HTTP header> Content-Length: 6
}

// A line protocol: a store of words that all clients share. Lines ends when the client
// leaves.
func Example_lines() {
	words := make(map[string]string) // needs no lock: one handler runs at a time
	answer := func(line string) string {
		command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		key, value, _ := strings.Cut(rest, " ")
		switch command {
		case "set":
			words[key] = value
			return "ok"
		case "get":
			return words[key]
		}
		return "what?"
	}
	handle := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			if err := w.WriteAll(ctx, []byte(answer(string(line))+"\n")); err != nil {
				return err
			}
		}
		return nil
	}
	run(func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, handle, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := streams.OpenConnection(ctx, server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		for _, request := range []string{"set parrot resting", "get parrot", "wake parrot"} {
			// ReadLine waits as long as it takes. For a limit: task.WithTimeout.
			if err := w.WriteAll(ctx, []byte(request+"\n")); err != nil {
				return err
			}
			line, err := r.ReadLine(ctx)
			if err != nil {
				return err
			}
			fmt.Printf("%s: %s", request, line)
		}
		return nil
	})
	// Output:
	// set parrot resting: ok
	// get parrot: resting
	// wake parrot: what?
}
