package choice

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// program is a run that asks for decisions with that many values each.
func program(kind Kind, ns ...int) func(Source) []Taken {
	return func(source Source) []Taken {
		r := Recorder{Source: source}
		for _, n := range ns {
			r.Choose(Point{Kind: kind, N: n})
		}
		return r.Taken
	}
}

// all returns what a strategy proposes, in order, until it has nothing left or that many.
func all(s Strategy, run func(Source) []Taken, most int) (tokens []string) {
	for len(tokens) < most {
		token, ok := s.Next()
		if !ok {
			return tokens
		}
		taken := run(token.Source(0))
		s.Learn(token, taken)
		tokens = append(tokens, ScheduleOf(taken).String())
	}
	return tokens
}

func TestRecorderNotesDecisions(t *testing.T) {
	r := Recorder{Source: Schedule{{1, 2}, {2, 99}}.Replay()}
	for _, p := range []Point{{Kind: Tie, N: 2}, {Kind: Steps, N: 3}, {Kind: Draw, N: 100}, {Kind: Cancel, N: 2}} {
		r.Choose(p)
	}
	want := []Taken{{Tie, 2, 0}, {Steps, 3, 2}, {Draw, 1, 99}, {Cancel, 2, 0}}
	if !slices.Equal(r.Taken, want) {
		t.Errorf("the decisions are %v, not %v", r.Taken, want)
	}
	if got := ScheduleOf(r.Taken).String(); got != "@1.2,2.99" {
		t.Errorf("the schedule is %s", got)
	}
}

func TestRecorderWithoutSourceIsTheDefaultRun(t *testing.T) {
	if s := ScheduleOf(program(Tie, 2, 3, 4)(nil)); len(s) > 0 {
		t.Errorf("the default run deviates: %v", s)
	}
}

func TestParseTokenIsTheInverseOfString(t *testing.T) {
	for _, text := range []string{"0", "17", "18446744073709551615", "p3.17", "p1.0", "@", "@3.1", "@2.2,5.1"} {
		token, err := ParseToken(text)
		if err != nil || token.String() != text {
			t.Errorf("%q is parsed as %v, %v", text, token, err)
		}
		if token.Exact() != (text[0] == '@') {
			t.Errorf("%q: exact is %v", text, token.Exact())
		}
	}
}

func TestParseTokenRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "-1", "x", "p", "p3", "p0.1", "p3.x", "@x", "@1", "@1.0", "@1.x", "@-1.1", "@1.1,", "@2.1,1.1", "@1.1,1.2", "1.1"} {
		if token, err := ParseToken(text); err == nil {
			t.Errorf("%q is parsed as %v", text, token)
		}
	}
}

func TestReplaySaysWhyAScheduleDoesNotFit(t *testing.T) {
	for _, test := range []struct {
		schedule Schedule
		misfit   string
		taken    string
	}{
		{nil, "", "@"},
		{Schedule{{0, 1}, {2, 2}}, "", "@0.1,2.2"},
		{Schedule{{1, 3}}, "decision 1 has 3 possible values now, and not 3", "@"},
		{Schedule{{1, 3}, {2, 1}}, "decision 1 has 3 possible values now, and not 3", "@2.1"},
		{Schedule{{0, 1}, {7, 1}}, "there are 3 decisions now, and no decision 7", "@0.1"},
	} {
		r := test.schedule.Replay()
		if got := ScheduleOf(program(Tie, 2, 3, 4)(r)).String(); got != test.taken {
			t.Errorf("%v is replayed as %v", test.schedule, got)
		}
		if got := r.Misfit(); got != test.misfit {
			t.Errorf("%v: %q, not %q", test.schedule, got, test.misfit)
		}
	}
}

func TestDeepeningProposesEachScheduleOnceByItsDeviations(t *testing.T) {
	run := program(Tie, 2, 3, 2)
	d := NewDeepening(run(nil), 0, 1000)
	if d.Pending() != 4 {
		t.Errorf("%d schedules are known at first, and not 4", d.Pending())
	}
	got := all(d, run, 1000)
	want := []string{
		"@0.1", "@1.1", "@1.2", "@2.1",
		"@0.1,1.1", "@0.1,1.2", "@0.1,2.1", "@1.1,2.1", "@1.2,2.1",
		"@0.1,1.1,2.1", "@0.1,1.2,2.1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the schedules are\n%v, not\n%v", got, want)
	}
	if !d.Complete() || d.Pending() != 0 {
		t.Errorf("it is not complete: %d are left", d.Pending())
	}
}

