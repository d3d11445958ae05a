package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task/streams"
)

// A dialogue is a program that runs, with its input and output. What the program says to standard error is in said.
type dialogue struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said strings.Builder
}

func begin(ctx context.Context, command ...string) (*dialogue, error) {
	d := &dialogue{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	d.cmd.Stderr = &d.said
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.out = bufio.NewReader(out)
	return d, d.cmd.Start()
}

// say writes a line and expects a line.
func (d *dialogue) say(line, want string) error {
	if _, err := io.WriteString(d.in, line); err != nil {
		return err
	}
	got, err := d.out.ReadString('\n')
	return expect(err, []byte(got), want)
}

// end closes the input, and waits for the end of the program.
func (d *dialogue) end() (rest string, err error) {
	err = d.in.Close()
	all, failure := io.ReadAll(d.out)
	return string(all), errors.Join(err, failure, d.cmd.Wait())
}

// openSSL returns the path of the program, or skips the test.
func openSSL(t *testing.T) string {
	t.Helper()
	path := program(t, "openssl")
	version, _, err := output(t.Context(), path, "version")
	if err != nil {
		t.Fatal(err)
	}
	if t.Log(version); !strings.HasPrefix(version, "OpenSSL ") {
		t.Skipf("openssl is %s: OpenSSL is not installed", strings.TrimSpace(version))
	}
	return path
}

// upper answers each line in capitals.
func upper(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if err := w.WriteAll(ctx, []byte(strings.ToUpper(string(line)))); err != nil {
			return err
		}
	}
	return nil
}

// sClient talks to a server that answers in capitals.
func sClient(ctx context.Context, t *testing.T, openssl string, args ...string) error {
	d, err := begin(ctx, append([]string{openssl, "s_client", "-brief", "-verify_return_error"}, args...)...)
	if err != nil {
		return err
	}
	err = d.say("hello\n", "HELLO\n")
	if err == nil {
		err = d.say("how are you\n", "HOW ARE YOU\n")
	}
	rest, failure := d.end()
	t.Logf("openssl s_client printed:\n%s%s", d.said.String(), rest)
	for _, want := range []string{"Protocol version: TLSv1.3", "Verification: OK"} {
		if !strings.Contains(d.said.String(), want) {
			t.Errorf("not %q", want)
		}
	}
	return errors.Join(err, failure)
}

func TestOpenSSLClientTalksToOurServer(t *testing.T) {
	openssl, a := openSSL(t), newAuthority(t)
	serve(t, upper, func(ctx context.Context, address string) error {
		return sClient(ctx, t, openssl, "-connect", address, "-CAfile", a.cafile)
	}, streams.TLS(a.server))
}

// The beginning of a conversation with a mail server, as OpenSSL speaks it.
func TestOpenSSLClientStartsTLSWithOurMailServer(t *testing.T) {
	openssl, a := openSSL(t), newAuthority(t)
	mail := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		answer := "220 mail.example ESMTP\r\n"
		for _, next := range []struct{ command, answer string }{
			{"EHLO", "250-mail.example\r\n250 STARTTLS\r\n"},
			{"STARTTLS", "220 go ahead\r\n"},
		} {
			if err := w.WriteAll(ctx, []byte(answer)); err != nil {
				return err
			}
			line, err := r.ReadLine(ctx)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(string(line), next.command) {
				return fmt.Errorf("%q, not %s", line, next.command)
			}
			answer = next.answer
		}
		if err := w.WriteAll(ctx, []byte(answer)); err != nil {
			return err
		}
		if err := w.StartTLS(ctx, a.server); err != nil {
			return err
		}
		return upper(ctx, r, w)
	}
	serve(t, mail, func(ctx context.Context, address string) error {
		return sClient(ctx, t, openssl, "-connect", address, "-CAfile", a.cafile, "-starttls", "smtp")
	})
}

var accepts = regexp.MustCompile(`^ACCEPT .*:(\d+)\n$`)

// The server sends back each line in reverse.
func TestOpenSSLServerTalksToOurClient(t *testing.T) {
	openssl, a := openSSL(t), newAuthority(t)
	d, err := begin(t.Context(), openssl, "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-rev",
		"-cert", a.certfile, "-key", a.keyfile)
	if err != nil {
		t.Fatal(err)
	}
	var port []string
	for port == nil {
		line, err := d.out.ReadString('\n')
		if err != nil {
			_, failure := d.end()
			t.Fatal(err, failure, d.said.String())
		}
		port = accepts.FindStringSubmatch(line)
	}
	run(t, func(ctx context.Context) error {
		r, w, err := streams.OpenConnection(ctx, "127.0.0.1:"+port[1], streams.TLS(a.client))
		if err != nil {
			return err
		}
		defer w.Close()
		for range 2 {
			if err := w.WriteAll(ctx, []byte("stressed\n")); err != nil {
				return err
			}
			line, err := r.ReadLine(ctx)
			if err := expect(err, line, "desserts\n"); err != nil {
				return err
			}
		}
		if err := w.WriteAll(ctx, []byte("CLOSE\n")); err != nil {
			return err
		}
		rest, err := r.ReadAll(ctx)
		if err := expect(errors.Join(err, isTLS13(w)), rest, ""); err != nil {
			return err
		}
		return w.WaitClosed(ctx)
	})
	if t.Failed() {
		_ = d.cmd.Process.Kill()
	}
	rest, err := d.end()
	t.Logf("openssl s_server printed:\n%s%s", rest, d.said.String())
	if err != nil {
		t.Error(err)
	}
}
