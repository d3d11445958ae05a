package chaos

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	long = flag.Duration("long", 0, "run new random programs for that long (with -timeout 0)")
	seed = flag.Uint64("seed", 0, "run the program with that seed only, or with -long, begin with it; with -v, log what it does")
	runs = flag.Int("runs", 1, "how often to run each program")
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // for callbacks of a Concurrent that panic
	goleak.VerifyTestMain(m)
}

// programs is how many random programs an ordinary test run is made of.
const programs = 300

// patience is how long a program may take. It takes a few milliseconds.
const patience = time.Minute

// TestChaos runs random programs. To run one that failed again, many times if its goroutines
// depend on timing:
//
//	go test ./task/internal/chaos -race -seed 17 -runs 1000
//
// To run new ones for an hour:
//
//	go test ./task/internal/chaos -race -timeout 0 -long 1h
func TestChaos(t *testing.T) {
	switch {
	case *long != 0:
		tryFor(t, *long)
	case *seed != 0:
		try(t, *seed)
	default:
		for n := range uint64(programs) {
			try(t, n+1)
		}
	}
}

// generation is how long one process runs programs. Under the race detector the runtime
// keeps 5 KB for each coroutine of iter.Pull that has ended, a gigabyte in a minute or two.
const generation = 3 * time.Minute

// tryFor runs programs for a while, in one process after the other.
func tryFor(t *testing.T, d time.Duration) {
	first := uint64(time.Now().UnixMilli()) * 100
	if *seed != 0 {
		first = *seed
	}
	if d <= generation {
		tryHere(t, first, d)
		return
	}
	for end := time.Now().Add(d); time.Until(end) > 0 && !t.Failed(); first += 1_000_000 {
		child := exec.Command(os.Args[0], "-test.run=^TestChaos$", "-test.timeout=0",
			"-seed", fmt.Sprint(first), "-runs", fmt.Sprint(*runs), "-long", min(generation, time.Until(end)).String())
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			t.Errorf("programs from seed %d on: %v", first, err)
		}
	}
}

// tryHere runs programs for a while. If the process dies, a file tells the last seed.
func tryHere(t *testing.T, first uint64, d time.Duration) {
	file, err := os.Create(filepath.Join(os.TempDir(), fmt.Sprintf("chaos-seed-%d", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Printf("the seed of the present program is in %s\n", file.Name())
	n := uint64(0)
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		if _, err := file.WriteAt(fmt.Appendf(nil, "%-20d\n", first+n), 0); err != nil {
			t.Fatal(err)
		}
		try(t, first+n)
	}
	_ = os.Remove(file.Name())
	fmt.Printf("%d programs, from seed %d on\n", n, first)
}

// try runs one program and reports what is wrong with it.
func try(t *testing.T, seed uint64) {
	t.Helper()
	again := fmt.Sprintf("go test ./task/internal/chaos -race -v -seed %d", seed)
	for range *runs {
		p := newProgram(seed, logger(t))
		over := make(chan struct{})
		go func() {
			defer close(over)
			p.run()
		}()
		select {
		case <-over:
		case <-time.After(patience):
			t.Errorf("%s\n%v does not end\n%s\n\n%s", again, p, strings.Join(p.faults(), "\n"), stacks())
			select {
			case <-over:
				t.Fatal("it has ended now: is the machine too busy?")
			case <-time.After(patience):
				t.Fatalf("nor does it later on\n%s", stacks())
			}
		}
		if faults := p.faults(); len(faults) > 0 {
			t.Errorf("%s\n%v:\n%s", again, p, strings.Join(faults, "\n"))
			return
		}
	}
}

// logger returns a function that logs what a program does, if only one is run.
func logger(t *testing.T) func(string, ...any) {
	if *seed == 0 || *long != 0 || !testing.Verbose() {
		return nil
	}
	return func(format string, args ...any) { t.Helper(); t.Logf(format, args...) }
}

// stacks is what all goroutines are doing.
func stacks() string {
	for size := 1 << 20; ; size *= 2 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size {
			return string(text[:n])
		}
	}
}