func TestDeepeningFindsDecisionsThatAnotherOneMakes(t *testing.T) {
	run := func(source Source) []Taken {
		r := Recorder{Source: source}
		if r.Choose(Point{Kind: Tie, N: 2}) == 1 {
			r.Choose(Point{Kind: Tie, N: 2})
		}
		return r.Taken
	}
	d := NewDeepening(run(nil), 0, 1000)
	if got, want := all(d, run, 1000), []string{"@0.1", "@0.1,1.1"}; !slices.Equal(got, want) {
		t.Errorf("the schedules are %v, not %v", got, want)
	}
}

func TestDeepeningStopsAtItsDepth(t *testing.T) {
	run := program(Cancel, 2, 2, 2)
	d := NewDeepening(run(nil), 1, 1000)
	if got, want := all(d, run, 1000), []string{"@0.1", "@1.1", "@2.1"}; !slices.Equal(got, want) {
		t.Errorf("the schedules are %v, not %v", got, want)
	}
	if !d.Complete() {
		t.Error("it is not complete")
	}
}

func TestDeepeningKeepsNoMoreThanItMayPropose(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{2}, 100)...)
	const most = 300
	d := NewDeepening(run(nil), 0, most)
	highest := 0
	made := 0
	for {
		token, ok := d.Next()
		if !ok {
			break
		}
		made++
		d.Learn(token, run(token.Source(0)))
		highest = max(highest, d.Pending())
	}
	if made < most || highest > most+100 {
		t.Errorf("it has proposed %d schedules, and kept %d", made, highest)
	}
	if d.Complete() {
		t.Error("it says that it is complete")
	}
	if d.Depth() != 1 {
		t.Errorf("it says that it has tried all with %d deviations, and not with one", d.Depth())
	}
}

func TestDeepeningKnowsItsDepth(t *testing.T) {
	run := program(Tie, 2, 2, 2)
	d := NewDeepening(run(nil), 0, 1000)
	var depths []int
	for {
		token, ok := d.Next()
		if !ok {
			break
		}
		d.Learn(token, run(token.Source(0)))
		depths = append(depths, d.Depth())
	}
	if want := []int{0, 0, 1, 1, 1, 2, 3}; !slices.Equal(depths, want) {
		t.Errorf("the depths are %v, not %v", depths, want)
	}
}

func TestDeepeningLeavesRandomNumbersAlone(t *testing.T) {
	run := program(Draw, 1000)
	d := NewDeepening(run(nil), 0, 1000)
	if got := all(d, run, 1000); len(got) > 0 {
		t.Errorf("it proposes %v", got)
	}
	if !d.Drawn() || !d.Complete() {
		t.Errorf("drawn %v, complete %v", d.Drawn(), d.Complete())
	}
}

func TestSeedsMakeTheSameRunAgain(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{5}, 200)...)
	for _, s := range []Strategy{Random(7), PCT(2, 7), PCT(3, 7)} {
		different := map[string]bool{}
		for range 20 {
			token, _ := s.Next()
			a, b := run(token.Source(200)), run(token.Source(200))
			if !slices.Equal(a, b) {
				t.Errorf("%v makes two runs", token)
			}
			different[ScheduleOf(a).String()] = true
		}
		if len(different) < 10 {
			t.Errorf("20 seeds make only %d different runs", len(different))
		}
	}
}

func TestRandomReachesEverySchedule(t *testing.T) {
	run := program(Tie, 2, 3, 2)
	seen := map[string]bool{}
	for _, token := range all(Random(0), run, 2000) {
		seen[token] = true
	}
	if len(seen) != 2*3*2 {
		t.Errorf("it has made %d of 12 schedules", len(seen))
	}
}

func TestRandomUsesAProbability(t *testing.T) {
	count := func(p float64) (n int) {
		source := newRandom(1)
		for range 10_000 {
			n += source.Choose(Point{Kind: Program, N: 2, P: p})
		}
		return n
	}
	if n := count(0.1); n < 800 || n > 1200 {
		t.Errorf("with probability 0.1: %d of 10,000", n)
	}
	if n := count(0.9); n < 8800 || n > 9200 {
		t.Errorf("with probability 0.9: %d of 10,000", n)
	}
}

func TestRandomDrawsUniformly(t *testing.T) {
	source := newRandom(1)
	counts := make([]int, 10)
	for range 10_000 {
		counts[source.Choose(Point{Kind: Draw, N: 10})]++
	}
	for v, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("%d came %d times of 10,000", v, n)
		}
	}
}

