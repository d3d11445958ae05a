package sync

import (
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// The scenarios of the tests that cancel everywhere, under harder conditions.
func TestStressLosesNothing(t *testing.T) { check.Stress(t, scenarios(), 80*time.Millisecond) }
