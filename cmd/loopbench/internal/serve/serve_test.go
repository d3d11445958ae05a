package serve_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// childRequest makes the test binary a server.
const childRequest = "SERVE_TEST_TASK"

func TestMain(m *testing.M) {
	if request, ok := os.LookupEnv(childRequest); ok {
		var task serve.Task
		err := json.Unmarshal([]byte(request), &task)
		if err == nil {
			err = serve.Run(task, greet, os.Stdin, os.Stdout)
		}
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// greet greets each client, after the work of some milliseconds.
func greet(ctx context.Context, config *tls.Config, ready func(string)) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	address := listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	ready(address)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		sum := 1
		for i := range 20_000_000 {
			sum = sum*31 + i
		}
		_, _ = conn.Write([]byte{'h', 'i', byte(sum)})
		_ = conn.Close()
	}
}

func start(t *testing.T, service string) *serve.Server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server, err := serve.Start(t.Context(), service, func(task serve.Task) program.Command {
		request, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		return program.Command{Path: self, Env: []string{childRequest + "=" + string(request)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func greeting(t *testing.T, server *serve.Server) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if server.TLS != nil {
		conn = tls.Client(conn, server.TLS)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:2])
}

func TestServerTellsWhatItHasUsed(t *testing.T) {
	server := start(t, "greeting")
	before, err := server.Usage(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if got := greeting(t, server); got != "hi" {
		t.Fatalf("got %q", got)
	}
	after, err := server.Usage(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if before.CPU == 0 || before.Resident == 0 {
		t.Skip("this system does not tell")
	}
	if after.CPU <= before.CPU {
		t.Errorf("work took no processor time: %v before, %v after", before.CPU, after.CPU)
	}
}

func TestServerOfTLSHasACertificateThatItsClientTrusts(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	server := start(t, "greeting_tls")
	if got := greeting(t, server); got != "hi" {
		t.Fatalf("got %q", got)
	}
	files := func() []string {
		found, err := filepath.Glob(filepath.Join(temporary, "*", "*.pem"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := files(); len(got) != 2 {
		t.Errorf("files of the certificate: %q", got)
	}
	server.Close()
	if got := files(); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestServerEndsWithItsInput(t *testing.T) {
	input, questions := io.Pipe()
	answers, output := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve.Run(serve.Task{Service: "greeting"}, greet, input, output) }()
	decoder := json.NewDecoder(answers)
	var hello struct{ Address string }
	if err := decoder.Decode(&hello); err != nil || hello.Address == "" {
		t.Fatalf("got %+v, %v", hello, err)
	}
	if _, err := io.WriteString(questions, "{\"collect\":true}\n"); err != nil {
		t.Fatal(err)
	}
	var used map[string]float64
	if err := decoder.Decode(&used); err != nil || len(used) != 2 {
		t.Errorf("got %v, %v", used, err)
	}
	_ = questions.Close()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if conn, err := net.Dial("tcp", hello.Address); err == nil {
		conn.Close()
		t.Error("still listens")
	}
}

func TestServerThatFailsSaysSo(t *testing.T) {
	why := errors.New("no port left")
	fails := func(context.Context, *tls.Config, func(string)) error { return why }
	err := serve.Run(serve.Task{Service: "greeting"}, fails, strings.NewReader(""), io.Discard)
	if !errors.Is(err, why) || !strings.Contains(err.Error(), "greeting") {
		t.Errorf("got %v", err)
	}
	err = serve.Run(serve.Task{Service: "greeting_tls", Certificate: t.TempDir()}, greet, strings.NewReader(""), io.Discard)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a certificate: %v", err)
	}
	_, err = serve.Start(t.Context(), "greeting", func(serve.Task) program.Command {
		return program.Command{Path: filepath.Join(t.TempDir(), "none")}
	})
	if err == nil {
		t.Error("a program that is not there was started")
	}
}
