package tasktest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

func TestExploreFindsTimersInAnotherOrder(t *testing.T) {
	p := exploring(t, sleepers)
	token := p.fails(t, "the order is ba")
	p.says(t, "schedule 2 of at most 1000, after ")
	p.says(t, "One deviation, possible on every asyncio loop:\n")
	p.says(t, "the sleep of b comes before others that are due at the same time\n")
	if got := replaying(t, token, sleepers).fails(t, "the order is ba"); got != token {
		t.Errorf("%s is replayed as %s", token, got)
	}
}

func TestExploreProvesWhatItHasTriedInFull(t *testing.T) {
	mended := func(ctx context.Context, t *T) {
		woken := 0
		sleep := func() *task.Task[struct{}] {
			return task.Go(ctx, func(ctx context.Context) error {
				err := task.Sleep(ctx, time.Second)
				woken++
				return err
			})
		}
		join(ctx, t, sleep(), sleep())
		if woken != 2 {
			t.Errorf("%d were woken", woken)
		}
	}
	// Either timer is first, and the other one is noticed at once, or in a later iteration as
	// long as there is one.
	exploring(t, mended).passes(t, "complete: all 7 schedules at level Outside\n")
	exploring(t, mended, Strategy(Deepening())).passes(t, "complete: all 7 schedules at level Outside\n")
}

func TestExploreHasOneScheduleIfNothingIsOpen(t *testing.T) {
	exploring(t, func(ctx context.Context, t *T) {
		join(ctx, t, threeYields(ctx), threeYields(ctx), threeYields(ctx))
	}).passes(t, "complete: all 1 schedules at level Outside\n")
}

