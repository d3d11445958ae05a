package monitor

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/goasyncio/asyncio/loop"
)

// Groups counts the unfinished tasks of all loops that run the same coroutine, or, if by is
// "created" and not "coroutine", were created in the same place too, as far as that is
// recorded: see [loop.WithCreationStacks]. An empty string is "coroutine". The largest
// groups come first. A leak of tasks is a group that grows, and whose oldest task is old.
//
// It waits as [Monitor.Tasks] does, and returns the same errors.
func (m *Monitor) Groups(ctx context.Context, by string) ([]Group, error) {
	if by != "" && by != "coroutine" && by != "created" {
		return nil, fmt.Errorf("monitor: Groups: there are no groups by %q: %w", by, loop.ErrInvalidArgument)
	}
	ctx, cancel := context.WithTimeout(ctx, m.settings.looks.patience)
	defer cancel()
	views, blocked := m.views(ctx, "Groups", 0)
	type key struct {
		loop      int
		coroutine Frame
		created   string
	}
	index := make(map[key]int)
	groups := []Group{}
	for _, v := range views {
		for i := range v.picture.rows {
			t := v.task(i)
			k := key{loop: t.Loop, coroutine: t.Coroutine}
			if by == "created" {
				k.created = fmt.Sprint(v.picture.rows[i].created)
			}
			n, there := index[k]
			if !there {
				n = len(groups)
				index[k] = n
				g := Group{Loop: t.Loop, Coroutine: t.Coroutine, Oldest: t, States: make(map[State]int)}
				if by == "created" {
					g.Created = m.symbols.created(v.picture.rows[i].created)
				}
				groups = append(groups, g)
			}
			groups[n].Count++
			groups[n].States[t.State]++
		}
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(b.Count, a.Count) })
	return groups, blocked
}
