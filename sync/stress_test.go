package sync

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest"
)

// The scenarios of the tests that cancel everywhere, under many schedules: several tasks are
// cancelled, the contexts of waits end, and tasks that are ready run in any order.
func TestStressLosesNothing(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(strings.Join(s.of, ","), func(t *testing.T) {
			hits := map[string]int{}
			tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
				s.play(ctx, &play{T: t, hits: hits, harsh: true})
			}, tasktest.Cancel(), tasktest.Level(tasktest.Tasks), tasktest.For(80*time.Millisecond), tasktest.Schedules(2000))
		})
	}
}
