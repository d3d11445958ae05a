package streams

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func newPoker(t *testing.T) *poker {
	if !pipesArePolled {
		t.Skip("the runtime does not wait for pipes here")
	}
	p := new(poker)
	p.init()
	t.Cleanup(func() {
		p.shut()
		p.join()
	})
	return p
}

// A loop that is busy on the only processor gives it to whoever has something to read.
func TestPokeLetsTheRuntimeLookAtTheNetwork(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := newPoker(t)
	p.patient = 100
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var received atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.Close()
		var b [1]byte
		for range 50 {
			if _, err := r.Read(b[:]); err != nil {
				t.Error(err)
			}
			received.Add(1)
		}
	}()
	for i := range int32(50) {
		if _, err := w.Write([]byte{0}); err != nil {
			t.Error(err)
		}
		p.poke()
		if n := received.Load(); n < i { // the last one may be on its way
			t.Errorf("after poke %d, %d bytes were received", i+1, n)
		}
	}
	<-done
}

// A loop that has no answer by the next time waits for it, and from then on each time at
// once.
func TestPokeWaitsForALateAnswer(t *testing.T) {
	p := newPoker(t)
	p.poke()
	if !p.asked || p.patient != 0 {
		t.Fatal("the first poke waits for the answer")
	}
	answer := <-p.pipe.answer
	poked := make(chan struct{})
	go func() {
		defer close(poked)
		p.poke()
	}()
	p.pipe.answer <- answer
	<-poked
	if late := p.patient == manyPokes; late == p.asked {
		t.Errorf("asked is %t after an answer that was late: %t", p.asked, late)
	}
}

func TestPokeThatIsPatientHasItsAnswer(t *testing.T) {
	p := newPoker(t)
	p.patient = 2
	for range 2 {
		p.poke()
	}
	if p.asked || p.patient != 0 {
		t.Errorf("after two patient pokes asked is %t, and %d are left", p.asked, p.patient)
	}
}

func TestPokeComesWhenALoopHasNotSleptForLong(t *testing.T) {
	p := newPoker(t)
	p.base = time.Now().Add(-time.Hour)
	p.idle = true
	p.iteration()
	if p.asked {
		t.Error("a loop that has slept pokes")
	}
	p.base = p.base.Add(-time.Hour)
	for range maxStride + 1 {
		p.iteration()
	}
	if !p.asked && p.patient == 0 {
		t.Error("a loop that was busy for an hour does not poke")
	}
}
