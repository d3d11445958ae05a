package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oracle is CPython itself, which runs the reference interpreter of the
// language on programs that the generator makes. Where CPython is compiled to
// WebAssembly, Node.js runs it by a script.
var (
	//go:embed language/reference.py
	referencePy []byte
	//go:embed language/generate.py
	generatePy []byte
	//go:embed language/wasm.mjs
	wasmMjs []byte
)

// profiles lists the kinds of random programs, which generate.py defines.
func profiles() []string {
	return []string{"core", "combinators", "scopes", "sync", "queues", "eager", "mixed", streamsProfile}
}

// streamsProfile is the kind of programs that need an oracle with sockets.
const streamsProfile = "streams"

// batch is how many programs are compared before the next line about progress.
const batch = 500

type oracle struct {
	python        string // how to run CPython: see findOracle
	seed, profile string
	count         int
	progress      io.Writer
}

// check compares random programs. It returns the exit status.
func (o *oracle) check(c *checker, stderr io.Writer) int {
	rate, err := o.compareAll(c)
	if err != nil {
		fmt.Fprintf(stderr, "conform: -oracle: %v\n", err)
		return misuse
	}
	return c.summary(rate)
}

func (o *oracle) compareAll(c *checker) (rate string, err error) {
	if err := o.validate(); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "conform")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	for name, text := range map[string][]byte{"reference.py": referencePy, "generate.py": generatePy, wasmScript: wasmMjs} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o666); err != nil {
			return "", err
		}
	}
	shares, err := o.shares(context.Background(), filepath.Join(folder, wasmScript))
	if err != nil {
		return "", err
	}
	began, compared := time.Now(), 0
	perSecond := func() int { return int(float64(compared) / time.Since(began).Seconds()) }
	for _, s := range shares {
		err := o.compare(c, folder, s, func(n int) {
			compared += n
			fmt.Fprintf(o.progress, "%d of %d programs, %d failed, %d programs a second\n", compared, o.count, c.failed, perSecond())
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf(" (%d programs a second)", perSecond()), nil
}

// share is the part of the programs that one interpreter runs.
type share struct {
	profile string // "" for all but streams, in turn
	count   int
	python  []string
}

// shares finds the interpreters. If all kinds of programs are wanted, those with streams
// are left out where nothing can run them.
func (o *oracle) shares(ctx context.Context, script string) ([]share, error) {
	find := func(what, profile string, count int) (share, error) {
		python, notes, err := findOracle(ctx, o.python, script, profile == streamsProfile)
		for _, note := range notes {
			fmt.Fprintf(o.progress, "conform: %s\n", note)
		}
		if err == nil {
			fmt.Fprintf(o.progress, "conform: the oracle%s is %v: %s\n", what, python, strings.Join(python.Command, " "))
		}
		return share{profile, count, python.Command}, err
	}
	if o.profile != "" {
		only, err := find("", o.profile, o.count)
		return []share{only}, err
	}
	most, err := find("", "", o.count)
	if err != nil {
		return nil, err
	}
	streams, err := find(" of programs with streams", streamsProfile, o.count/len(profiles()))
	if err != nil {
		fmt.Fprintf(o.progress, "conform: no programs with streams are compared: %v\n", err)
		return []share{most}, nil
	}
	most.count -= streams.count
	if streams.count == 0 {
		return []share{most}, nil
	}
	return []share{most, streams}, nil
}

// validate refuses what cannot work, before anything else happens.
func (o *oracle) validate() error {
	if o.count < 1 {
		return fmt.Errorf("-count: %d: at least one program is needed", o.count)
	}
	if o.profile != "" && !slices.Contains(profiles(), o.profile) {
		return fmt.Errorf("-profile: there is no profile %q: the profiles are %s", o.profile, strings.Join(profiles(), ", "))
	}
	return nil
}

// delivery is a batch of programs with the traces that CPython gave.
type delivery struct {
	specimens []specimen
	err       error
}

// compare lets CPython work on the next batches while the library runs one. It tells done
// how many programs there were in each.
func (o *oracle) compare(c *checker, folder string, s share, done func(int)) error {
	deliveries := make(chan delivery, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer func() {
		stop()
		for range deliveries {
		}
	}()
	go func() {
		defer close(deliveries)
		if err := o.deliver(ctx, folder, s, deliveries); err != nil && ctx.Err() == nil {
			deliveries <- delivery{err: err}
		}
	}()
	for d := range deliveries {
		if d.err != nil {
			return d.err
		}
		if err := c.compare(d.specimens); err != nil {
			return err
		}
		done(len(d.specimens))
	}
	return nil
}

// deliver lets one process generate the programs and another run them, batch by
// batch, until there are enough or ctx ends.
func (o *oracle) deliver(ctx context.Context, folder string, s share, deliveries chan<- delivery) error {
	args := []string{"--seed", o.seed, "--count", strconv.Itoa(s.count)}
	if s.profile != "" {
		args = append(args, "--profile", s.profile)
	}
	generator := newScript(ctx, s.python, filepath.Join(folder, "generate.py"), args...)
	reference := newScript(ctx, s.python, filepath.Join(folder, "reference.py"), "--pipe")
	programs, err := generator.StdoutPipe()
	if err != nil {
		return err
	}
	reference.Stdin = programs
	traces, err := reference.StdoutPipe()
	if err != nil {
		return err
	}
	if err := errors.Join(generator.Start(), reference.Start()); err != nil {
		return err
	}
	// The reference has the pipe now: if it fails, the generator must not wait for
	// somebody to read.
	programs.Close()
	delivered := deliverTraces(ctx, traces, deliveries)
	traces.Close()
	failed := errors.Join(generator.wait(), reference.wait())
	if failed != nil {
		return failed
	}
	return delivered
}

// deliverTraces reads what the reference interpreter writes to its end.
func deliverTraces(ctx context.Context, traces io.Reader, deliveries chan<- delivery) error {
	answers := json.NewDecoder(bufio.NewReader(traces))
	for over := false; !over; {
		var d delivery
		for len(d.specimens) < batch && !over {
			var s specimen
			switch err := answers.Decode(&s); {
			case errors.Is(err, io.EOF):
				over = true
			case err != nil:
				return fmt.Errorf("reference.py: %w", err)
			default:
				d.specimens = append(d.specimens, s)
			}
		}
		if len(d.specimens) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case deliveries <- d:
		}
	}
	return nil
}

// script is a process that runs a script of the language on CPython.
type script struct {
	*exec.Cmd
	name       string
	complaints bytes.Buffer
}

func newScript(ctx context.Context, python []string, path string, args ...string) *script {
	s := &script{Cmd: exec.CommandContext(ctx, python[0]), name: filepath.Base(path)}
	s.Args = append(append(slices.Clone(python), path), args...)
	s.Stderr = &s.complaints
	return s
}

// wait waits for the end of the script. Its error has what the script complained about.
func (s *script) wait() error {
	if err := s.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", s.name, err, s.complaints.Bytes())
	}
	return nil
}