func threeYields(ctx context.Context) *task.Task[struct{}] {
	return task.Go(ctx, func(ctx context.Context) error {
		for range 3 {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Three tasks of four steps each: in each iteration they run in any order.
func TestExploreTriesAllOrdersOfTasksOnRequest(t *testing.T) {
	exploring(t, func(ctx context.Context, t *T) {
		join(ctx, t, threeYields(ctx), threeYields(ctx), threeYields(ctx))
	}, Level(Tasks), Schedules(5000)).passes(t, "complete: all 1296 schedules at level Tasks\n")
}

// steps fails if the third of three tasks begins before the first.
func steps(ctx context.Context, t *T) {
	var order string
	begin := func(name string) *task.Task[struct{}] {
		return task.Go(ctx, func(context.Context) error {
			order += name
			return nil
		}, task.Name(name))
	}
	join(ctx, t, begin("a"), begin("b"), begin("c"))
	if strings.Index(order, "c") < strings.Index(order, "a") {
		t.Errorf("the order is %s", order)
	}
}

func TestExploreSaysWhatAsyncioWouldNotDo(t *testing.T) {
	for _, s := range []Search{Deepening(), Random(), PCT(2)} {
		p := exploring(t, steps, Level(Tasks), Strategy(s))
		p.fails(t, "the order is c")
		p.says(t, "One deviation, which CPython's order excludes (level Tasks):\n")
		p.says(t, "c runs before the others (level Tasks)\n")
	}
	exploring(t, steps).passes(t, "complete: all 1 schedules at level Outside\n")
}

// threeBad fails if three of thirty decisions are not 0.
func threeBad(_ context.Context, t *T) {
	var bad int
	for i := range 30 {
		v := t.Choose(5, fmt.Sprintf("decision %d", i))
		if (i == 7 || i == 19 || i == 23) && v >= 2 {
			bad++
		}
	}
	if bad == 3 {
		t.Errorf("three are bad")
	}
}

func TestExploreShrinksWhatItFindsAtRandom(t *testing.T) {
	p := exploring(t, threeBad, Strategy(Random()), Schedules(10_000))
	if token := p.fails(t, "three are bad"); token != "@7.2,19.2,23.2" {
		t.Errorf("the schedule is %s", token)
	}
	p.says(t, "Three deviations, possible on every asyncio loop:\n")
	p.says(t, ", made simple: it had ")
	p.says(t, "Choose(5) is 2: decision 19\n")
}

func TestExploreGoesOnAtRandomAfterDeepening(t *testing.T) {
	p := exploring(t, threeBad, Schedules(10_000))
	if token := p.fails(t, "three are bad"); token != "@7.2,19.2,23.2" {
		t.Errorf("the schedule is %s", token)
	}
}

func TestExploreSaysHowFarItCame(t *testing.T) {
	many := func(_ context.Context, t *T) {
		for range 10 {
			t.Choose(3, "anything")
		}
	}
	exploring(t, many, Schedules(150)).passes(t, "150 schedules at level Outside in ")
	exploring(t, many, Schedules(150)).passes(t, ", among them all with up to one deviation\n")
	exploring(t, many, Schedules(150), Strategy(Random())).passes(t, "150 schedules at level Outside in ")
}

func TestExploreMakesAsManyRunsAsTheBudgetAllows(t *testing.T) {
	for _, s := range []Search{{}, Deepening(), Random(), PCT(3)} {
		for _, parallel := range []int{1, 4} {
			var runs atomic.Int64
			exploring(t, func(_ context.Context, t *T) {
				runs.Add(1)
				for range 20 {
					t.Choose(2, "anything")
				}
			}, Schedules(99), Strategy(s), Parallel(parallel)).passes(t, "99 schedules")
			if n := runs.Load(); n != 99+2 { // the first and the 50th are made twice
				t.Errorf("%v, %d at a time: %d runs", s, parallel, n)
			}
		}
	}
}

func TestExploreInParallelFindsTheSameSchedule(t *testing.T) {
	second := func(_ context.Context, t *T) {
		v := 0
		for range 10 {
			v = v*2 + t.Choose(2, "a bit")
		}
		if v == 0b1010 {
			t.Errorf("ten")
		}
	}
	one, four := exploring(t, second, Parallel(1)), exploring(t, second, Parallel(4))
	if a, b := one.fails(t, "ten"), four.fails(t, "ten"); a != b || a != "@6.1,8.1" {
		t.Errorf("one at a time %s, four at a time %s", a, b)
	}
	first := strings.Fields(one.output.String())[:2]
	four.says(t, strings.Join(first, " ")+" of")
}

func TestExploreReportsAsyncioOwnOrder(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) { t.Fatal("it fails anyway") })
	if token := p.fails(t, "it fails anyway"); token != "@" {
		t.Errorf("the schedule is %s", token)
	}
	p.says(t, "schedule 1 of at most 1000. This is asyncio's own order.\n")
	if n := strings.Count(p.errors.String(), "\n"); n != 1 {
		t.Errorf("it fails more than once:\n%s", &p.errors)
	}
}

// Each way to fail is reported once, whatever goroutine it happens on.
func TestExploreReportsEveryKindOfFailure(t *testing.T) {
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, t *T)
		want string
	}{
		"Errorf": {func(ctx context.Context, t *T) { t.Errorf("no") }, "no"},
		"Fatal in a task": {func(ctx context.Context, t *T) {
			join(ctx, t, task.Go(ctx, func(context.Context) error { t.Fatal("no"); return nil }))
		}, "no"},
		"Fatal in a callback": {func(ctx context.Context, t *T) {
			t.Loop().CallSoon(func() { t.Fatal("no") })
			_ = task.Sleep(ctx, time.Second)
		}, "no"},
		"panic": {func(ctx context.Context, t *T) { panic("no") }, "panic: no"},
		"panic in a cleanup": {func(ctx context.Context, t *T) {
			t.Cleanup(func() { panic("no") })
		}, "panic: no"},
		"panic of a monitor": {func(ctx context.Context, t *T) {
			t.Always("calm", func() bool { panic("no") })
			_ = task.Sleep(ctx, time.Second)
		}, "panic: no"},
		"deadlock": {func(ctx context.Context, t *T) {
			_, _ = future.New[int](t.Loop()).Await(ctx)
		}, "deadlock at 0s"},
		"a task is left": {func(ctx context.Context, t *T) {
			task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) })
		}, "tasks are left"},
		"an exception is lost": {func(ctx context.Context, t *T) {
			task.Go(ctx, func(ctx context.Context) error { return errors.New("no") })
			_ = task.Sleep(ctx, time.Second)
		}, "never retrieved"},
	} {
		t.Run(name, func(t *testing.T) {
			withChoice := func(ctx context.Context, t *T) {
				if t.Choose(3, "trouble") == 2 {
					test.fn(ctx, t)
				}
			}
			p := exploring(t, withChoice)
			if token := p.fails(t, test.want); token != "@0.2" {
				t.Errorf("the schedule is %s", token)
			}
			p.says(t, "schedule 3 of at most 1000")
		})
	}
}

