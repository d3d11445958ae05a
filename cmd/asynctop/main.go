// Asynctop shows what the event loops of a running program do: which task blocks a loop, who waits for whom, what
// leaks.
//
//	asynctop                  the live view of the only program of yours that serves a monitor
//	asynctop 4711             that of process 4711
//	asynctop 4711 ps          its tasks, as a table
//	asynctop localhost:6060 pstree
//	asynctop -h               all commands
//
// The program serves a monitor by package task/monitor/debughttp:
//
//	m := monitor.New()
//	defer m.Close()
//	go debughttp.Listen(ctx, m, "") // a socket that only its user may open
//	err := task.Main(ctx, main, task.WithLoopOptions(m.Watch()))
//
// The exit status is 0 if all is well, 1 if a loop is blocked or tasks are stuck, and 2 if there was no answer, or the
// command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl+C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	well     = 0
	trouble  = 1
	noAnswer = 2
)

// options is what the command line asks for.
type options struct {
	address string
	command string // empty for the live view
	task    uint64 // of stack and cancel

	loop    int
	state   string
	name    string
	sort    string
	limit   int
	by      string
	timeout time.Duration
}

// run is the whole program. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return well
	case err != nil:
		complain(stderr, fmt.Errorf("%w\nrun asynctop -h for help", err))
		return noAnswer
	}
	c, err := connect(ctx, o)
	if err != nil {
		complain(stderr, err)
		return noAnswer
	}
	defer c.close()
	status, err := perform(ctx, c, o, stdin, stdout, stderr)
	if err != nil {
		complain(stderr, err)
		return noAnswer
	}
	return status
}

// complain prints an error. Its text may have come from the program that was asked.
func complain(stderr io.Writer, err error) {
	_, _ = io.WriteString(stderr, printable("asynctop: "+err.Error())+"\n")
}

// parse reads the command line. It has printed the help text if it returns flag.ErrHelp.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("asynctop", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.IntVar(&o.loop, "loop", 0, "show only the loop with this `number`")
	flags.StringVar(&o.state, "state", "", "show only tasks in this `state`: new, ready, running, lent or waiting (ps)")
	flags.StringVar(&o.name, "name", "", "show only tasks whose name or coroutine contains this `text` (ps, live view)")
	flags.StringVar(&o.sort, "sort", "age", "sort tasks by this `column`: age, name, state or coroutine (ps, live view)")
	flags.IntVar(&o.limit, "limit", 1000, "show at most `n` tasks, 0 for all (ps)")
	flags.StringVar(&o.by, "by", "coroutine", "group tasks by this: coroutine, or created, the place where they were created (groups)")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Second, "wait so long for an answer")
	var words []string
	for rest := args; ; { // flags may also come last, where they are added to a line from the history
		if err := flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprint(stderr, usage)
				flags.SetOutput(stderr)
				flags.PrintDefaults()
			}
			return nil, err
		}
		rest = flags.Args()
		if len(rest) == 0 {
			break
		}
		words, rest = append(words, rest[0]), rest[1:]
	}
	if err := o.interpret(words); err != nil {
		return nil, err
	}
	switch {
	case o.timeout <= 0:
		return nil, fmt.Errorf("-timeout: %v: an answer takes some time", o.timeout)
	case o.limit < 0:
		return nil, fmt.Errorf("-limit: there can't be %d tasks", o.limit)
	case o.by != "coroutine" && o.by != "created":
		return nil, fmt.Errorf("-by: there are no groups by %q: it is coroutine or created", o.by)
	case !isColumn(o.sort):
		return nil, fmt.Errorf("-sort: there is no column %q: it is one of %s", o.sort, strings.Join(columns(), ", "))
	case !isState(o.state):
		return nil, fmt.Errorf("-state: there is no state %q: it is one of %s", o.state, strings.Join(states(), ", "))
	}
	return o, nil
}

const usage = `usage: asynctop [flags] [ADDRESS] [COMMAND]

Shows what the event loops of a running program do.

ADDRESS is one of:
  4711                       the id of a process that has called debughttp.Listen with an empty address
  unix:PATH                  a socket
  localhost:6060             a host and a port
  http://HOST/debug/asyncio/ a URL
Without one, it is the only process of yours that listens, or you get a list of them.

COMMAND is one of:
  ps           the tasks: what each waits for, and who awaits it
  pstree       the tasks, each below one that awaits it
  groups       how many tasks run the same coroutine, and how old the oldest is
  stack ID     where a task is
  stuck        tasks that wait for each other
  stats        what the loops have counted
  cancel ID    cancel a task, if the program allows it
  watch        print incidents as they come, one JSON line each
Without one, it is the live view, redrawn each second. There, type ? and Enter for help.

The exit status is 1 if a loop is blocked or tasks are stuck, 2 if there is no answer.

Flags:
`