// A delayed event stays away until the clock has moved in about half of the cases.
func TestRandomAimsAtTheNextDeadline(t *testing.T) {
	aimed, before, among := 0, 0, 0
	for seed := range uint64(4000) {
		source := newRandom(seed)
		source.deviates = 0.5
		if source.Choose(Point{Kind: Arrive, N: 2, Epoch: 3}) == 0 {
			continue
		}
		if len(source.aim.delayed) == 0 {
			continue
		}
		aimed++
		for range 30 {
			if source.Choose(Point{Kind: Arrive, N: 2, Epoch: 3}) == 0 || source.Choose(Point{Kind: Among, N: 4, Epoch: 3}) > 0 {
				t.Fatalf("seed %d: it does not stay away", seed)
			}
		}
		if source.Choose(Point{Kind: Arrive, N: 2, Epoch: 4}) == 0 {
			before++
		} else if source.Choose(Point{Kind: Among, N: 4, Epoch: 4}) > 0 {
			among++
		}
	}
	if aimed < 800 || aimed > 1200 {
		t.Errorf("%d of about 2,000 delayed events were aimed at the next deadline", aimed)
	}
	if before+among != aimed || before < aimed/3 || among < aimed/3 {
		t.Errorf("of %d, %d came before the timers and %d among them", aimed, before, among)
	}
}

func TestRandomLetsComeWhatMust(t *testing.T) {
	for seed := range uint64(500) {
		source := newRandom(seed)
		for range 50 {
			source.Choose(Point{Kind: Arrive, N: 2})
			if v := source.Choose(Point{Kind: Arrive, N: 3, Must: true}); v > 2 {
				t.Fatalf("it chooses %d of 3", v)
			}
		}
	}
}

// A run of two tasks of that many steps each, which fails if the first task's first step
// comes after the last one of the other task.
func starved(steps int) func(Source) (order string, taken []Taken) {
	return func(source Source) (string, []Taken) {
		r := Recorder{Source: source}
		left := []int{steps, steps}
		order := ""
		for left[0]+left[1] > 0 {
			var ready []int
			for id, n := range left {
				if n > 0 {
					ready = append(ready, id+1)
				}
			}
			v := 0
			if len(ready) > 1 {
				v = r.Choose(Point{Kind: Steps, N: len(ready), Options: ready})
			}
			left[ready[v]-1]--
			order += fmt.Sprint(ready[v])
		}
		return order, r.Taken
	}
}

func TestPCTKeepsToItsPrioritiesBetweenChanges(t *testing.T) {
	run := starved(5)
	orders := map[string]int{}
	for seed := range uint64(200) {
		order, _ := run(newPCT(1, seed, 9))
		orders[order]++
	}
	if len(orders) != 2 || orders["1111122222"] < 60 || orders["2222211111"] < 60 {
		t.Errorf("without a change the orders are %v", orders)
	}
	orders = map[string]int{}
	for seed := range uint64(2000) {
		order, _ := run(newPCT(2, seed, 5))
		orders[order]++
	}
	for order := range orders {
		changes := 0
		for i := 1; i < len(order); i++ {
			if order[i] != order[i-1] {
				changes++
			}
		}
		if changes > 2 {
			t.Errorf("with one change of priorities there is the order %s", order)
		}
	}
	if len(orders) != 10 { // who begins, and after how many steps the other one goes on
		t.Errorf("the orders are %v", orders)
	}
}

func TestPCTDeviatesSeldomWhereNoTasksAre(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{4}, 100)...)
	deviations := 0
	for seed := range uint64(1000) {
		deviations += len(ScheduleOf(run(newPCT(3, seed, 100))))
	}
	if deviations < 2500 || deviations > 3500 { // two, and about one more
		t.Errorf("1,000 runs have %d deviations, not about 3,000", deviations)
	}
}

func TestPCTAcceptsARunWithoutDecisions(t *testing.T) {
	newPCT(3, 0, 0).Choose(Point{Kind: Tie, N: 2})
}

func TestBytesAreDecisionsUntilTheyRunOut(t *testing.T) {
	b := Bytes{3, 250, 1, 2}
	var got []int
	for _, n := range []int{2, 7, 1000, 5, 2} {
		got = append(got, b.Choose(Point{N: n}))
	}
	if want := []int{1, 250 % 7, 258, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("the decisions are %v, not %v", got, want)
	}
}

