// Package serve runs the servers of the stream workloads, each in a process of its own, so that its processor time and
// memory are not mixed up with those of the client. It has both ends: Start for the program that measures, Run for the
// process that serves.
//
// A server listens on a free port of the loopback interface and says which in a line of JSON. Then it answers each
// question on its standard input with what it has used so far, until that ends.
package serve

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
)

// Task says what a server process is to do.
type Task struct {
	Service string `json:"service"`
	// Certificate is the directory that has cert.pem and key.pem, "" if the service does without TLS.
	Certificate string `json:"certificate,omitempty"`
}

type hello struct {
	Address string `json:"address"`
}

type question struct {
	// Collect asks for a garbage collection before the answer.
	Collect bool `json:"collect"`
}

// Usage is what a server has used. What the system does not tell is 0.
type Usage struct {
	// CPU is the processor time since its start, user and system, in nanoseconds.
	CPU float64 `json:"cpu_ns"`
	// Resident is its resident memory in bytes.
	Resident float64 `json:"resident"`
}

// Server is a running server process.
type Server struct {
	// Address is where it listens, and TLS how a client talks to it, nil for plain TCP.
	Address string
	TLS     *tls.Config

	program     *program.Process
	certificate string
}

// Start starts a server for a service. The function makes a command of what it is to do.
func Start(ctx context.Context, service string, command func(Task) program.Command) (*Server, error) {
	s := &Server{}
	if strings.HasSuffix(service, "_tls") {
		var err error
		if s.certificate, s.TLS, err = newCertificate(); err != nil {
			return nil, err
		}
	}
	var h hello
	var err error
	if s.program, err = program.Start(ctx, command(Task{Service: service, Certificate: s.certificate}), &h); err != nil {
		s.removeCertificate()
		return nil, err
	}
	s.Address = h.Address
	return s, nil
}

// Usage asks the server what it has used, after a garbage collection if collect is true.
func (s *Server) Usage(ctx context.Context, collect bool) (u Usage, err error) {
	err = s.program.Ask(ctx, question{Collect: collect}, &u)
	return u, err
}

// Close ends the server and waits for it.
func (s *Server) Close() {
	s.program.Close()
	s.removeCertificate()
}

func (s *Server) removeCertificate() {
	if s.certificate != "" {
		_ = os.RemoveAll(s.certificate)
	}
}

// Func serves clients until ctx ends. The configuration is nil for plain TCP. It calls ready once, with the address that
// it listens on.
type Func func(ctx context.Context, config *tls.Config, ready func(address string)) error

// Run is the life of a server process that is compiled into this program: it serves until its input ends.
func Run(task Task, serve Func, input io.Reader, output io.Writer) error {
	config, err := loadCertificate(task.Certificate)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	answered := make(chan error, 1)
	listening := false
	err = serve(ctx, config, func(address string) {
		listening = true
		go func() {
			err := answer(address, input, output)
			answered <- err
			cancel(err)
		}()
	})
	if !listening {
		cancel(nil)
		return fmt.Errorf("serve: %s: %w", task.Service, err)
	}
	// A server that fails ends the process: the goroutine still waits for questions.
	if ctx.Err() == nil {
		return fmt.Errorf("serve: %s: %w", task.Service, err)
	}
	return <-answered
}

// answer says hello, then answers questions until there are no more.
func answer(address string, input io.Reader, output io.Writer) error {
	encoder := json.NewEncoder(output)
	if err := encoder.Encode(hello{Address: address}); err != nil {
		return err
	}
	questions := bufio.NewScanner(input)
	for questions.Scan() {
		var q question
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			return err
		}
		if q.Collect {
			runtime.GC()
		}
		used := Usage{CPU: float64(bench.CPUTime()), Resident: float64(bench.ResidentBytes())}
		if err := encoder.Encode(used); err != nil {
			return err
		}
	}
	return questions.Err()
}
