package task

import "time"

// FailWhenStuckAt is FailWhenStuck with the ticks of a test in place of the machine's clock.
func FailWhenStuckAt(ticks <-chan time.Time) RunOption {
	return func(s *runSettings) { s.stuck = &stuckOption{ticks: ticks} }
}
