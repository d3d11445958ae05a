package loop

import (
	"errors"
	"testing"
)

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1)}
}

func TestInboxDoesNotFallAsleepOverWhatWasPosted(t *testing.T) {
	b := newInbox()
	if err := b.post(new(Handle)); err != nil {
		t.Fatal(err)
	}
	if b.fallAsleep() {
		t.Error("the loop may sleep although something was posted")
	}
	if len(b.wake) != 0 {
		t.Error("a loop that does not sleep was woken")
	}
	b.collect()
	if !b.fallAsleep() {
		t.Error("the loop may not sleep although nothing is left")
	}
}

func TestInboxWakesASleeperOnce(t *testing.T) {
	b := newInbox()
	b.fallAsleep()
	for range 3 { // the channel would block at the second wake-up
		if err := b.post(new(Handle)); err != nil {
			t.Fatal(err)
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

func TestInboxHandsOverInOrderAndForgets(t *testing.T) {
	b := newInbox()
	for round := range 5 {
		var want []*Handle
		for range 10 * round {
			h := new(Handle)
			want = append(want, h)
			if err := b.post(h); err != nil {
				t.Fatal(err)
			}
		}
		if b.empty() != (len(want) == 0) {
			t.Errorf("round %d: empty is %t", round, b.empty())
		}
		got := b.collect()
		if len(got) != len(want) {
			t.Fatalf("round %d: %d handles, want %d", round, len(got), len(want))
		}
		for i, h := range want {
			if got[i] != h {
				t.Fatalf("round %d: handle %d is another one", round, i)
			}
		}
		if !b.empty() {
			t.Errorf("round %d: the inbox is not empty afterwards", round)
		}
	}
}

func TestInboxClosesOverWhatWasPosted(t *testing.T) {
	b := newInbox()
	h := new(Handle)
	if err := b.post(h); err != nil {
		t.Fatal(err)
	}
	if left := b.close(); len(left) != 1 || left[0] != h {
		t.Errorf("close returned %v", left)
	}
	if err := b.post(new(Handle)); !errors.Is(err, ErrClosed) {
		t.Errorf("the closed inbox answers %v", err)
	}
	if left := b.close(); len(left) != 0 || !b.empty() {
		t.Errorf("close again returned %v", left)
	}
}
