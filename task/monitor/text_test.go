package monitor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// shop is the snapshot of the example of asynctop.
func shop() *monitor.Snapshot {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return &monitor.Snapshot{
		Time: now, Total: 3, Found: 3,
		Tasks: []monitor.Task{
			{
				ID: 1, Loop: 1, Name: "Task-1", State: monitor.StateWaiting, Since: ago(123*time.Minute + time.Second),
				Coroutine: monitor.Frame{Func: "main.main.func1"},
				Waits:     &monitor.Waits{In: "task.(*Group).Run"},
				Place:     &monitor.Frame{Func: "main.main.func1", File: "/src/main.go", Line: 41},
			}, {
				ID: 7, Loop: 1, Name: "orders", State: monitor.StateWaiting, Since: ago(123 * time.Minute), Before: true,
				Coroutine: monitor.Frame{Func: "example.com/shop.consume"},
				Waits:     &monitor.Waits{In: "github.com/goasyncio/asyncio/sync.(*Queue).Get"}, AwaitedBy: []uint64{1, 912},
				Place: &monitor.Frame{Func: "example.com/shop.consume", File: "/src/shop/shop.go", Line: 88},
			}, {
				ID: 912, Loop: 1, Name: "Task-911", State: monitor.StateWaiting, Since: ago(14 * time.Second), Cancelling: 1,
				Coroutine: monitor.Frame{Func: "example.com/shop.fetch"},
				Waits:     &monitor.Waits{In: "task.(*Task).Await", On: []uint64{7}}, AwaitedBy: []uint64{1},
				Place: &monitor.Frame{Func: "example.com/shop.fetch", File: "/src/shop/fetch.go", Line: 20},
			},
		},
	}
}

func textOf(t *testing.T, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	check.NoError(t, write(&b))
	return b.String()
}

func table(t *testing.T, s *monitor.Snapshot) string {
	t.Helper()
	return textOf(t, func(b *strings.Builder) error { return s.WriteTable(b) })
}

func tree(t *testing.T, s *monitor.Snapshot) string {
	t.Helper()
	return textOf(t, func(b *strings.Builder) error { return s.WriteTree(b) })
}

func TestTableHasALineForEachTask(t *testing.T) {
	check.Equal(t, "table", table(t, shop()), `
ID   NAME      STATE                 AGE     COROUTINE        WAITS IN            ON      AWAITED BY
1    Task-1    waiting               2h03m   main.main.func1  task.(*Group).Run   -       -
7    orders    waiting               >2h03m  shop.consume     sync.(*Queue).Get   -       Task-1, Task-911
912  Task-911  waiting (cancelling)  14s     shop.fetch       task.(*Task).Await  orders  Task-1
`[1:])
}

func TestTableSaysWhatIsLeftOut(t *testing.T) {
	s := &monitor.Snapshot{Found: 12, Total: 12, Tasks: []monitor.Task{
		{ID: 1, Loop: 1, Name: "a\nb", State: monitor.StateNew},
		{ID: 1, Loop: 2, State: monitor.StateReady, AwaitedBy: []uint64{1, 2, 3, 4, 5}, Waits: &monitor.Waits{}},
	}}
	check.Equal(t, "table", table(t, s), `
LOOP  ID  NAME    STATE  AGE  COROUTINE  WAITS IN  ON  AWAITED BY
1     1   'a\nb'  new    -    -          -         -   -
2     1   ''      ready  -    -          -         -   '', #2, #3, and 2 more
and 10 more
`[1:])
}

func TestTreeDescribesEachTaskOnce(t *testing.T) {
	check.Equal(t, "tree", tree(t, shop()), `
└── Task-1 in main.main.func1 at main.go:41
    ├── orders in shop.consume at shop.go:88
    └── Task-911 in shop.fetch at fetch.go:20 (cancelling)
        └── orders (see above)
`[1:])
}

// circleOf makes tasks that await each other in a circle.
func circleOf(loop int, ids ...uint64) []monitor.Task {
	var tasks []monitor.Task
	for i, id := range ids {
		tasks = append(tasks, monitor.Task{
			ID: id, Loop: loop, Name: string(rune('a' + id)), State: monitor.StateWaiting,
			Coroutine: monitor.Frame{Func: "main.wait"},
			Waits:     &monitor.Waits{On: []uint64{ids[(i+1)%len(ids)]}},
			AwaitedBy: []uint64{ids[(i+len(ids)-1)%len(ids)]},
		})
	}
	return tasks
}

func TestTreeShowsCirclesAndLoops(t *testing.T) {
	s := &monitor.Snapshot{Tasks: append(circleOf(2, 5, 4), circleOf(1, 0, 1, 2)...)}
	s.Tasks = append(s.Tasks, monitor.Task{ID: 9, Loop: 1, Name: "free", AwaitedBy: []uint64{1000}})
	check.Equal(t, "tree", tree(t, s), `
loop 1
├── free
└── a in main.wait
    └── b in main.wait
        └── c in main.wait
            └── a (see above)
loop 2
└── e in main.wait
    └── f in main.wait
        └── e (see above)
`[1:])
}

func TestTreeDoesNotIndentWithoutEnd(t *testing.T) {
	s := new(monitor.Snapshot)
	const depth = 10000
	for id := range uint64(depth) {
		task := monitor.Task{ID: id + 1, Loop: 1, Name: "t"}
		if id > 0 {
			task.AwaitedBy = []uint64{id}
		}
		s.Tasks = append(s.Tasks, task)
	}
	text := tree(t, s)
	check.Equal(t, "lines", strings.Count(text, "\n"), depth)
	check.Contains(t, text, "(level 9999) t\n")
	if len(text) > 1000*depth {
		t.Errorf("the text has %d bytes", len(text))
	}
}

func TestStuckNamesACircle(t *testing.T) {
	sets := [][]monitor.Task{circleOf(1, 0, 1, 2), append(circleOf(1, 5, 6), monitor.Task{ID: 3, Loop: 1, Waits: &monitor.Waits{On: []uint64{5}}})}
	text := textOf(t, func(b *strings.Builder) error { return monitor.WriteStuck(b, sets) })
	check.Equal(t, "text", text, `
stuck: a → b → c → a   (none can finish unless one is cancelled from outside)
stuck: f → g → f, and 1 more   (none can finish unless one is cancelled from outside)
`[1:])
}

func TestAgesHaveTwoUnits(t *testing.T) {
	for age, want := range map[time.Duration]string{
		-1: "0s", 59*time.Second + 999*time.Millisecond: "59s", 309 * time.Second: "5m09s",
		7380 * time.Second: "2h03m", 76 * time.Hour: "3d04h",
	} {
		check.Equal(t, age.String(), monitor.FormatAge(age), want)
	}
}