func TestExploreSkipsTheTest(t *testing.T) {
	runs := 0
	p := exploring(t, func(ctx context.Context, t *T) {
		runs++
		t.Skip("not here")
	})
	if !p.skipped || p.failed || runs != 2 || p.logs.String() != "not here\n" {
		t.Errorf("skipped %v, failed %v, %d runs, %s", p.skipped, p.failed, runs, &p.logs)
	}
	p = exploring(t, func(ctx context.Context, t *T) {
		if t.Choose(3, "a way") == 1 {
			t.Skip("not that way")
		}
	})
	if !p.skipped || p.failed || p.logs.String() != "not that way\n" {
		t.Errorf("skipped %v, failed %v, %s", p.skipped, p.failed, &p.logs)
	}
}

func TestExploreIsSilentUntilTheLastRun(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) {
		v := t.Choose(4, "a number")
		t.Logf("it is %d", v)
		if v == 2 {
			t.Error("two")
		}
	})
	p.fails(t, "two")
	if p.logs.String() != "it is 2\n" || p.errors.String() != "two\n" {
		t.Errorf("it says %q and %q", &p.logs, &p.errors)
	}
}

func TestExploreFindsThatAProgramIsNotDeterministic(t *testing.T) {
	runs := 0
	restless := func(ctx context.Context, t *T) {
		runs++
		for range 10 {
			t.Choose(2, "anything")
		}
		for range runs % 7 {
			_ = task.Yield(ctx)
		}
	}
	p := exploring(t, restless)
	p.fails(t, "not deterministic: line ")
	for _, want := range []string{"and when it runs again\n", "main runs on at explore_test.go:", "the order of a map", "select", "math/rand", "time.Now"} {
		if !strings.Contains(p.errors.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, &p.errors)
		}
	}
}

// A failure that does not come again is not kept quiet.
func TestExploreReportsAFailureThatCannotBeRepeated(t *testing.T) {
	runs := 0
	p := exploring(t, func(ctx context.Context, t *T) {
		if runs++; runs == 1 {
			t.Error("once")
		}
	})
	p.fails(t, "a run has failed: once")
	p.fails(t, "not deterministic: ")
}

func TestExploreRefusesPostsOfOtherGoroutines(t *testing.T) {
	post := func(ctx context.Context, t *T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			t.Loop().CallSoonThreadsafe(func() {})
		}()
		<-done
	}
	exploring(t, post).fails(t, "another goroutine has reached the loop, at explore_test.go:")
	exploring(t, post, AllowPosts()).passes(t, "complete")
}

