package scenario

import (
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// An Engine is a way in which the library switches between tasks. Traces must not
// depend on it.
type Engine string

// The engines. A loop uses Channels by default. Lent is the same, but whenever the loop
// sleeps until a deadline another goroutine takes its baton, and so begins the iteration.
const (
	Channels Engine = "channels"
	IterPull Engine = "iterpull"
	Lent     Engine = "lent"
)

// Engines returns all engines.
func Engines() []Engine { return []Engine{Channels, IterPull, Lent} }

// ParseEngines returns the engine of that name, or all engines for "all".
func ParseEngines(name string) ([]Engine, error) {
	if name == "all" {
		return Engines(), nil
	}
	names := make([]string, 0, len(Engines()))
	for _, engine := range Engines() {
		if string(engine) == name {
			return []Engine{engine}, nil
		}
		names = append(names, string(engine))
	}
	return nil, fmt.Errorf("scenario: there is no engine %q: the engines are %s, and \"all\"", name, strings.Join(names, ", "))
}

// use makes a loop that has not run yet use the engine.
func (e Engine) use(l *loop.Loop) error {
	switch e {
	case Channels, Lent:
		task.SetHandoff(l, task.Channels)
		return nil
	case IterPull:
		task.SetHandoff(l, task.IterPull)
		return nil
	}
	return fmt.Errorf("scenario: there is no engine %q", string(e))
}
