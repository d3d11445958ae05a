package tasktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// probe is a test that may fail: it notes what happens to it.
type probe struct {
	testing.TB
	name     string
	mu       sync.Mutex
	errors   bytes.Buffer
	logs     bytes.Buffer
	output   bytes.Buffer
	failed   bool
	skipped  bool
	returned bool // and was ended neither by FailNow nor by SkipNow
}

// probed calls fn with a test that may fail.
func probed(t *testing.T, fn func(t testing.TB)) *probe {
	p := &probe{TB: t, name: t.Name()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(p)
		p.returned = true
	}()
	<-done
	return p
}

// exploring explores a program in a test that may fail.
func exploring(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) *probe {
	return probed(t, func(t testing.TB) { explore(t, fn, newSettings(opts)) })
}

// cancelling is CancelEverywhere in a test that may fail.
func cancelling(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) *probe {
	return probed(t, func(t testing.TB) { explore(t, fn, cancelSettings(opts)) })
}

func (p *probe) write(b *bytes.Buffer, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.WriteString(strings.TrimSuffix(text, "\n") + "\n")
}

func (p *probe) Name() string                      { return p.name }
func (p *probe) Helper()                           {}
func (p *probe) Log(args ...any)                   { p.write(&p.logs, fmt.Sprintln(args...)) }
func (p *probe) Logf(format string, args ...any)   { p.write(&p.logs, fmt.Sprintf(format, args...)) }
func (p *probe) Output() io.Writer                 { return &p.output }
func (p *probe) Fail()                             { p.failed = true }
func (p *probe) Failed() bool                      { return p.failed }
func (p *probe) Skipped() bool                     { return p.skipped }
func (p *probe) Error(args ...any)                 { p.Fail(); p.write(&p.errors, fmt.Sprintln(args...)) }
func (p *probe) Errorf(format string, args ...any) { p.Error(fmt.Sprintf(format, args...)) }
func (p *probe) Fatal(args ...any)                 { p.Error(args...); p.FailNow() }
func (p *probe) Fatalf(format string, args ...any) { p.Errorf(format, args...); p.FailNow() }
func (p *probe) FailNow()                          { p.Fail(); runtime.Goexit() }
func (p *probe) SkipNow()                          { p.skipped = true; runtime.Goexit() }
func (p *probe) Skip(args ...any)                  { p.Log(args...); p.SkipNow() }
func (p *probe) Skipf(format string, args ...any)  { p.Logf(format, args...); p.SkipNow() }

// fails requires that the test has failed with that error, and returns the token of the
// schedule.
func (p *probe) fails(t *testing.T, want string) (token string) {
	t.Helper()
	if !p.failed || p.returned || !strings.Contains(p.errors.String()+p.output.String(), want) {
		t.Fatalf("the test has not failed with %q: failed %v, %s%s", want, p.failed, &p.errors, &p.output)
	}
	if m := regexp.MustCompile(`-asyncio\.seed=(\S+)`).FindStringSubmatch(p.output.String()); m != nil {
		return m[1]
	}
	return ""
}

// passes requires that the test has passed, and has said that.
func (p *probe) passes(t *testing.T, log string) {
	t.Helper()
	if p.failed || !p.returned || !strings.Contains(p.logs.String(), log) {
		t.Fatalf("the test has not passed with %q: failed %v, %s%s%s", log, p.failed, &p.errors, &p.output, &p.logs)
	}
}

// says requires that the report contains a text.
func (p *probe) says(t *testing.T, want string) {
	t.Helper()
	if !strings.Contains(p.output.String(), want) {
		t.Errorf("the report does not say %q:\n%s", want, &p.output)
	}
}

// withFlags sets the flags for a test.
func withFlags(t *testing.T, f testFlags) {
	saved := flags
	flags = f
	t.Cleanup(func() { flags = saved })
}

// replaying explores a program with -asyncio.seed.
func replaying(t *testing.T, token string, fn func(ctx context.Context, t *T), opts ...Option) *probe {
	t.Helper()
	f := flags
	if err := f.setSeed(token); err != nil {
		t.Fatal(err)
	}
	withFlags(t, f)
	defer func() { flags.seed = seed{} }()
	return exploring(t, fn, opts...)
}

// join waits for tasks, and fails the test if one of them fails.
func join(ctx context.Context, t *T, tasks ...*task.Task[struct{}]) {
	for _, c := range tasks {
		if _, err := c.Await(ctx); err != nil && !c.Cancelled() {
			t.Error(err)
		}
	}
}

// sleepers are two tasks that wake at the same time. It fails if the second one is first.
func sleepers(ctx context.Context, t *T) {
	var order string
	sleep := func(name string) *task.Task[struct{}] {
		return task.Go(ctx, func(ctx context.Context) error {
			err := task.Sleep(ctx, time.Second)
			order += name
			return err
		}, task.Name(name))
	}
	join(ctx, t, sleep("a"), sleep("b"))
	if order != "ab" {
		t.Errorf("the order is %s", order)
	}
}
