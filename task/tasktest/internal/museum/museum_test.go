package museum

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bugs makes the tests show the bugs: then they fail.
var bugs = flag.Bool("bugs", false, "test the code with the bugs, and not the mended one")

// choose returns the code to be tested.
func choose[F any](bug, mended F) F {
	if *bugs {
		return bug
	}
	return mended
}

// joinAll waits for tasks, whatever comes of them.
func joinAll(ctx context.Context, t *tasktest.T, tasks ...*task.Task[struct{}]) {
	if _, _, err := task.Wait(ctx, tasks); err != nil {
		t.Fatal(err)
	}
}

// connect returns a client of a server that is a background task.
func connect(ctx context.Context, t *tasktest.T) *Client {
	return newClient(ctx, func(ctx context.Context, conn streams.End) {
		t.Background(ctx, "server", func(ctx context.Context) error { return serve(ctx, conn) })
	})
}

func TestEverybodyGetsTheirOwnAnswer(t *testing.T) {
	tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
		client := connect(ctx, t)
		get := choose(client.Get, client.GetMended)
		var users []*task.Task[struct{}]
		for _, name := range []string{"ann", "bob", "cay"} {
			users = append(users, task.Go(ctx, func(ctx context.Context) error {
				got, err := get(ctx, name)
				if err == nil && got != "value of "+name+"\n" {
					t.Errorf("%s got %q", name, got)
				}
				return err
			}, task.Name(name)))
		}
		joinAll(ctx, t, users...)
	})
}

func TestPoolKeepsItsItems(t *testing.T) {
	tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
		pool := &Pool[string]{free: []string{"the connection"}}
		get := choose(pool.Get, pool.GetMended)
		use := func(ctx context.Context) error {
			item, err := get(ctx, time.Second)
			if err != nil {
				return nil // too late
			}
			defer pool.Put(item)
			return task.Sleep(ctx, time.Second)
		}
		joinAll(ctx, t, task.Go(ctx, use, task.Name("first")), task.Go(ctx, use, task.Name("second")))
		if len(pool.free) != 1 {
			t.Errorf("the pool has %d connections left", len(pool.free))
		}
	})
}

func TestBellWakesSomebodyForEachRing(t *testing.T) {
	tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
		var bell Bell
		wait := choose(bell.Wait, bell.WaitMended)
		woken := 0
		var waiters []*task.Task[struct{}]
		for _, name := range []string{"ann", "bob", "cay"} {
			waiters = append(waiters, task.Go(ctx, func(ctx context.Context) error {
				err := wait(ctx)
				if err == nil {
					woken++
				}
				return err
			}, task.Name(name)))
		}
		if err := task.Sleep(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
		bell.Ring()
		bell.Ring()
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Fatal(err)
		}
		if woken != 2 {
			t.Errorf("two rings have woken %d", woken)
		}
		for _, w := range waiters {
			w.Cancel()
		}
		joinAll(ctx, t, waiters...)
	})
}

func TestCacheIsFreshInTheEnd(t *testing.T) {
	tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
		database := "old"
		cache := &Cache{load: func() string { return database }}
		get := choose(cache.Get, cache.GetMended)
		reader := task.Go(ctx, func(ctx context.Context) error {
			_, err := get(ctx)
			return err
		}, task.Name("reader"))
		if err := task.Sleep(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
		database = "new"
		cache.Invalidate()
		joinAll(ctx, t, reader)
		if got, err := get(ctx); got != database || err != nil {
			t.Errorf("the cache has %q, %v", got, err)
		}
	})
}

func TestWaitForKeepsWhatWasTaken(t *testing.T) {
	tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
		free, used := 1, false
		take := func(ctx context.Context) (int, error) {
			if err := task.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
			free--
			return 1, nil
		}
		waitFor := choose(WaitFor[int], WaitForMended[int])
		user := task.Go(ctx, func(ctx context.Context) error {
			n, err := waitFor(ctx, take, time.Minute)
			if err == nil {
				used = true
				free += n
			}
			return err
		}, task.Name("user"))
		joinAll(ctx, t, user)
		if err := task.Sleep(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		if free != 1 {
			t.Errorf("what was taken is lost (used: %v)", used)
		}
	}, tasktest.Victims(func(t task.Any) bool { return t.Name() == "user" }))
}

var scheduleLine = regexp.MustCompile(`(?m)^ *schedule (\d+)`)

// Each bug is found within a stated number of schedules, and its token shows it again.
func TestBugsAreFound(t *testing.T) {
	for test, budget := range map[string]int{
		"TestEverybodyGetsTheirOwnAnswer":  10,
		"TestPoolKeepsItsItems":            10,
		"TestBellWakesSomebodyForEachRing": 10,
		"TestCacheIsFreshInTheEnd":         10,
		"TestWaitForKeepsWhatWasTaken":     10,
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			report := failing(t, test)
			m := scheduleLine.FindStringSubmatch(report)
			if m == nil {
				t.Fatalf("no schedule in the report:\n%s", report)
			}
			if n, err := strconv.Atoi(m[1]); err != nil || n > budget {
				t.Errorf("it took %s schedules, and not %d:\n%s", m[1], budget, report)
			}
			again := regexp.MustCompile(`-asyncio\.seed=(\S+)`).FindStringSubmatch(report)
			if again == nil {
				t.Fatalf("no token in the report:\n%s", report)
			}
			failing(t, test, "-asyncio.seed="+again[1])
		})
	}
}

// failing runs a test on the code with the bugs, in a process of its own, and returns what it
// prints.
func failing(t *testing.T, test string, args ...string) string {
	args = append([]string{"-test.run", fmt.Sprintf("^%s$", test), "-bugs"}, args...)
	out, err := exec.Command(os.Args[0], args...).CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		t.Fatalf("%v: the test did not fail: %v\n%s", args, err, out)
	}
	return string(out)
}
