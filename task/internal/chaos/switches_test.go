package chaos

import (
	"fmt"
	"slices"
	"strings"
)

// A toggle is a fault or a check that can be left out.
type toggle string

const (
	concurrentPanics  toggle = "concurrent-callback-panics"
	concurrentExits   toggle = "concurrent-callback-exits"
	concurrentCreates toggle = "concurrent-callback-creates"
	overridden        toggle = "overridden-methods"
	eagerExitOnPull   toggle = "eager-exit-on-pull"
	handlerExits      toggle = "handler-exits"
	handlerExitsClose toggle = "handler-exits-in-close"
	submitPanics      toggle = "submit-panics-on-virtual-clock"
	unwrapPanics      toggle = "unwrap-panics"
	circles           toggle = "circles"
	foreignMisuse     toggle = "foreign-misuse"
	closeReports      toggle = "close-reports"
)

// toggles says which faults and checks are on. The flag -with turns them over.
var toggles = []struct {
	name toggle
	on   bool
	what string
}{
	{concurrentPanics, false, "done callbacks of a Concurrent panic"},
	{concurrentExits, false, "done callbacks of a Concurrent call runtime.Goexit"},
	{concurrentCreates, false, "done callbacks of a Concurrent create tasks and format the task tree"},
	{overridden, false, "types that embed a Future or Task have methods that panic"},
	{eagerExitOnPull, false, "eager tasks call runtime.Goexit, on IterPull"},
	{handlerExits, true, "the exception handler calls runtime.Goexit while the loop runs"},
	{handlerExitsClose, false, "the exception handler calls runtime.Goexit in Close"},
	{submitPanics, false, "Submit of an executor panics, on a virtual clock"},
	{unwrapPanics, false, "errors have an Unwrap that panics"},
	{circles, false, "tasks await each other in a circle and are cancelled"},
	{foreignMisuse, false, "a foreign goroutine calls what only the loop may call, without debug mode"},
	{closeReports, false, "check: an exception is retrieved, or reported once by the end of Close"},
}

// switches are the faults and checks that are on.
type switches map[toggle]bool

// switched returns the switches, having turned over the named ones; "all" turns all on.
func switched(names string) (switches, error) {
	on := switches{}
	var known []string
	for _, toggle := range toggles {
		on[toggle.name] = toggle.on || names == "all"
		known = append(known, fmt.Sprintf("%-32s %-6v %s", toggle.name, toggle.on, toggle.what))
	}
	if names == "" || names == "all" {
		return on, nil
	}
	for _, name := range strings.Split(names, ",") {
		if _, ok := on[toggle(name)]; !ok {
			slices.Sort(known)
			return nil, fmt.Errorf("there is no switch %q, but:\n%s", name, strings.Join(known, "\n"))
		}
		on[toggle(name)] = !on[toggle(name)]
	}
	return on, nil
}