func TestExploreReplaysSeeds(t *testing.T) {
	for _, token := range []string{"3", "p2.3", "p3.3"} {
		// The first decision is another one in each of them, or not.
		p := replaying(t, token, func(ctx context.Context, t *T) { t.Choose(2, "a bit") })
		p.passes(t, "the schedule of seed "+token+" passes: it is @")
	}
	found := false
	for seed := range 20 {
		p := replaying(t, fmt.Sprint(seed), sleepers)
		if p.failed {
			found = true
			if token := p.fails(t, "the order is ba"); token != "@0.1" {
				t.Errorf("seed %d is shrunk to %s", seed, token)
			}
			p.says(t, "the schedule that was asked for.")
		}
	}
	if !found {
		t.Error("none of 20 seeds fails")
	}
}

func TestExploreReplaysOneTestOnly(t *testing.T) {
	replaying(t, "TestOther:@0.1", sleepers).fails(t, "the order is ba") // by the usual search
	p := replaying(t, t.Name()+":@0.1", sleepers)
	p.fails(t, "the order is ba")
	p.says(t, "the schedule that was asked for.")
	replaying(t, t.Name()+":@", sleepers).passes(t, "the schedule @ passes")
}

func TestExploreRefusesATokenThatDoesNotFit(t *testing.T) {
	p := replaying(t, "@0.7", sleepers)
	if want := "the schedule @0.7 does not fit: decision 0 has 2 possible values now, and not 7. The program has changed"; !p.failed || !strings.Contains(p.errors.String(), want) {
		t.Errorf("it does not say %q: %s", want, &p.errors)
	}
	p = replaying(t, "@100.1", sleepers)
	if !p.failed || !strings.Contains(p.errors.String(), "and no decision 100. The program has changed") {
		t.Errorf("it says %s", &p.errors)
	}
}

func TestExploreBeginsWithOtherSeedsOnRequest(t *testing.T) {
	f := flags
	if err := f.setSeed("random"); err != nil {
		t.Fatal(err)
	}
	withFlags(t, f)
	decides := func(_ context.Context, t *T) { t.Choose(5, "anything") }
	p := exploring(t, decides, Schedules(10), Strategy(Random()))
	p.passes(t, "the seeds begin with ")
	q := exploring(t, decides, Schedules(10), Strategy(Random()))
	if first := strings.SplitN(p.logs.String(), "\n", 2)[0]; first == strings.SplitN(q.logs.String(), "\n", 2)[0] {
		t.Errorf("twice %s", first)
	}
}

func TestExploreKeepsTokensAndTriesThemFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	f := flags
	f.save = true
	withFlags(t, f)
	token := exploring(t, threeBad, Strategy(Random()), Schedules(10_000)).fails(t, "three are bad")
	exploring(t, threeBad, Strategy(Random()), Schedules(10_000)).fails(t, "three are bad")
	flags.save = false
	file := filepath.Join("testdata", "asyncio", t.Name())
	if text, err := os.ReadFile(file); err != nil || string(text) != token+"\n" {
		t.Fatalf("the file contains %q, %v", text, err)
	}
	p := exploring(t, threeBad, Schedules(10))
	if got := p.fails(t, "three are bad"); got != token {
		t.Errorf("the schedule is %s", got)
	}
	p.says(t, "a stored schedule, after ")

	if err := os.WriteFile(file, []byte("# fine now\n@0.4,1000.1 # too far\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	exploring(t, threeBad, Schedules(10)).passes(t, "the stored schedule @0.4,1000.1 is left out: there are 30 decisions now, and no decision 1000\n")
	if err := os.WriteFile(file, []byte("nonsense\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if p := exploring(t, threeBad, Schedules(10)); !p.failed || !strings.Contains(p.errors.String(), `"nonsense" is no token`) {
		t.Errorf("it says %s", &p.errors)
	}
}

func TestExploreShowsTheWholeTraceOnRequest(t *testing.T) {
	f := flags
	f.trace = true
	withFlags(t, f)
	p := exploring(t, sleepers)
	p.fails(t, "the order is ba")
	p.says(t, "a    begins, waits at probe_test.go:")
	p = exploring(t, func(context.Context, *T) {})
	p.passes(t, "complete")
	p.says(t, "main begins, ends\n")
}

func TestExploreShortensLongTraces(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) {
		bad := t.Choose(2, "a bit")
		for range 100 {
			_ = task.Yield(ctx)
		}
		if bad == 1 {
			t.Error("bad")
		}
	})
	p.fails(t, "bad")
	p.says(t, "more lines: see -asyncio.trace\n")
	if n := strings.Count(p.output.String(), "\n"); n != traceLines+3 {
		t.Errorf("the report has %d lines", n)
	}
}

