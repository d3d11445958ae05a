package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// lab compiles a mutated package with the tests that use it, and runs them.
type lab struct {
	directory string // for everything that it writes
	overlay   string
	subject   subject
	grace     time.Duration // how much longer than usual the tests may take

	mu      sync.Mutex
	benches map[suite]*bench // compiled so far
}

// bench is one compiled suite.
type bench struct {
	binary  string
	timeout time.Duration
}

func newLab(m *mutated, s subject, grace time.Duration) (*lab, error) {
	directory, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	l := &lab{
		directory: directory,
		overlay:   filepath.Join(directory, "overlay.json"),
		subject:   s,
		grace:     grace,
		benches:   map[suite]*bench{},
	}
	if err := l.write(m); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.directory) }

func (l *lab) write(m *mutated) error {
	replace := map[string]string{}
	for path, content := range m.files {
		original, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		replace[original] = filepath.Join(l.directory, filepath.Base(path))
		if err := os.WriteFile(replace[original], content, 0o666); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(l.overlay, text, 0o666)
}

// bench returns the compiled suite. The tests must pass while no mutant is switched on;
// their time says how long a mutant may take.
func (l *lab) bench(s suite) (*bench, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.benches[s]; b != nil {
		return b, nil
	}
	b := &bench{binary: filepath.Join(l.directory, strings.ReplaceAll(s.directory, "/", "-")+".test"), timeout: 5 * time.Minute}
	compile := exec.Command("go", "test", "-c", "-overlay", l.overlay, "-o", b.binary, "./"+s.directory)
	if text, err := compile.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the mutants do not compile: %w\n%s", err, text)
	}
	start := time.Now()
	if failure, text := b.run(s, 0); failure != "" {
		return nil, fmt.Errorf("the tests of %v fail without any mutant: %s\n%s", s, failure, text)
	}
	b.timeout = l.grace + 4*time.Since(start)
	l.benches[s] = b
	return b, nil
}

// run runs the tests on a mutant, and tells what fails. A mutant that keeps the tests
// from coming to an end is noticed too.
func (b *bench) run(s suite, number int) (failure, output string) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	args := []string{"-test.failfast", "-test.timeout=0"}
	if s.args != "" {
		args = append(args, s.args)
	}
	c := limited(ctx, b.binary, args...)
	c.Dir = s.directory
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", numberVariable, number))
	c.WaitDelay = time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	switch {
	case err == nil:
		return "", ""
	case ctx.Err() != nil:
		return "no end", out.String()
	}
	for line := range strings.Lines(out.String()) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			name, _, _ = strings.Cut(name, " ")
			return name, out.String()
		}
	}
	return err.Error(), out.String() // a crash
}

// limited returns a command that may use 4 GB of memory, where there is a shell that can
// see to it: a mutant may be an endless loop that appends.
func limited(ctx context.Context, name string, args ...string) *exec.Cmd {
	shell, err := exec.LookPath("sh")
	if err != nil {
		return exec.CommandContext(ctx, name, args...)
	}
	script := `ulimit -v 4000000 2>/dev/null; exec "$0" "$@"`
	return exec.CommandContext(ctx, shell, append([]string{"-c", script, name}, args...)...)
}

// verdict is what notices a mutant: the zero verdict if nothing does.
type verdict struct {
	suite   suite
	failure string
}

func (v verdict) String() string {
	if v.failure == "" {
		return "survives"
	}
	return fmt.Sprintf("noticed by %s of %s", v.failure, v.suite.directory)
}

// tryAll tells for each mutant what notices it.
func (l *lab) tryAll(mutants []mutant, jobs int, tell func(mutant, verdict)) ([]verdict, error) {
	verdicts, failures := make([]verdict, len(mutants)), make([]error, len(mutants))
	slots := make(chan struct{}, jobs)
	var all sync.WaitGroup
	for i, m := range mutants {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if verdicts[i], failures[i] = l.try(m); failures[i] == nil {
				tell(m, verdicts[i])
			}
		})
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// try runs the tests of the package itself first, and then those above it. These must
// fail twice: most of what comes to them changes nothing, and so many runs meet each test
// that fails once in a thousand times.
func (l *lab) try(m mutant) (verdict, error) {
	for i, s := range slices.Concat(l.subject.own, l.subject.above) {
		b, err := l.bench(s)
		if err != nil {
			return verdict{}, err
		}
		failure, _ := b.run(s, m.number)
		if failure != "" && i >= len(l.subject.own) {
			failure, _ = b.run(s, m.number)
		}
		if failure != "" {
			return verdict{s, failure}, nil
		}
	}
	return verdict{}, nil
}
