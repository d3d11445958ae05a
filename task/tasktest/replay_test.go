package tasktest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// chance deviates from asyncio's order with a probability of its own.
type chance struct {
	*rand.Rand
	deviates float64
}

func (c chance) Choose(p choice.Point) int {
	if c.Float64() < c.deviates {
		return c.IntN(p.N)
	}
	return 0
}

// under runs fn with a source of decisions.
func under(t testing.TB, s settings, source choice.Source, fn func(ctx context.Context, t *T) string) (trace string, e *explorer) {
	r := newRun(t, s)
	e = &explorer{run: r}
	e.recorder.Source = source
	r.explorer = e
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.do(func(ctx context.Context, t *T) { trace = fn(ctx, t) })
	}()
	<-done
	return trace, e
}

// A run is determined by its token, which names only what was not as on asyncio.
func TestTokenReplaysToTheSameTrace(t *testing.T) {
	const programs, runs = 500, 20
	deviations, longest := 0, 0
	for i := range programs {
		r := rand.New(rand.NewPCG(4, uint64(i)))
		p := randomProgram(r, 6, 6)
		opts := []Option{Level(Orders(i % 2)), Handoff(task.Handoff(i / 2 % 2))}
		if i%3 == 0 {
			opts = append(opts, Cancel(), AllowRefusal())
		}
		if i%5 == 0 {
			opts = append(opts, Slow(2*time.Second))
		}
		s := newSettings(opts)
		for range runs {
			want, e := under(t, s, chance{r, r.Float64()}, p.run)
			token := choice.ScheduleOf(e.recorder.Taken).String()
			schedule, err := choice.ParseSchedule(token)
			if err != nil {
				t.Fatal(err)
			}
			replay := schedule.Replay()
			got, again := under(t, s, replay, p.run)
			if got != want || again.digest != e.digest || replay.Misfit() != "" {
				t.Fatalf("the token %s of the program\n%v\ngave the trace\n%s\nand, replayed,\n%s", token, p, want, got)
			}
			deviations, longest = deviations+len(schedule), max(longest, len(schedule))
		}
	}
	if deviations < 3*programs*runs || longest < 20 {
		t.Errorf("%d runs have %d deviations, at most %d of one: too few", programs*runs, deviations, longest)
	}
}
