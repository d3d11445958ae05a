package monitor

import "time"

// maxProfiles is how many profiles a monitor takes in a minute: one of many goroutines
// takes a while.
const maxProfiles = 10

// budget is when profiles were taken in the last minute.
type budget struct{ taken []time.Time }

// take reports whether one more may be taken now.
func (b *budget) take(now time.Time) bool {
	for len(b.taken) > 0 && now.Sub(b.taken[0]) >= time.Minute {
		b.taken = b.taken[1:]
	}
	if len(b.taken) == maxProfiles {
		return false
	}
	b.taken = append(b.taken, now)
	return true
}
