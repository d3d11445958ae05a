package monitor

import "github.com/goasyncio/asyncio/task/internal/sched"

// visits take the stacks of some tasks of a picture.
type visits struct {
	picture *picture
	wanted  map[uint32]int32 // rows by the serials of their tasks
	asked   []int32
	traces  map[int32]sched.Trace
}

func newVisits(p *picture, rows []int32) *visits {
	v := &visits{picture: p, asked: rows, wanted: make(map[uint32]int32), traces: make(map[int32]sched.Trace)}
	for _, i := range rows {
		v.wanted[uint32(p.rows[i].id)] = i
	}
	return v
}

// look takes the stack of a task if it is one of those. It reports false when there are no
// others to be visited.
func (v *visits) look(t *sched.Task) (more bool) {
	if row, ok := v.wanted[t.Serial()]; ok {
		v.traces[row] = t.Trace(nil)
		delete(v.wanted, t.Serial())
	}
	return len(v.wanted) > 0
}

// store gives the stacks to the picture. Tasks that are gone have none. The album is
// locked.
func (v *visits) store() {
	if v.picture.stacks == nil {
		v.picture.stacks = make(map[int32]sched.Trace)
	}
	for _, row := range v.asked {
		v.picture.stacks[row] = v.traces[row]
	}
}
