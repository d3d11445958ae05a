package tasktest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestTableGivesEachCaseALoop(t *testing.T) {
	begun := make(chan string, 3) // the cases are parallel
	t.Run("cases", func(t *testing.T) {
		tasktest.Table(t, map[string]time.Duration{
			"hour": time.Hour, "second": time.Second, "none": 0,
		}, func(ctx context.Context, t *tasktest.T, d time.Duration) {
			begun <- t.Name()
			if err := task.Sleep(ctx, d); err != nil {
				t.Error(err)
			}
			if t.Elapsed() != d || t.Now().Year() != 1990 {
				t.Errorf("it is %v, after %v", t.Now(), t.Elapsed())
			}
		}, tasktest.At(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)))
	})
	close(begun)
	var names []string
	for name := range begun {
		names = append(names, name[strings.LastIndexByte(name, '/')+1:])
	}
	slices.Sort(names)
	if want := []string{"hour", "none", "second"}; !slices.Equal(names, want) {
		t.Errorf("the cases are %v, want %v", names, want)
	}
}

func TestTableBeginsInTheOrderOfNames(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Table(t, map[string]int{"b": 2, "c": 3, "a": 1}, func(_ context.Context, t *tasktest.T, n int) {
			t.Errorf("case %d", n)
		})
	})
	last := -1
	for _, line := range []string{"=== RUN   TestTableBeginsInTheOrderOfNames/a", "=== RUN   TestTableBeginsInTheOrderOfNames/b", "=== RUN   TestTableBeginsInTheOrderOfNames/c"} {
		i := strings.Index(output, line)
		if i <= last {
			t.Errorf("%q is missing, or too early, in\n%s", line, output)
		}
		last = i
	}
	if !strings.Contains(output, "=== PAUSE TestTableBeginsInTheOrderOfNames/a") {
		t.Errorf("the cases are not parallel:\n%s", output)
	}
	for _, text := range []string{"case 1", "case 2", "case 3"} {
		if !strings.Contains(output, text) {
			t.Errorf("%q is missing in\n%s", text, output)
		}
	}
}

func TestTableFailsAtTheLineOfItsCall(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Table(t, map[string]int{"a": 1}, func(_ context.Context, t *tasktest.T, n int) {
			t.Always("false", func() bool { return false })
		})
	})
	if !strings.Contains(output, "table_test.go:") || !strings.Contains(output, ": always false: not true at 0s") {
		t.Errorf("the output is\n%s", output)
	}
}

func TestTableWithoutCasesFails(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Table(t, map[string]int{}, func(context.Context, *tasktest.T, int) {})
	})
	if !strings.Contains(output, "table_test.go:") || !strings.Contains(output, "tasktest: Table: there are no cases") {
		t.Errorf("the output is\n%s", output)
	}
}
