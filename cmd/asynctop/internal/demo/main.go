// Demo is a program to look into: a shop on an event loop that does nothing wrong until it is told to.
//
//	go run ./cmd/asynctop/internal/demo
//
// It prints how to look at it, by asynctop or a browser. Lines on its standard input, or the flag -do, have it block the
// loop, deadlock, leak tasks and so on; "help" lists them.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl+C ends the program at once, also when the loop is blocked.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	web    string
	faults []fault
	after  time.Duration
	hold   time.Duration
	debug  bool
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.web, "http", "localhost:6060", "serve the page at this `address`, or nowhere if it is empty")
	do := flags.String("do", "", "do these `faults`, as block,deadlock,leak, one each second")
	flags.DurationVar(&o.after, "after", 2*time.Second, "begin with -do after this `time`")
	flags.DurationVar(&o.hold, "for", 3*time.Second, "block, mutex and compute hold the loop for this `time`")
	flags.BoolVar(&o.debug, "debug", false, "run the loop in debug mode, which records where tasks are created")
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage: demo [flags]\n\nRuns a program to look into. What it can do wrong, by -do or a line on its input:\n"+
			faultList()+"\nFlags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *do != "" {
		for name := range strings.SplitSeq(*do, ",") {
			f, ok := findFault(name)
			if !ok {
				return nil, fmt.Errorf("-do: there is no %q: it is a list of %s", name, faultNames())
			}
			o.faults = append(o.faults, f)
		}
	}
	return o, nil
}

// run runs the shop until ctx ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	m := monitor.New()
	defer m.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel(nil)
	if err := serve(ctx, cancel, &serving, m, o.web, stdout); err != nil {
		return err
	}
	runOptions := []task.RunOption{task.WithLoopOptions(m.Watch(), loop.WithLogger(slog.New(slog.NewTextHandler(stderr, nil))))}
	if o.debug {
		runOptions = append(runOptions, task.WithDebug())
	}
	// The end of ctx ends the loop as Ctrl+C would.
	err = task.Main(ctx, func(ctx context.Context) error {
		s, err := open(ctx, m, o.hold)
		if err != nil {
			return err
		}
		go readFaults(stdin, stdout, loop.Running(ctx), s)
		return s.run(ctx, o.faults, o.after, stdout)
	}, runOptions...)
	if ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || future.IsCancelled(err)) {
		err = nil
	}
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// serve shows the monitor at a socket and by a web server, and prints where. The goroutines end with ctx.
func serve(ctx context.Context, fail context.CancelCauseFunc, serving *sync.WaitGroup, m *monitor.Monitor, web string, stdout io.Writer) error {
	ready := make(chan net.Addr, 1)
	failed := make(chan error, 1)
	serving.Go(func() {
		err := debughttp.Listen(ctx, m, "", debughttp.AllowCancel(), debughttp.Announce(func(a net.Addr) { ready <- a }))
		failed <- err
		if ctx.Err() == nil {
			fail(err)
		}
	})
	select {
	case err := <-failed:
		return err
	case <-ready:
	}
	fmt.Fprintf(stdout, "Look at it from another terminal:\n  go run ./cmd/asynctop %[1]d\n  go run ./cmd/asynctop %[1]d ps\n", os.Getpid())
	if web != "" {
		l, err := net.Listen("tcp", web)
		if err != nil {
			return fmt.Errorf("-http: %w", err)
		}
		mux := http.NewServeMux()
		mux.Handle("/debug/asyncio/", debughttp.Handler(m, debughttp.AllowCancel()))
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				fail(err)
			}
		})
		serving.Go(func() {
			<-ctx.Done()
			_ = server.Close()
		})
		fmt.Fprintf(stdout, "or with a browser:\n  http://%s/debug/asyncio/\n", l.Addr())
	}
	fmt.Fprintf(stdout, "Then type here what is to go wrong, and Enter:\n%s", faultList())
	return nil
}

// readFaults does what the user types.
func readFaults(stdin io.Reader, stdout io.Writer, l *loop.Loop, s *shop) {
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		name := strings.TrimSpace(lines.Text())
		f, ok := findFault(name)
		switch {
		case name == "":
		case !ok:
			fmt.Fprintf(stdout, "there is no %q; what there is:\n%s", name, faultList())
		default:
			if _, err := l.CallSoonThreadsafe(func() { s.do(f, stdout) }); err != nil {
				return // the loop is closed
			}
		}
	}
}
