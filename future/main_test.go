package future_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errTest = errors.New("test error")

// newLoop returns a loop on a virtual clock, which is closed at the end of the test.
func newLoop(t testing.TB) *loop.Loop {
	t.Helper()
	l, _ := tasktest.NewLoop(t, tasktest.Grace(20*time.Second)) // other goroutines may have news
	return l
}

// iterate runs n iterations of the loop.
func iterate(l *loop.Loop, n int) {
	for range n {
		l.Poll()
	}
}
