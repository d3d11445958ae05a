package tasktest

import (
	"testing"
	"time"
)

func TestWatchdogLooksAtTheTimeSinceTheLastStep(t *testing.T) {
	start := time.Now()
	r := &run{}
	w := &watchdog{run: r, patience: time.Minute, since: start}
	look := func(after time.Duration, want bool) {
		t.Helper()
		if _, tooLong := w.step(start.Add(after)); tooLong != want {
			t.Errorf("after %v: too long is %v", after, tooLong)
		}
	}
	look(59*time.Second, false)
	look(60*time.Second, true)
	r.progress.Add(1) // an iteration begins
	look(61*time.Second, false)
	look(120*time.Second, false)
	look(121*time.Second, true)
	r.asleep.Store(true) // it waits for others
	look(10*time.Minute, false)
	look(20*time.Minute, false)
	r.asleep.Store(false)
	look(20*time.Minute+59*time.Second, false)
	w.deadline = start.Add(30 * time.Minute)
	r.progress.Add(1)
	look(30*time.Minute, false) // a step that has only begun is not to blame
	look(30*time.Minute+time.Second, true)
}
