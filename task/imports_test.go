package task_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What shows tasks to others comes with packages of its own: a program that uses none of
// them contains none of it.
func TestImportsOfWhatShowsTasks(t *testing.T) {
	const module = "github.com/goasyncio/asyncio"
	for pkg, without := range map[string][]string{
		"timers":              {"net/http", "runtime/pprof", "runtime/trace"},
		"loop":                {"net/http", "runtime/pprof", "runtime/trace"},
		"future":              {"net/http", "runtime/pprof", "runtime/trace"},
		"task":                {"net/http", "runtime/pprof", "runtime/trace"},
		"sync":                {"net/http", "runtime/pprof", "runtime/trace"},
		"task/internal/sched": {"net/http", "runtime/pprof", "runtime/trace"},
		"task/streams":        {"net/http", "runtime/pprof", "runtime/trace"},
		"task/monitor":        {"net/http"},
		"task/tracing":        {"net/http"},
	} {
		list, err := exec.Command("go", "list", "-deps", module+"/"+pkg).Output()
		if err != nil {
			t.Skipf("the go command does not work here: %v", err)
		}
		deps := strings.Fields(string(list))
		if !slices.Contains(deps, module+"/"+pkg) {
			t.Fatalf("the list of what %s imports is wrong: %s", pkg, list)
		}
		for _, dep := range without {
			if slices.Contains(deps, dep) {
				t.Errorf("package %s imports %s", pkg, dep)
			}
		}
	}
}