func TestExploreShowsCallbacks(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) {
		bad := t.Choose(2, "a bit")
		t.Loop().CallSoon(someCallback)
		_ = task.Yield(ctx)
		if bad == 1 {
			t.Error("bad")
		}
	})
	p.fails(t, "bad")
	p.says(t, "callback ")
	p.says(t, "someCallback")
}

func someCallback() {}

// The stack of a quiet run is not looked at, so an error is known by its line.
func TestShrinkKeepsTheFailure(t *testing.T) {
	two := func(_ context.Context, t *T) {
		a, b, c := t.Choose(2, "a"), t.Choose(2, "b"), t.Choose(2, "c")
		if a+b+c == 3 {
			t.Error("all")
		}
		if a == 0 && b == 1 {
			t.Error("another one")
		}
	}
	p := probed(t, func(t testing.TB) {
		x := newSearch(t, two, newSettings(nil))
		x.first = x.once(nil, false)
		for s := range uint64(1000) {
			token := choice.Seed(s)
			if o := x.once(token.Source(3), false); o.failure != nil && o.failure.text == "all" {
				x.found(token, o, finding{number: int(s)})
			}
		}
	})
	if token := p.fails(t, "all\n"); token != "@0.1,1.1,2.1" {
		t.Errorf("the schedule is %s", token)
	}
}

func TestFailuresAreTheSameByKindAndPlace(t *testing.T) {
	for _, test := range []struct {
		a, b failure
		same bool
	}{
		{failure{kind: "deadlock", place: "deadlock at 1.5s"}, failure{kind: "deadlock", place: "deadlock at 3s"}, false},
		{failure{kind: "deadlock", place: "deadlock at 1.5s"}, failure{kind: "deadlock", place: "deadlock at 2.7s"}, true},
		{failure{kind: "deadlock", place: "x"}, failure{kind: "livelock", place: "x"}, false},
		{failure{kind: "error", place: "x_test.go:12"}, failure{kind: "error", place: "x_test.go:13"}, false},
		{failure{kind: "error", place: "x_test.go:12", text: "a"}, failure{kind: "error", place: "x_test.go:12", text: "b"}, true},
	} {
		if got := test.a.same(&test.b); got != test.same {
			t.Errorf("%v and %v: %v", test.a, test.b, got)
		}
	}
}

func TestAgainNamesTheTestAndThePackage(t *testing.T) {
	for name, want := range map[string]string{
		"TestX":           "'^TestX$'",
		"TestX/a.b_c#01":  `'^TestX$/^a\.b_c#01$'`,
		"TestX/it's(1)/y": `'^TestX$/^it'\''s\(1\)$/^y$'`,
	} {
		if got := quoted(runPattern(name)); got != want {
			t.Errorf("%s is run by %s, not %s", name, got, want)
		}
	}
	p := exploring(t, sleepers)
	p.fails(t, "")
	p.says(t, "again: go test "+module+"/task/tasktest -run '^TestAgainNamesTheTestAndThePackage$' -asyncio.seed=@0.1\n")
}