func TestBytesReachEveryValue(t *testing.T) {
	for _, n := range []int{2, 255, 256, 257, 70_000, 1 << 30} {
		data := Bytes(slices.Repeat([]byte{0xff}, 8))
		for v := n - 1; v > 0; v /= 3 {
			encoded := Bytes{}
			for rest := n - 1; rest > 0; rest >>= 8 {
				encoded = append(encoded, 0)
			}
			for i, rest := len(encoded)-1, v; i >= 0; i, rest = i-1, rest>>8 {
				encoded[i] = byte(rest)
			}
			if got := encoded.Choose(Point{N: n}); got != v {
				t.Errorf("of %d values, %d is read as %d", n, v, got)
			}
		}
		if v := data.Choose(Point{N: n}); v < 0 || v >= n {
			t.Errorf("of %d values it chooses %d", n, v)
		}
	}
}

// shrunk makes a run with that source and shrinks it, as long as fails says so.
func shrunk(run func(Source) []Taken, source Source, fails func(Schedule) bool, most int) (s Schedule, tries int) {
	try := func(s Schedule) []Taken {
		if tries == most {
			return nil
		}
		tries++
		taken := run(s.Replay())
		if !fails(ScheduleOf(taken)) {
			return nil
		}
		return taken
	}
	return ScheduleOf(Shrink(run(source), try)), tries
}

func has(s Schedule, index, least int) bool {
	return slices.ContainsFunc(s, func(d Deviation) bool { return d.Index == index && d.Value >= least })
}

func TestShrinkFindsWhatMatters(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{10}, 200)...)
	fails := func(s Schedule) bool { return has(s, 17, 3) && has(s, 60, 1) && has(s, 199, 7) }
	var long Schedule
	for i := range 200 {
		long = append(long, Deviation{i, 9})
	}
	s, tries := shrunk(run, long.Replay(), fails, 5000)
	if s.String() != "@17.3,60.1,199.7" {
		t.Errorf("it is shrunk to %v", s)
	}
	if tries > 500 {
		t.Errorf("that has taken %d runs", tries)
	}
}

func TestShrinkCutsTheTail(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{2}, 1000)...)
	var long Schedule
	for i := range 1000 {
		long = append(long, Deviation{i, 1})
	}
	s, tries := shrunk(run, long.Replay(), func(s Schedule) bool { return has(s, 2, 1) }, 5000)
	if s.String() != "@2.1" || tries > 20 {
		t.Errorf("it is shrunk to %v by %d runs", s, tries)
	}
}

func TestShrinkPrefersWhatAsyncioPermits(t *testing.T) {
	// Decision 0 is about tasks, decisions 1 and 2 are not: either 0 alone or 1 and 2 fail.
	run := func(source Source) []Taken {
		r := Recorder{Source: source}
		r.Choose(Point{Kind: Steps, N: 2, Options: []int{1, 2}})
		r.Choose(Point{Kind: Tie, N: 2})
		r.Choose(Point{Kind: Tie, N: 2})
		return r.Taken
	}
	fails := func(s Schedule) bool { return has(s, 0, 1) || has(s, 1, 1) && has(s, 2, 1) }
	s, _ := shrunk(run, Schedule{{0, 1}, {1, 1}, {2, 1}}.Replay(), fails, 5000)
	if s.String() != "@1.1,2.1" {
		t.Errorf("it is shrunk to %v", s)
	}
}

func TestShrinkStopsWhenItMay(t *testing.T) {
	run := program(Tie, slices.Repeat([]int{10}, 50)...)
	var long Schedule
	for i := range 50 {
		long = append(long, Deviation{i, 9})
	}
	s, tries := shrunk(run, long.Replay(), func(s Schedule) bool { return has(s, 49, 5) }, 3)
	if tries != 3 || !has(s, 49, 5) {
		t.Errorf("after %d runs it is %v", tries, s)
	}
}

// What is left out changes which decisions there are: the result is what was taken.
func TestShrinkReturnsWhatWasTaken(t *testing.T) {
	run := func(source Source) []Taken {
		r := Recorder{Source: source}
		if r.Choose(Point{Kind: Tie, N: 2}) == 1 {
			r.Choose(Point{Kind: Tie, N: 5})
		}
		r.Choose(Point{Kind: Tie, N: 2})
		return r.Taken
	}
	fails := func(s Schedule) bool { return len(s) > 0 }
	s, _ := shrunk(run, Schedule{{0, 1}, {1, 4}, {2, 1}}.Replay(), fails, 5000)
	if s.String() != "@0.1" {
		t.Errorf("it is shrunk to %v", s)
	}
}

func TestTokenSourcesAreOfTheirKinds(t *testing.T) {
	for text, want := range map[string]Source{"17": &random{}, "p2.1": &pct{}, "@1.1": &Replay{}} {
		token, err := ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := token.Source(10); reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Errorf("the source of %s is a %T", text, got)
		}
	}
}
