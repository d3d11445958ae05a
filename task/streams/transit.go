package streams

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// transit is what one end of a pair has sent and the other not received. It has three
// parts: what can be received, what is on its way because of the latency, and whether the
// end of the stream comes behind.
type transit struct {
	receiver *pairEnd
	here     buffer
	travel   kernel.Ring[parcel]
	timer    kernel.Timer
	timing   bool
	total    int // bytes here and on their way
}

// parcel is what was sent at once.
type parcel struct {
	data []byte
	end  bool // it is the end of the stream
	due  time.Time
}

func (t *transit) init(receiver *pairEnd) {
	t.receiver = receiver
	t.here.blocks = &receiver.conn.hub.blocks
	t.timer.Init(kernel.Internal, (*arrival)(t))
}

// len is the number of bytes that can be received.
func (t *transit) len() int { return t.here.len() }

// waiting reports whether there is anything, also on its way.
func (t *transit) waiting() bool { return t.total > 0 || t.travel.Len() > 0 }

func (t *transit) add(p []byte, latency time.Duration) {
	t.total += len(p)
	if latency == 0 {
		t.here.append(p)
		return
	}
	t.send(parcel{data: append([]byte(nil), p...)}, latency)
}

// end ends the stream, behind what is on its way.
func (t *transit) end(latency time.Duration) {
	if latency == 0 {
		t.receiver.ended = true
		t.receiver.disturb()
		return
	}
	t.send(parcel{end: true}, latency)
}

func (t *transit) send(p parcel, latency time.Duration) {
	k := t.receiver.conn.kernel
	p.due = k.Clock().Now().Add(latency)
	t.travel.Push(p)
	t.schedule()
}

func (t *transit) schedule() {
	if t.timing || t.travel.Len() == 0 {
		return
	}
	t.timing = true
	t.receiver.conn.kernel.PushTimerAt(&t.timer, t.travel.Front().due)
}

// arrival is the job that a parcel has arrived.
type arrival transit

func (a *arrival) Run() {
	t := (*transit)(a)
	t.timing = false
	now := t.receiver.conn.kernel.Clock().Now()
	for t.travel.Len() > 0 && !t.travel.Front().due.After(now) {
		p := t.travel.PopFront()
		if p.end {
			t.receiver.ended = true
		}
		t.here.append(p.data)
	}
	t.schedule()
	t.receiver.notify()
}

func (*arrival) String() string { return "pair arrival" }

// moveTo moves the first n bytes to p, which is empty.
func (t *transit) moveTo(p *buffer, n int) {
	t.total -= n
	if n == t.here.len() {
		p.take(&t.here)
		return
	}
	p.append(t.here.bytes()[:n])
	t.here.discard(n)
}

// clear forgets all bytes.
func (t *transit) clear() {
	t.here.clear()
	for t.travel.Len() > 0 {
		if p := t.travel.PopFront(); p.end {
			t.receiver.ended = true
		}
	}
	if t.timing {
		t.timing = false
		t.timer.Cancel()
		t.timer = kernel.Timer{}
		t.timer.Init(kernel.Internal, (*arrival)(t))
	}
	t.total = 0
}
