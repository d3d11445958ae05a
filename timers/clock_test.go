package timers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

var start = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// awake is a wake channel with a wake-up in it.
func awake() chan struct{} {
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	return wake
}

func TestVirtualShowsStartAndStandsStill(t *testing.T) {
	v := timers.NewVirtual(start)
	for range 3 {
		if now := v.Now(); !now.Equal(start) {
			t.Fatalf("the clock shows %v", now)
		}
	}
}

func TestVirtualZeroStartIsUnixEpoch(t *testing.T) {
	now := timers.NewVirtual(time.Time{}).Now()
	if now.IsZero() || !now.Equal(time.Unix(0, 0)) {
		t.Errorf("the clock shows %v", now)
	}
}

func TestVirtualSleepJumpsToDeadline(t *testing.T) {
	v := timers.NewVirtual(start)
	v.Sleep(start.Add(time.Hour), nil)
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("after an hour of sleep the clock shows %v", now)
	}
}

func TestVirtualSleepDoesNotGoBack(t *testing.T) {
	v := timers.NewVirtual(start)
	v.Sleep(start.Add(-time.Hour), nil)
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("after a deadline in the past the clock shows %v", now)
	}
}

func TestVirtualSleepWithoutDeadlineWaitsForWake(t *testing.T) {
	v := timers.NewVirtual(start)
	wake := awake()
	v.Sleep(time.Time{}, wake)
	if len(wake) != 0 {
		t.Error("Sleep returned without taking the wake-up")
	}
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("the clock shows %v", now)
	}
}

func TestVirtualDoesNotJumpOverAWakeUp(t *testing.T) {
	v := timers.NewVirtual(start)
	wake := awake() // somebody held the clock, submitted something, and let go
	v.Sleep(start.Add(time.Hour), wake)
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("the clock jumped to %v", now)
	}
	v.Sleep(start.Add(time.Hour), wake)
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("the clock shows %v", now)
	}
}

func TestVirtualAdvance(t *testing.T) {
	v := timers.NewVirtual(start)
	v.Advance(time.Minute)
	v.Advance(0)
	if now := v.Now(); !now.Equal(start.Add(time.Minute)) {
		t.Errorf("the clock shows %v", now)
	}
}

func TestVirtualRefusesToGoBack(t *testing.T) {
	v := timers.NewVirtual(start)
	defer func() {
		const want = "timers: virtual clock: Advance by -1s: time does not go back: invalid argument"
		if err, ok := recover().(error); !ok || !errors.Is(err, timers.ErrInvalidArgument) || err.Error() != want {
			t.Errorf("the panic is %v, want %s", err, want)
		}
		if now := v.Now(); !now.Equal(start) {
			t.Errorf("the clock shows %v", now)
		}
	}()
	v.Advance(-time.Second)
}

func TestVirtualThatIsHeldWakesWithoutJumping(t *testing.T) {
	v := timers.NewVirtual(start)
	release := v.Hold()
	defer release()
	wake := awake()
	v.Sleep(start.Add(time.Hour), wake)
	if len(wake) != 0 {
		t.Error("Sleep returned without taking the wake-up")
	}
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("the held clock jumped to %v", now)
	}
}

func TestVirtualThatIsReleasedReturnsBeforeItJumps(t *testing.T) {
	v := timers.NewVirtual(start)
	release := v.Hold()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		v.Sleep(start.Add(time.Hour), nil)
	}()
	select {
	case <-returned:
		t.Error("Sleep returned while the clock was held, without a wake-up")
	default:
	}
	release()
	<-returned
	// Unless the release came before the sleep began, the clock has not moved;
	// the next sleep jumps.
	v.Sleep(start.Add(time.Hour), nil)
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("the released clock shows %v", now)
	}
}

func TestVirtualIsHeldUntilLastRelease(t *testing.T) {
	v := timers.NewVirtual(start)
	first, second := v.Hold(), v.Hold()
	first()
	first() // again: nothing
	v.Sleep(start.Add(time.Hour), awake())
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("the clock jumped to %v while somebody held it", now)
	}
	second()
	v.Sleep(start.Add(time.Hour), nil)
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("the clock shows %v after the last release", now)
	}
	third := v.Hold() // the clock can be held again
	v.Sleep(start.Add(2*time.Hour), awake())
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("the clock jumped to %v while it was held again", now)
	}
	third()
}

func TestSystemNeverGoesBack(t *testing.T) {
	c := timers.System()
	before := c.Now()
	for range 1000 {
		now := c.Now()
		if now.Before(before) {
			t.Fatalf("%v came after %v", now, before)
		}
		before = now
	}
}

func TestSystemWakeEndsSleep(t *testing.T) {
	c := timers.System()
	for _, deadline := range []time.Time{{}, c.Now().Add(1000 * time.Hour)} {
		for range 3 { // the runtime timer is used again
			wake := make(chan struct{})
			go func() { wake <- struct{}{} }()
			c.Sleep(deadline, wake)
		}
	}
}

func TestSystemSleepReachesDeadline(t *testing.T) {
	c := timers.System()
	for range 3 {
		until := c.Now().Add(time.Microsecond)
		c.Sleep(until, nil)
		if now := c.Now(); now.Before(until) {
			t.Errorf("woke at %v, before %v", now, until)
		}
	}
}

func TestSystemSleepIntoThePastReturns(t *testing.T) {
	c := timers.System()
	c.Sleep(c.Now().Add(-time.Hour), nil)
	c.Sleep(c.Now(), nil)
}
