package scenario_test

import (
	"encoding/json"
	"fmt"
)

// generator turns bytes into a program: every choice takes one byte, and when
// there are none left, every choice is the first one. So a fuzzer that changes
// a byte changes a decision, and a seed is a few bytes long.
//
// Every program ends. Loops are short, a coroutine starts only coroutines of a
// higher level, and callbacks start only leaf, which starts nothing. A task
// awaits, directly or through gather or wait_for, only tasks of a higher level
// than its own, so that no cycle of tasks awaiting each other arises.
type generator struct {
	data   []byte
	budget int // statements that may still be written
	names  int // for fresh variables

	// What a coroutine of some level may await: variables and the level of the
	// tasks behind them.
	awaitables []awaitable
}

type awaitable struct {
	name  string
	level int
}

// levels is the number of coroutines c1, c2, ... of a program.
const levels = 3

// leafLevel is the level of what may be awaited by everybody.
const leafLevel = levels + 1

type statement = []any

func (g *generator) choose(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	choice := int(g.data[0]) % n
	g.data = g.data[1:]
	return choice
}

func pick[T any](g *generator, options ...T) T { return options[g.choose(len(options))] }

func (g *generator) fresh(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// program writes a whole program.
func (g *generator) program() []byte {
	eager := g.choose(4) == 3
	for i := 1; i <= levels; i++ {
		g.awaitables = append(g.awaitables, awaitable{fmt.Sprintf("t%d", i), i})
	}
	g.awaitables = append(g.awaitables, awaitable{"f1", leafLevel}, awaitable{"f2", leafLevel})
	coros := map[string]any{
		"leaf": []statement{{"sleep", g.choose(3)}, {"return", 7}},
		"tick": []statement{{"loop", 6, []statement{{"sleep", 0}}}},
	}
	main := []statement{
		{"future", "f1"}, {"future", "f2"},
		{"lock", "lk"}, {"condition", "cd", "lk"}, {"event", "ev"},
		{"semaphore", "sm", g.choose(3)}, {"bounded_semaphore", "bs", 1 + g.choose(2)},
		{"barrier", "br", 1 + g.choose(3)},
		{"queue", "q1", pick(g, "fifo", "lifo"), g.choose(3)}, {"queue", "q2", "priority", g.choose(2)},
		{"timeout", "to", 1}, {"group", "gr"},
		{"pair", "pa", "pb"}, {"pair", "pc", "pd", 1 + g.choose(9)},
		{"spawn", "m1", "tick"},
	}
	for i := levels; i >= 1; i-- {
		g.budget = 6
		coros[fmt.Sprintf("c%d", i)] = g.body(i, 0, 1+g.choose(5))
		main = append(main, g.spawn(fmt.Sprintf("t%d", i), fmt.Sprintf("c%d", i)))
	}
	g.budget = 8
	for range 1 + g.choose(6) {
		main = append(main, statement{"try", g.body(0, 0, 1), []any{[]any{"any", []statement{}}}})
	}
	if g.choose(2) == 1 {
		main = append(main, statement{"wait", []string{"t1", "t2", "t3"}, 8, "ALL_COMPLETED"})
	}
	coros["main"] = main
	callbacks := map[string]any{}
	for i, name := range []string{"cb1", "cb2", "cb3"} {
		callbacks[name] = g.callback(i)
	}
	program, err := json.Marshal(map[string]any{
		"name": "fuzz", "eager": eager, "coros": coros, "callbacks": callbacks,
	})
	if err != nil {
		panic(err)
	}
	return program
}

func (g *generator) spawn(name, coro string) statement {
	if g.choose(4) == 3 {
		return statement{"spawn", name, coro, "eager"}
	}
	return statement{"spawn", name, coro}
}

// above is a coroutine that one of this level may start, and its level.
func (g *generator) above(level int) (string, int) {
	if level >= levels || g.choose(2) == 0 {
		return "leaf", leafLevel
	}
	higher := level + 1 + g.choose(levels-level)
	return fmt.Sprintf("c%d", higher), higher
}

// awaited is a variable that a coroutine of this level may await.
func (g *generator) awaited(level int) awaitable {
	var allowed []awaitable
	for _, a := range g.awaitables {
		if a.level > level {
			allowed = append(allowed, a)
		}
	}
	return pick(g, allowed...)
}

// anyone is a variable that may be cancelled, looked at, and waited for in ways
// that pass no cancellation on.
func (g *generator) anyone() string {
	return pick(g, g.awaitables...).name
}

func (g *generator) body(level, depth, length int) []statement {
	mark := len(g.awaitables)
	body := []statement{}
	for range length {
		if g.budget--; g.budget < 0 {
			break
		}
		body = append(body, g.statements(level, depth)...)
	}
	if depth > 0 {
		g.awaitables = g.awaitables[:mark]
	}
	return body
}

func (g *generator) delay() int { return pick(g, 0, 1, 2, 0, 3, -1) }

func (g *generator) limit() any { return pick[any](g, 1, 2, 0, nil, 3) }

func (g *generator) value() any {
	return pick[any](g, 1, "x", nil, true, []any{2, "y"})
}

func (g *generator) exception() any {
	return pick[any](g, "oops", map[string]any{"timeout": true}, map[string]any{"cancelled": "gone"}, map[string]any{"cancelled": nil})
}

func (g *generator) item(level int) (any, int) {
	if g.choose(3) == 0 {
		coro, itsLevel := g.above(level)
		return map[string]any{"coro": coro}, itsLevel
	}
	a := g.awaited(level)
	return a.name, a.level
}

func (g *generator) handler(level, depth int) []any {
	kind := pick(g, "cancelled", "any", "error", "timeout", "group")
	switch g.choose(5) {
	case 0:
		return []any{kind, []statement{}}
	case 1:
		return []any{kind, []statement{{"reraise"}}}
	case 2:
		return []any{kind, []statement{{"uncancel", "$me"}, {"sleep", g.delay()}}}
	case 3:
		return []any{kind, []statement{{"return", g.value()}}}
	}
	return []any{kind, g.body(level, depth+1, 1)}
}

// statements writes what one choice stands for.
func (g *generator) statements(level, depth int) []statement {
	nested := func() []statement { return g.body(level, depth+1, 1+g.choose(2)) }
	choice := g.choose(27)
	if depth > 2 && choice >= 18 && choice < 24 {
		choice -= 18
	}
	switch choice {
	default:
		return []statement{{"sleep", g.delay()}}
	case 1:
		return []statement{{"await", g.awaited(level).name}}
	case 2:
		return []statement{{"cancel", pick(g, g.anyone(), "$me", "main"), "m"}}
	case 3:
		return []statement{{"cancel", g.anyone()}, {"sleep", 0}}
	case 4:
		return []statement{{"set_result", pick(g, "f1", "f2"), g.value()}}
	case 5:
		return []statement{{"set_exception", pick(g, "f1", "f2"), g.exception()}}
	case 6:
		name := g.fresh("u")
		coro, itsLevel := g.above(level)
		g.awaitables = append(g.awaitables, awaitable{name, itsLevel})
		return []statement{g.spawn(name, coro)}
	case 7:
		return []statement{{pick(g, "add_done_callback", "remove_done_callback"), g.anyone(), pick(g, "cb1", "cb2", "cb3")}}
	case 8:
		return []statement{pick(g,
			statement{"call_soon", "h", "cb1"}, statement{"call_later", "h", g.delay(), "cb2"},
			statement{"call_at", "h", g.choose(4), "cb1"}, statement{"call_soon_threadsafe", "h", "cb3"},
			statement{"cancel_handle", "h"})}
	case 9:
		name := g.fresh("ga")
		items, least := []any{}, leafLevel
		for range g.choose(4) {
			item, itsLevel := g.item(level)
			items, least = append(items, item), min(least, itsLevel)
		}
		g.awaitables = append(g.awaitables, awaitable{name, least})
		return []statement{{"gather", name, items, g.choose(2) == 1}, {"await", name}}
	case 10:
		name := g.fresh("sh")
		g.awaitables = append(g.awaitables, awaitable{name, leafLevel})
		return []statement{{"shield", name, pick[any](g, "f1", g.anyone(), map[string]any{"coro": "leaf"})}, {"await", name}}[:1+g.choose(2)]
	case 11:
		item, _ := g.item(level)
		return []statement{{"wait_for", item, g.limit()}}
	case 12:
		names := []string{g.anyone()}
		for range g.choose(3) {
			names = append(names, g.anyone())
		}
		return []statement{{"wait", names, g.limit(), pick(g, "ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION")}}
	case 13:
		return []statement{pick(g, statement{"event_wait", "ev"}, statement{"event_set", "ev"}, statement{"event_clear", "ev"})}
	case 14:
		return []statement{pick(g, statement{"barrier_wait", "br"}, statement{"barrier_reset", "br"}, statement{"barrier_abort", "br"})}
	case 15:
		return []statement{pick(g,
			statement{"put", "q1", g.value()}, statement{"get", "q1"}, statement{"put", "q2", []any{g.choose(3), "i"}},
			statement{"get", "q2"}, statement{"get_nowait", "q1"}, statement{"put_nowait", "q1", 5},
			statement{"task_done", "q1"}, statement{"join", "q1"}, statement{"shutdown", "q1", g.choose(2) == 1})}
	case 16:
		lock := pick(g, "lk", "cd", "sm", "bs")
		return []statement{{"acquire", lock}, {"sleep", g.delay()}, {"release", lock}}[:1+g.choose(3)]
	case 17:
		return []statement{pick(g,
			statement{"raise", g.exception()}, statement{"release", "lk"}, statement{"probe", g.anyone()},
			statement{pick(g, "result", "exception"), g.anyone()}, statement{"uncancel", "$me"}, statement{"all_tasks"},
			statement{"reschedule", "to", g.limit()}, statement{"group_cancel", "gr"})}
	case 18:
		coro, _ := g.above(level)
		return []statement{{"call", coro}}
	case 19:
		s := statement{"try", nested(), []any{g.handler(level, depth)}}
		if g.choose(3) == 2 {
			s = append(s, pick(g, []statement{}, []statement{{"sleep", 0}}, []statement{{"return", 3}}))
		}
		return []statement{s}
	case 20:
		return []statement{{"timeout", "to", g.limit()}, {"with", "to", nested()}}
	case 21:
		child := g.fresh("ch")
		coro, _ := g.above(level)
		return []statement{{"group", "gr"}, {"with", "gr", append([]statement{{"group_spawn", child, "gr", coro}}, nested()...)}}
	case 22:
		lock := pick(g, "lk", "cd", "sm", "bs", "br")
		inside := nested()
		if lock == "cd" {
			inside = append(inside, pick(g,
				statement{"cond_wait", "cd"}, statement{"notify", "cd", 1}, statement{"notify_all", "cd"},
				statement{"cond_wait_for", "cd", "ev"}))
		}
		return []statement{{"with", lock, inside}}
	case 23:
		if g.choose(2) == 0 {
			return []statement{{"loop", 2, nested()}}
		}
		name := g.fresh("ac")
		items := []any{g.anyone(), g.anyone()}
		if g.choose(2) == 1 {
			items = append(items, map[string]any{"coro": "leaf"})
		}
		return []statement{{"as_completed", name, items, g.limit(), pick(g, []statement{}, []statement{{"probe", name}}, nested())}}
	case 24:
		end := g.end()
		return []statement{pick(g,
			statement{"read", end, 1 + g.choose(9)}, statement{"read_line", end}, statement{"read_exactly", end, 1 + g.choose(9)},
			statement{"read_until", end, []any{";", "\n"}}, statement{"read_all", end}, statement{"drain", end},
			statement{"wait_closed", end}, statement{"lines", end, []statement{{"sleep", g.delay()}}})}
	case 25:
		return []statement{{"write", g.end(), g.message()}, {"cancel", g.anyone()}, {"sleep", 0}}[:1+g.choose(3)]
	case 26:
		return []statement{g.streamEvent(), {"read", g.end(), 9}}[:1+g.choose(2)]
	}
}

func (g *generator) end() string { return pick(g, "pa", "pb", "pc", "pd") }

func (g *generator) message() any {
	return pick[any](g, "line\n", "x", "a;b\nc", []any{"z", 1 + g.choose(60)}, []any{"big", 100_000})
}

// streamEvent is what happens on a stream without waiting.
func (g *generator) streamEvent() statement {
	end := g.end()
	return pick(g,
		statement{"write", end, g.message()}, statement{"write_lines", end, []any{g.message(), g.message()}},
		statement{"close", end}, statement{"abort", end}, statement{"write_eof", end}, statement{"pause_reading", end},
		statement{"resume_reading", end}, statement{"fail_reading", end, g.exception()}, statement{"probe", end},
		statement{"write_limits", end, g.limit(), g.limit()})
}

// callback writes callback number i. It registers only later ones.
func (g *generator) callback(i int) []statement {
	var body []statement
	for range 1 + g.choose(2) {
		s := statement{"cancel", g.anyone()}
		switch g.choose(10) {
		case 9:
			s = g.streamEvent()
		case 1:
			s = statement{"set_result", pick(g, "f1", "f2"), g.value()}
		case 2:
			s = statement{"set_exception", pick(g, "f1", "f2"), g.exception()}
		case 3:
			s = g.spawn(g.fresh("w"), "leaf")
		case 4:
			s = pick(g, statement{"event_set", "ev"}, statement{"release", pick(g, "lk", "sm", "bs")}, statement{"notify", "cd", 1})
		case 5:
			s = pick(g, statement{"put_nowait", "q1", 1}, statement{"get_nowait", "q1"}, statement{"shutdown", "q1"})
		case 6:
			s = pick(g, statement{"raise", g.exception()}, statement{"probe", "$fut"}, statement{"reschedule", "to", 0})
		case 7:
			s = pick(g, statement{"group_spawn", g.fresh("ch"), "gr", "leaf"}, statement{"group_cancel", "gr"})
		case 8:
			if i < 2 {
				s = pick(g, statement{"call_later", "h", g.delay(), "cb3"}, statement{"add_done_callback", g.anyone(), "cb3"})
			}
		}
		body = append(body, s)
	}
	return body
}
