package main

import (
	"bytes"
	"testing"
	"time"
)

// simulated is progress with a clock that the test moves.
func simulated(plan map[pair]planned) (p *progress, out *bytes.Buffer, measure func(key pair, took time.Duration)) {
	out = &bytes.Buffer{}
	clock := time.Unix(0, 0)
	p = newProgress(out)
	p.now = func() time.Time { return clock }
	p.begin(plan)
	return p, out, func(key pair, took time.Duration) {
		p.next("somewhere", key)
		clock = clock.Add(took)
		p.done(key)
	}
}

func TestProgressEstimatesFromWhatEachPairTook(t *testing.T) {
	slow, fast := pair{"a", "slow"}, pair{"a", "fast"}
	p, out, measure := simulated(map[pair]planned{slow: {2, 4 * time.Second}, fast: {2, time.Second}})
	measure(slow, 20*time.Second)
	// Another round of 20 s, and two that take five times as long here as elsewhere.
	if left, ok := p.remaining(); !ok || left != 30*time.Second {
		t.Errorf("with one known pair: %v, %v", left, ok)
	}
	measure(fast, 2*time.Second)
	measure(slow, 20*time.Second)
	measure(fast, 4*time.Second)
	if want := "somewhere: a, about 30s left\nsomewhere: a, about 2s left\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if left, _ := p.remaining(); left != 0 {
		t.Errorf("at the end: %v", left)
	}
}

func TestProgressIsOneLineOfATerminal(t *testing.T) {
	p, out, measure := simulated(map[pair]planned{{"a", "loop"}: {2, time.Second}})
	p.terminal = true
	measure(pair{"a", "loop"}, 3*time.Second)
	measure(pair{"a", "loop"}, 3*time.Second)
	p.clear()
	if want := "\r\x1b[Ksomewhere: a on loop\r\x1b[Ksomewhere: a on loop, about 3s left\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestProgressForgetsAPairThatWasGivenUp(t *testing.T) {
	slow, fast := pair{"a", "slow"}, pair{"a", "fast"}
	p, _, measure := simulated(map[pair]planned{slow: {2, 4 * time.Second}, fast: {2, time.Second}})
	measure(slow, 4*time.Second)
	p.drop(slow)
	if left, _ := p.remaining(); left != 2*time.Second {
		t.Errorf("without the pair that was given up: %v", left)
	}
}

func TestProgressLearnsHowSlowAPeerIs(t *testing.T) {
	plan := map[pair]planned{}
	for _, w := range []string{"a", "b", "c", "d"} {
		plan[pair{w, "slow"}], plan[pair{w, "fast"}] = planned{1, 100 * time.Second}, planned{1, 100 * time.Second}
	}
	p, _, measure := simulated(plan)
	measure(pair{"a", "slow"}, 300*time.Second)
	measure(pair{"a", "fast"}, 100*time.Second)
	measure(pair{"b", "slow"}, 300*time.Second)
	measure(pair{"b", "fast"}, 100*time.Second)
	if left, _ := p.remaining(); left < 790*time.Second || left > 810*time.Second {
		t.Errorf("got %v, want about 800 s", left)
	}
}
