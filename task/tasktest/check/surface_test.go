package check_test

import (
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestSurfaceKnowsWhatMayWait(t *testing.T) {
	sync := check.Surface(t, "../../../sync")
	for name, waits := range map[string]bool{"Queue.Get": true, "Queue.GetNowait": false, "NewQueue": false, "Lock.With": true} {
		got, exists := sync[name]
		check.True(t, name+" exists", exists)
		check.Equal(t, name+" may wait", got, waits)
	}
	if _, exists := sync["queue.Get"]; exists {
		t.Error("a method of a type that is not exported is there")
	}
	task := check.Surface(t, "../..")
	for _, name := range []string{"Group.Go", "CreateOn", "Gather", "RunUntilComplete"} {
		check.True(t, name+" may wait", task[name])
	}
}

func TestCoveredMissesAnOperationWithoutAScenario(t *testing.T) {
	covered := func(change func(reasons map[string]string) []check.Scenario) (failed bool) {
		reasons := map[string]string{}
		for name, waits := range check.Surface(t, ".") {
			if waits {
				reasons[name] = "it is for tests"
			}
		}
		r := &recorder{TB: t}
		check.Covered(r, change(reasons), reasons)
		return r.failed
	}
	of := func(name string) []check.Scenario { return []check.Scenario{{Of: []string{name}}} }
	check.False(t, "all have a reason", covered(func(map[string]string) []check.Scenario { return nil }))
	check.False(t, "one has a scenario", covered(func(reasons map[string]string) []check.Scenario {
		delete(reasons, "Play.Try")
		return of("Play.Try")
	}))
	check.True(t, "one has both", covered(func(map[string]string) []check.Scenario { return of("Play.Try") }))
	check.True(t, "one has neither", covered(func(reasons map[string]string) []check.Scenario {
		delete(reasons, "Play.Try")
		return nil
	}))
	check.True(t, "one does not exist", covered(func(map[string]string) []check.Scenario { return of("Play.None") }))
}
