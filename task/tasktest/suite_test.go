package tasktest_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// order is a suite that notes what runs.
type order struct {
	log     *[]string // of all values
	values  map[string]bool
	ends    string // the method that ends its coroutine, by Fatal or else by Skip
	skips   bool
	ranMain task.Any
}

func (s *order) note(t *tasktest.T, what string) {
	*s.log = append(*s.log, what)
	switch current := task.CurrentOn(t.Loop()); {
	case s.ranMain == nil:
		s.ranMain = current
	case s.ranMain != current:
		t.Errorf("%s runs in another task", what)
	}
	if what == s.ends && s.skips {
		t.Skip("skipped")
	} else if what == s.ends {
		t.Fatal("failed")
	}
}

func (s *order) SetUp(t *tasktest.T) {
	t.Cleanup(func() { *s.log = append(*s.log, "clean-up") })
	t.AsyncCleanup(func(ctx context.Context) error {
		s.note(t, "clean-up on the loop")
		return task.Yield(ctx)
	})
	s.note(t, "SetUp")
}

func (s *order) AsyncSetUp(ctx context.Context, t *tasktest.T) {
	if err := task.Sleep(ctx, time.Second); err != nil {
		t.Error(err)
	}
	s.note(t, "AsyncSetUp")
}

func (s *order) TestB(ctx context.Context, t *tasktest.T) { s.test(ctx, t, "TestB") }
func (s *order) TestA(ctx context.Context, t *tasktest.T) { s.test(ctx, t, "TestA") }

func (s *order) test(ctx context.Context, t *tasktest.T, name string) {
	if s.values == nil {
		s.values = map[string]bool{}
	}
	s.values[name] = true
	if len(s.values) != 1 || t.Elapsed() != time.Second {
		t.Errorf("%s: tests share a value or a loop", name)
	}
	task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, task.Forever) }) // is left
	s.note(t, name)
}

func (s *order) Testing() {} // is none

func (s *order) AsyncTearDown(ctx context.Context, t *tasktest.T) {
	if err := task.Yield(ctx); err != nil {
		t.Error(err)
	}
	s.note(t, "AsyncTearDown")
}

func (s *order) TearDown(t *tasktest.T) { s.note(t, "TearDown") }

func wantLog(t *testing.T, log []string, want string) {
	t.Helper()
	if got := strings.Join(log, ", "); got != want {
		t.Errorf("what ran: %s\nwant:     %s", got, want)
	}
}

func TestSuiteRunsAllInOrder(t *testing.T) {
	var log []string
	t.Run("suite", func(t *testing.T) {
		tasktest.RunSuite(t, func() any { return &order{log: &log} })
	})
	wantLog(t, log, "SetUp, AsyncSetUp, TestA, AsyncTearDown, TearDown, clean-up on the loop, clean-up, "+
		"SetUp, AsyncSetUp, TestB, AsyncTearDown, TearDown, clean-up on the loop, clean-up")
}

func TestSuiteThatFails(t *testing.T) {
	for _, test := range []struct{ ends, want string }{
		{"SetUp", "SetUp, clean-up on the loop, clean-up"},
		{"AsyncSetUp", "SetUp, AsyncSetUp, clean-up on the loop, clean-up"},
		{"TestA", "SetUp, AsyncSetUp, TestA, AsyncTearDown, TearDown, clean-up on the loop, clean-up"},
		{"AsyncTearDown", "SetUp, AsyncSetUp, TestA, AsyncTearDown, TearDown, clean-up on the loop, clean-up"},
		{"TearDown", "SetUp, AsyncSetUp, TestA, AsyncTearDown, TearDown, clean-up on the loop, clean-up"},
	} {
		t.Run(test.ends, func(t *testing.T) {
			var log []string
			wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
				tasktest.RunCase(ctx, t, &order{log: &log, ends: test.ends}, "TestA")
			}, tasktest.AllowTasks()), "failed")
			wantLog(t, log, test.want)

			log = nil
			t.Run("skips", func(t *testing.T) {
				tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
					tasktest.RunCase(ctx, t, &order{log: &log, ends: test.ends, skips: true}, "TestA")
				}, tasktest.AllowTasks())
			})
			wantLog(t, log, test.want)
		})
	}
}

// ready is a suite whose test needs what its tear-down ends.
type ready struct{ ready, ended bool }

func (s *ready) TestEventually(_ context.Context, t *tasktest.T) {
	t.Loop().CallLater(time.Minute, func() { s.ready = !s.ended })
	t.Eventually("ready", time.Hour, func() bool { return s.ready })
}

func (s *ready) TearDown(t *tasktest.T) {
	s.ended = true
	if t.Elapsed() != time.Minute {
		t.Errorf("it is torn down at %v", t.Elapsed())
	}
}

func TestSuiteTearsDownWhenWhatIsToHappenEventuallyHas(t *testing.T) {
	tasktest.RunSuite(t, func() any { return new(ready) })
}

