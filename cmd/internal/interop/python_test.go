package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/goasyncio/asyncio/cmd/internal/interpreters"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

var pythons = sync.OnceValues(func() ([]interpreters.Python, []error) {
	return interpreters.Pythons(context.Background())
})

// python returns the newest CPython whose streams have start_tls, or skips the test.
func python(t *testing.T) interpreters.Python {
	t.Helper()
	found, broken := pythons()
	for _, p := range found {
		if p.CPython(3, 11) {
			t.Log(p)
			return p
		}
	}
	for _, err := range broken {
		t.Log(err)
	}
	t.Skip("there is no CPython 3.11 or newer on the PATH")
	return interpreters.Python{}
}

// inTheClearAndWithTLS runs a test twice. The authority is nil the first time.
func inTheClearAndWithTLS(t *testing.T, test func(t *testing.T, a *authority)) {
	t.Run("plain", func(t *testing.T) { test(t, nil) })
	t.Run("TLS", func(t *testing.T) { test(t, newAuthority(t)) })
}

// prints is what CPython should print.
func (c conversation) prints(text string, secure bool, client net.Addr) string {
	half := "True"
	if secure {
		half, text = "False", "TLSv1.3\n"+text
	}
	if client != nil {
		text = strings.ReplaceAll(text, "$client", fmt.Sprint(client.(*net.TCPAddr).Port))
	}
	return strings.ReplaceAll(text, "$half", half)
}

func TestPythonClientTalksToOurServer(t *testing.T) {
	p := python(t)
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			inTheClearAndWithTLS(t, func(t *testing.T, a *authority) {
				var opts []streams.Option
				if a != nil {
					opts = append(opts, streams.TLS(a.server))
				}
				serve(t, c.server, func(ctx context.Context, address string) error {
					return pythonClient(ctx, t, p, c, address, a)
				}, opts...)
			})
		})
	}
}

// pythonClient runs CPython's client against a server of ours, and compares what it prints.
func pythonClient(ctx context.Context, t *testing.T, p interpreters.Python, c conversation, address string, a *authority) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	command := append(p.Command[:len(p.Command):len(p.Command)], "testdata/client.py", c.name, host, port)
	if a != nil {
		command = append(command, a.cafile)
	}
	got, _, err := output(ctx, command...)
	t.Logf("CPython printed:\n%s", got)
	if want := c.prints(c.clientPrints, a != nil, nil); got != want {
		t.Errorf("not\n%s", want)
	}
	return err
}

func TestPythonServerTalksToOurClient(t *testing.T) {
	p := python(t)
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			inTheClearAndWithTLS(t, func(t *testing.T, a *authority) {
				talkToPython(t, p, c, a, func(ctx context.Context, address string) (*streams.Reader, *streams.Writer, error) {
					if a == nil {
						return streams.OpenConnection(ctx, address)
					}
					r, w, err := streams.OpenConnection(ctx, address, streams.TLS(a.client))
					if err == nil {
						err = isTLS13(w)
					}
					return r, w, err
				})
			})
		})
	}
}

// talkToPython starts CPython's server, talks to it with a client of ours, and compares what it prints.
func talkToPython(
	t *testing.T, p interpreters.Python, c conversation, a *authority,
	connect func(ctx context.Context, address string) (*streams.Reader, *streams.Writer, error),
) {
	args := append(p.Command[1:len(p.Command):len(p.Command)], "testdata/server.py", c.name)
	if a != nil {
		args = append(args, a.certfile, a.keyfile)
	}
	cmd := exec.CommandContext(t.Context(), p.Command[0], args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	port, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(errors.Join(err, cmd.Wait()), complaint.String())
	}
	var local net.Addr
	run(t, func(ctx context.Context) error {
		r, w, err := connect(ctx, "127.0.0.1:"+strings.TrimSpace(port))
		if err != nil {
			return err
		}
		local = w.LocalAddr()
		if err := c.client(ctx, r, w); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		return task.WithTimeout(ctx, patience/2, w.WaitClosed)
	})
	if t.Failed() {
		_ = cmd.Process.Kill()
	}
	got, err := io.ReadAll(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Error(err, complaint.String())
	}
	t.Logf("CPython printed:\n%s", got)
	if local == nil {
		return
	}
	if want := c.prints(c.serverPrints, a != nil, local); string(got) != want {
		t.Errorf("not\n%s", want)
	}
}

func isTLS13(w *streams.Writer) error {
	state, ok := w.ConnectionState()
	if !ok || state.Version != tls.VersionTLS13 {
		return fmt.Errorf("the connection has %s, not TLS 1.3", tls.VersionName(state.Version))
	}
	return nil
}

// startTLS is the conversation that begins in the clear.
func startTLS(a *authority) conversation {
	return conversation{
		name: "starttls",
		client: func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
			if err := w.WriteAll(ctx, []byte("STARTTLS\n")); err != nil {
				return err
			}
			answer, err := r.ReadLine(ctx)
			if err := expect(err, answer, "go ahead\n"); err != nil {
				return err
			}
			config := a.client.Clone()
			config.ServerName = "localhost"
			if err := w.StartTLS(ctx, config); err != nil {
				return err
			}
			if err := w.WriteAll(ctx, []byte("a secret\n")); err != nil {
				return err
			}
			answer, err = r.ReadLine(ctx)
			return errors.Join(expect(err, answer, "a secret\n"), isTLS13(w))
		},
		server: func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
			request, err := r.ReadLine(ctx)
			if err := expect(err, request, "STARTTLS\n"); err != nil {
				return err
			}
			if err := w.WriteAll(ctx, []byte("go ahead\n")); err != nil {
				return err
			}
			if err := w.StartTLS(ctx, a.server); err != nil {
				return err
			}
			secret, err := r.ReadLine(ctx)
			if err := errors.Join(err, isTLS13(w)); err != nil {
				return err
			}
			return w.WriteAll(ctx, secret)
		},
		clientPrints: "Received: b'a secret\\n'\n",
		serverPrints: "Received: b'a secret\\n'\n",
	}
}

func TestPythonClientStartsTLSWithOurServer(t *testing.T) {
	p, a := python(t), newAuthority(t)
	c := startTLS(a)
	serve(t, c.server, func(ctx context.Context, address string) error { return pythonClient(ctx, t, p, c, address, a) })
}

func TestPythonServerStartsTLSWithOurClient(t *testing.T) {
	p, a := python(t), newAuthority(t)
	talkToPython(t, p, startTLS(a), a, func(ctx context.Context, address string) (*streams.Reader, *streams.Writer, error) {
		return streams.OpenConnection(ctx, address)
	})
}
