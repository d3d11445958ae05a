package kernel

import "testing"

func newInbox() *inbox {
	b := new(inbox)
	b.init()
	return b
}

// accepts posts a handle.
func accepts(b *inbox, h *Handle) bool {
	accepted, _ := b.post(&b.posted, h)
	return accepted
}

func TestInboxDoesNotFallAsleepOverWhatWasPosted(t *testing.T) {
	b := newInbox()
	if !accepts(b, new(Handle)) {
		t.Fatal("refused")
	}
	if b.layDown(false) {
		t.Error("the loop may sleep although something was posted")
	}
	if len(b.wake) != 0 {
		t.Error("a loop that does not sleep was woken")
	}
	b.collect(&b.posted)
	if !b.layDown(false) {
		t.Error("the loop may not sleep although nothing is left")
	}
}

func TestInboxWakesASleeperOnce(t *testing.T) {
	b := newInbox()
	b.layDown(false)
	for range 3 { // the channel would block at the second wake-up
		if !accepts(b, new(Handle)) {
			t.Fatal("refused")
		}
	}
	if len(b.wake) != 1 {
		t.Fatalf("%d wake-ups", len(b.wake))
	}
	b.wakeUp()
	b.wakeUp()
	if len(b.wake) != 1 {
		t.Errorf("%d wake-ups", len(b.wake))
	}
}

// A loop that does not sleep any more is not woken: the wake-up would end its next sleep.
func TestInboxWakesNobodyAfterTheSleep(t *testing.T) {
	for name, end := range map[string]func(b *inbox){
		"post":      func(b *inbox) { b.post(&b.posted, new(Handle)) },
		"wakeUp":    (*inbox).wakeUp,
		"wakeAgain": func(b *inbox) { b.wakeAgain() },
	} {
		b := newInbox()
		b.layDown(false)
		end(b)
		select {
		case <-b.wake: // this is what has ended the sleep
		default:
		}
		b.post(&b.posted, new(Handle))
		if len(b.wake) != 0 {
			t.Errorf("%s: the loop was woken although it did not sleep", name)
		}
	}
}

func TestInboxUsesItsTwoBuffersAgainUnlessTheyAreLarge(t *testing.T) {
	b := newInbox()
	h := new(Handle)
	cycle := func() {
		b.post(&b.posted, h)
		b.collect(&b.posted)
	}
	if n := testing.AllocsPerRun(10, cycle); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for range largeRing + 1 {
		b.post(&b.posted, h)
	}
	b.collect(&b.posted)
	if n := cap(b.posted.spare); n != 0 {
		t.Errorf("a buffer for %d handles is kept", n)
	}
}

func TestInboxHandsOverInOrderAndForgets(t *testing.T) {
	b := newInbox()
	for round := range 5 {
		var want []*Handle
		for range 10 * round {
			h := new(Handle)
			want = append(want, h)
			if !accepts(b, h) {
				t.Fatal("refused")
			}
		}
		if !b.has(newPosted) != (len(want) == 0) {
			t.Errorf("round %d: empty is %t", round, !b.has(newPosted))
		}
		got := b.collect(&b.posted)
		if len(got) != len(want) {
			t.Fatalf("round %d: %d handles, want %d", round, len(got), len(want))
		}
		for i, h := range want {
			if got[i] != h {
				t.Fatalf("round %d: handle %d is another one", round, i)
			}
		}
		if b.has(newPosted) {
			t.Errorf("round %d: the inbox is not empty afterwards", round)
		}
	}
}

func TestInboxClosesOverWhatWasPosted(t *testing.T) {
	b := newInbox()
	h := new(Handle)
	if !accepts(b, h) {
		t.Fatal("refused")
	}
	if left := b.close(); len(left) != 1 || left[0] != h {
		t.Errorf("close returned %v", left)
	}
	if accepts(b, new(Handle)) {
		t.Error("the closed inbox takes a handle")
	}
	if left := b.close(); len(left) != 0 || b.has(newPosted) {
		t.Errorf("close again returned %v", left)
	}
}