// cancelled is a suite whose test is cancelled while what is to happen eventually has not.
type cancelled struct{ byBackground, tornDown bool }

func (s *cancelled) TestEventually(ctx context.Context, t *tasktest.T) {
	t.Eventually("never", time.Hour, func() bool { return false })
	if s.byBackground {
		t.Background(ctx, "server", func(context.Context) error { return errors.New("no port") })
	} else {
		main := task.Current(ctx)
		t.Loop().CallLater(time.Second, func() { main.Cancel() })
	}
}

func (s *cancelled) AsyncTearDown(context.Context, *tasktest.T) { s.tornDown = true }

func TestSuiteThatIsCancelledAtItsEnd(t *testing.T) {
	for _, test := range []struct {
		byBackground bool
		want, never  string
	}{
		{true, "the background task server failed: no port\n", "cancelled"},
		{false, "cancelled\n", "server"},
	} {
		s := &cancelled{byBackground: test.byBackground}
		text := hear(t, func(ctx context.Context, t *tasktest.T) { tasktest.RunCase(ctx, t, s, "TestEventually") })
		if !strings.HasPrefix(text, test.want) || strings.Contains(text, test.never) {
			t.Errorf("the test was told:\n%s", text)
		}
		if !s.tornDown {
			t.Error("it is not torn down")
		}
	}
}

// base has what the suites that embed it inherit.
type base struct{ setUp bool }

func (b *base) SetUp(*tasktest.T) { b.setUp = true }
func (b *base) TestInherited(_ context.Context, t *tasktest.T) {
	if !b.setUp {
		t.Error("it is not set up")
	}
}

type derived struct{ base }

func (d *derived) TestOwn(ctx context.Context, t *tasktest.T) { d.TestInherited(ctx, t) }

func TestSuiteInheritsMethods(t *testing.T) {
	tests, err := tasktest.TestsOf(reflect.TypeFor[*derived]())
	if want := []string{"TestInherited", "TestOwn"}; err != nil || !slices.Equal(tests, want) {
		t.Errorf("the tests are %v, %v, want %v", tests, err, want)
	}
	tasktest.RunSuite(t, func() any { return new(derived) })
}

type (
	wrongTest     struct{}
	wrongSetUp    struct{ base }
	wrongAsync    struct{ base }
	misspelled    struct{ base }
	withoutTests  struct{}
	returnsErrors struct{}
)

func (wrongTest) TestX(*testing.T)                                          {}
func (wrongSetUp) SetUp(context.Context, *tasktest.T)                       {}
func (wrongAsync) AsyncTearDown(*tasktest.T)                                {}
func (misspelled) AsyncSetup(context.Context, *tasktest.T)                  {}
func (withoutTests) SetUp(*tasktest.T)                                      {}
func (withoutTests) Testable(context.Context, *tasktest.T)                  {}
func (returnsErrors) TestX(context.Context, *tasktest.T) (err error)        { return }
func (returnsErrors) AsyncSetUp(context.Context, *tasktest.T, ...int) error { return nil }

func TestSuiteWithWrongMethodsFails(t *testing.T) {
	for _, test := range []struct {
		suite any
		want  string
	}{
		{wrongTest{}, "the method TestX of tasktest_test.wrongTest is a func(*testing.T): it must be a func(context.Context, *tasktest.T)"},
		{&wrongSetUp{}, "the method SetUp of *tasktest_test.wrongSetUp is a func(context.Context, *tasktest.T): it must be a func(*tasktest.T)"},
		{&wrongAsync{}, "the method AsyncTearDown of *tasktest_test.wrongAsync is a func(*tasktest.T): it must be a func(context.Context, *tasktest.T)"},
		{&misspelled{}, "the method AsyncSetup of *tasktest_test.misspelled must be called AsyncSetUp"},
		{withoutTests{}, "tasktest_test.withoutTests has no tests: methods TestX, each a func(context.Context, *tasktest.T)"},
		{returnsErrors{}, "the method AsyncSetUp of tasktest_test.returnsErrors is a func(context.Context, *tasktest.T, ...int) error: it must be a func(context.Context, *tasktest.T)"},
		{derived{}, "tasktest_test.derived has no method TestInherited: return a pointer, which has"},
		{nil, "the suite is nil"},
	} {
		if _, err := tasktest.TestsOf(reflect.TypeOf(test.suite)); err == nil || err.Error() != test.want {
			t.Errorf("the error is\n%v\nwant\n%s", err, test.want)
		}
	}
}

func TestSuiteWithoutTestsFails(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.RunSuite(t, func() any { return withoutTests{} })
	})
	if !strings.Contains(output, "suite_test.go:") || !strings.Contains(output, "tasktest: RunSuite: tasktest_test.withoutTests has no tests") {
		t.Errorf("the output is\n%s", output)
	}
}
