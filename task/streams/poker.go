package streams

import (
	"os"
	"runtime"
	"sync"
	"time"
)

// A poker makes Go's runtime look at the network. The runtime does so when a processor has
// nothing to run, and otherwise every 10 ms only. So if a loop is always busy and there is
// no other processor, as with GOMAXPROCS=1, bytes would wait long after they have arrived.
//
// The means is a pipe. A goroutine waits for it as the pumps do for their sockets, so it
// goes on when the runtime has looked. Every now and then a busy loop writes to the pipe.
// If there is no answer by the next time, it waits for one, and so leaves its processor to
// the runtime.
type poker struct {
	base    time.Time
	idle    bool          // the loop has slept
	left    int           // iterations until the next look at the clock
	stride  int           // iterations from one look at the clock to the next
	looked  time.Duration // when that was, since base
	poked   time.Duration // when the runtime has looked at the network, or was asked to
	patient int           // how often the loop will still wait for the answer at once

	pipe   *pipe // nil until it is needed
	asked  bool  // the answer is awaited
	broken bool  // there can be no pipe
}

const (
	pokeInterval = 500 * time.Microsecond
	// lookInterval is how often a busy loop looks at the clock, about.
	lookInterval = 100 * time.Microsecond
	maxStride    = 64
	// manyPokes is how often a loop that was without an answer once waits for it at once.
	manyPokes = 200
)

func (p *poker) init() {
	p.base = time.Now()
	p.left, p.stride = 1, 1
}

// iteration is called at the beginning of each iteration.
func (p *poker) iteration() {
	if p.left--; p.left > 0 {
		return
	}
	now := time.Since(p.base)
	switch took := now - p.looked; {
	case took < lookInterval:
		p.stride = min(2*p.stride, maxStride)
	case took > 2*lookInterval:
		p.stride = max(p.stride/2, 1)
	}
	p.looked, p.left = now, p.stride
	if p.idle {
		p.idle, p.poked = false, now
	}
	if now-p.poked >= pokeInterval && !p.broken {
		p.poke()
		p.poked = time.Since(p.base)
	}
}

// poke asks the runtime to look at the network.
func (p *poker) poke() {
	if p.pipe == nil {
		if p.pipe = newPipe(); p.pipe == nil {
			p.broken = true
			return
		}
	}
	if p.asked {
		select {
		case <-p.pipe.answer:
		default: // the runtime has not looked since the last time
			<-p.pipe.answer
			p.patient = manyPokes
			p.asked = false
			return
		}
	}
	p.pipe.ask()
	p.asked = true
	if p.patient > 0 {
		p.patient--
		<-p.pipe.answer
		p.asked = false
	}
}

func (p *poker) shut() {
	if p.pipe != nil {
		p.pipe.close()
	}
}

func (p *poker) join() {
	if p.pipe != nil {
		p.pipe.goroutine.Wait()
	}
}

// A pipe is a pipe with a goroutine that answers what is written to it.
type pipe struct {
	in, out   *os.File
	answer    chan struct{} // has room for one
	goroutine sync.WaitGroup
}

// newPipe returns nil if there can be none.
func newPipe() *pipe {
	if !pipesArePolled {
		return nil
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil
	}
	p := &pipe{in: in, out: out, answer: make(chan struct{}, 1)}
	p.goroutine.Go(p.respond)
	return p
}

func (p *pipe) ask() { _, _ = p.in.Write([]byte{0}) }

func (p *pipe) respond() {
	var b [1]byte
	for {
		if n, err := p.out.Read(b[:]); n == 0 || err != nil {
			return
		}
		runtime.Gosched() // those who have got something to read come first
		p.answer <- struct{}{}
	}
}

func (p *pipe) close() {
	_ = p.in.Close()
	_ = p.out.Close()
}
