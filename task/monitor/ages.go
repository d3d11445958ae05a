package monitor

import (
	"slices"
	"sync"
	"time"
)

// ages tells how old tasks are, without a clock in the tasks. Now and then it is told how
// many tasks a loop has created so far. So it knows between which two of these checkpoints
// a task was created.
type ages struct {
	mu     sync.Mutex
	points []checkpoint // the first is the beginning of the monitor
	most   int          // when there are more, some are dropped
}

type checkpoint struct {
	time    time.Time
	created uint64 // tasks
}

// precision is how exact ages are: to a second, or if that is more, to this part.
const precision = 64

// old reports whether it is time for another checkpoint, after the first.
func (a *ages) old(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := len(a.points)
	return n > 0 && !now.Before(a.points[n-1].time.Add(every))
}

// note adds a checkpoint, at most one a second, and only if there are new tasks.
func (a *ages) note(now time.Time, created uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.points); n > 0 {
		last := a.points[n-1]
		if created <= last.created || now.Before(last.time.Add(every)) {
			return
		}
	}
	a.points = append(a.points, checkpoint{now, created})
	if len(a.points) > max(a.most, 2*precision) {
		a.thin(now)
		a.most = 2 * len(a.points)
	}
}

// thin drops checkpoints whose tasks may as well count as created at the next one.
func (a *ages) thin(now time.Time) {
	kept := a.points[:1]
	for i, p := range a.points[1:] {
		next := i + 2
		if next == len(a.points) || a.points[next].time.Sub(kept[len(kept)-1].time) > now.Sub(p.time)/precision {
			kept = append(kept, p)
		}
	}
	a.points = kept
}

// since returns when a task of a picture was created: not long before that time. If before
// is true, it was created before the monitor could know, which was at that time.
func (a *ages) since(id uint64, taken time.Time) (when time.Time, before bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, _ := slices.BinarySearchFunc(a.points, id, func(p checkpoint, id uint64) int {
		if p.created < id {
			return -1
		}
		return 1
	})
	if i == len(a.points) {
		return taken, i == 0
	}
	return a.points[i].time, i == 0
}