func TestFlagsAreEnvironmentVariablesToo(t *testing.T) {
	env := map[string]string{
		"ASYNCIO_SEED": "TestX/y:p2.17", "ASYNCIO_SCHEDULES": "12", "ASYNCIO_FOR": "3s", "ASYNCIO_LEVEL": "tasks",
		"ASYNCIO_HANDOFF": "iterpull", "ASYNCIO_TRACE": "1", "ASYNCIO_SAVE": "true", "ASYNCIO_UPDATE": "true",
	}
	parse := func(env map[string]string, args ...string) (f testFlags, err error) {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		f.register(set, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		return f, set.Parse(args)
	}
	f, err := parse(env)
	token := f.seed.token.String()
	if err != nil || f.seed.test != "TestX/y" || token != "p2.17" || f.schedules != 12 || f.budget != 3*time.Second ||
		f.level != Tasks || f.handoff != task.IterPull || !f.trace || !f.save || !f.update {
		t.Errorf("the flags are %+v, %v", f, err)
	}
	f, err = parse(env, "-asyncio.level=outside", "-asyncio.seed=@3.1", "-asyncio.save=false")
	if err != nil || f.level != Outside || f.seed.test != "" || f.seed.token.String() != "@3.1" || f.save {
		t.Errorf("the flags are %+v, %v", f, err)
	}
	for _, arg := range []string{"-asyncio.seed=x", "-asyncio.schedules=0", "-asyncio.for=-1s", "-asyncio.level=all", "-asyncio.handoff=fast"} {
		if _, err := parse(nil, arg); err == nil {
			t.Errorf("%s is accepted", arg)
		}
	}
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "ASYNCIO_FOR=soon") {
			t.Errorf("a wrong variable is answered by %v", err)
		}
	}()
	_, _ = parse(map[string]string{"ASYNCIO_FOR": "soon"})
}

func TestFlagsTakePrecedenceOverTheBudgetOfATest(t *testing.T) {
	f := flags
	f.schedules = 7
	withFlags(t, f)
	exploring(t, threeBad, Schedules(20), For(time.Hour)).passes(t, "7 schedules at level Outside")
	flags.level = Tasks
	exploring(t, threeBad).passes(t, "7 schedules at level Tasks")
	exploring(t, threeBad, Level(Outside)).passes(t, "7 schedules at level Outside")
}

func TestExploreRefusesNil(t *testing.T) {
	for _, fn := range []func(){func() { Explore(t, nil) }, func() { CancelEverywhere(t, nil) }} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, loop.ErrNilFunc) {
					t.Errorf("it is answered by %v", err)
				}
			}()
			fn()
		}()
	}
}

func TestExploreDoesNotBoastOfNothing(t *testing.T) {
	p := exploring(t, threeBad, Schedules(5))
	p.passes(t, "5 schedules at level Outside in ")
	if strings.Contains(p.logs.String(), "among them") {
		t.Errorf("it says %s", &p.logs)
	}
}

func TestOptionsOfExploreRefuseNonsense(t *testing.T) {
	for name, fn := range map[string]func(){
		"PCT":           func() { PCT(0) },
		"Parallel":      func() { Parallel(0) },
		"Schedules":     func() { Schedules(0) },
		"For":           func() { For(0) },
		"Slow":          func() { Slow(-1) },
		"Grace":         func() { Grace(-1) },
		"Watchdog":      func() { Watchdog(0) },
		"MaxIterations": func() { MaxIterations(0) },
		"Level":         func() { Level(Tasks + 1) },
		"Handoff":       func() { Handoff(task.IterPull + 1) },
		"NewExecutor":   func() { NewExecutor(&T{run: &run{}}, 77) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, loop.ErrInvalidArgument) {
					t.Errorf("it is answered by %v", err)
				}
			}()
			fn()
		})
	}
}

// The goroutine of Explore itself is none that could still post.
func TestExploreReportsADeadlockThoughPostsAreAllowed(t *testing.T) {
	deadlock := func(ctx context.Context, t *T) { _, _ = future.New[int](t.Loop()).Await(ctx) }
	p := exploring(t, deadlock, AllowPosts())
	p.fails(t, "deadlock at 0s")
	if strings.Contains(p.output.String(), "other goroutines") {
		t.Errorf("the report is\n%s", &p.output)
	}
}
